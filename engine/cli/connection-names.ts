import { IngestError } from '../errors.ts';
import type { Connection } from '../spec/connection.ts';
import type { Project } from '../spec/project.ts';
import { didYouMean } from '../spec/suggest.ts';

/** The valid connection of that name. @throws IngestError CONNECTION_NOT_FOUND with the names there are */
export function findConnection(project: Project, name: string): Connection {
  const { connections } = project;
  const found = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(connections);
  const match = didYouMean(name, names);
  throw new IngestError('CONNECTION_NOT_FOUND', `There is no valid connection "${name}".`, {
    hint:
      match === null
        ? `Connections of this project: ${names.join(', ') || 'none'}. ingest validate says what is wrong with the others.`
        : `Did you mean "${match}"?`,
  });
}
