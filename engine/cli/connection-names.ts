import { IngestError } from '../errors.ts';
import type { OpenProject } from '../open-project.ts';
import { ProjectInvalidError } from '../pipeline/plan-run.ts';
import { isTable } from '../secrets/table.ts';
import type { Connection } from '../spec/connection.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import { didYouMean } from '../spec/suggest.ts';

type Opened = Pick<OpenProject, 'project' | 'raw' | 'findings'>;

/**
 * The valid connection of that name.
 * @throws ProjectInvalidError with what is wrong with it; IngestError CONNECTION_NOT_FOUND with the names there are
 */
export function findConnection(opened: Opened, name: string): Connection {
  const { connections } = opened.project;
  if (Object.hasOwn(connections, name)) return connections[name] as Connection;
  refuseInvalid(opened, ['sources'], name);
  throw notFound(name, Object.keys(connections), 'connection');
}

/**
 * The valid connection or destination of that name; `destinations.NAME` is the destination where both have it.
 * @throws ProjectInvalidError with what is wrong with it; IngestError CONNECTION_NOT_FOUND with the names there are
 */
export function findTestable(opened: Opened, name: string): Connection | DestinationConfig {
  const { connections, destinations } = opened.project;
  const [, forced] = /^destinations\.(.+)$/.exec(name) ?? [];
  if (forced === undefined && Object.hasOwn(connections, name)) return connections[name] as Connection;
  const wanted = forced ?? name;
  if (Object.hasOwn(destinations, wanted)) return destinations[wanted] as DestinationConfig;
  refuseInvalid(opened, forced === undefined ? ['sources', 'destinations', 'destination'] : ['destinations'], wanted);
  throw notFound(wanted, [...Object.keys(connections), ...Object.keys(destinations)], 'connection or destination');
}

/** What is written down and wrong is no matter of its name. */
function refuseInvalid({ raw, findings }: Opened, sections: readonly string[], name: string): void {
  for (const section of sections) {
    const table = raw.config[section];
    if (!isTable(table) || !Object.hasOwn(table, name)) continue;
    const own = findings.filter(
      ({ column, code }) => column?.startsWith(`${section}.${name}`) === true && code !== 'CONNECTION_UNUSED',
    );
    if (own.length > 0) throw new ProjectInvalidError(own.map((finding) => ({ ...finding, severity: 'error' })));
  }
}

function notFound(name: string, names: readonly string[], what: string): IngestError {
  const match = didYouMean(name, names);
  return new IngestError('CONNECTION_NOT_FOUND', `There is no ${what} "${name}".`, {
    hint: match === null ? `There are: ${names.join(', ') || 'none'}.` : `Did you mean "${match}"?`,
  });
}
