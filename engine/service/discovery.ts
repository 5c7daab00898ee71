import { openSource } from '../connectors.ts';
import { IngestError } from '../errors.ts';
import { didYouMean } from '../spec/suggest.ts';
import type { HandlerGroup } from './handlers.ts';

export const discoveryHandlers: HandlerGroup<'connection.discover'> = (service) => ({
  async 'connection.discover'({ directory, env, name, schema, search, columns }, { signal }) {
    const { project, directory: folder } = await service.openKept(directory, env);
    const connection = Object.hasOwn(project.connections, name) ? project.connections[name] : undefined;
    if (connection === undefined) {
      const near = didYouMean(name, Object.keys(project.connections));
      throw new IngestError('CONNECTION_NOT_FOUND', `There is no valid connection "${name}".`, {
        hint: near === null ? 'Correct and save the connection first.' : `Did you mean "${near}"?`,
      });
    }
    const source = await openSource(connection, { projectDirectory: folder });
    try {
      const filter = {
        withColumns: columns,
        ...(schema === undefined ? {} : { schema }),
        ...(search ? { search } : {}),
      };
      return service.redact(await source.discover(filter, signal));
    } finally {
      await source.close();
    }
  },
});
