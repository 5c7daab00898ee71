import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Destination } from './destinations/destination.ts';
import type { DestinationReader, ReaderContext } from './destinations/reader.ts';
import type { Workspace } from './duckdb/workspace.ts';
import { IngestError } from './errors.ts';
import type { Source } from './sources/source.ts';
import type { Connection } from './spec/connection.ts';
import type { DestinationConfig } from './spec/destination.ts';
import type { Job } from './spec/job.ts';

/** The one file that knows which kind is made by which factory. Drivers are loaded when a kind is asked for, not before. */

export interface SourceContext {
  /** Relative paths of connections start here. */
  projectDirectory: string;
  /** The project's jobs: an API's child resources find their parents among them. Not needed to test or discover. */
  jobs?: readonly Job[];
}

/**
 * Opens a connection's source; nothing is sent yet. Jobs of one connection share it, and with it the rate limit and the token.
 * @throws IngestError SOURCE_TYPE_NOT_AVAILABLE
 */
export async function openSource(connection: Connection, context: SourceContext): Promise<Source> {
  switch (connection.type) {
    case 'postgresql': {
      const { createPostgresSource } = await import('./sources/postgres/postgres-source.ts');
      return createPostgresSource(connection);
    }
    case 'filesystem': {
      const { createFilesystemSource } = await import('./sources/filesystem/filesystem-source.ts');
      return createFilesystemSource(connection, { projectDirectory: context.projectDirectory });
    }
    case 'api': {
      const { createRestSource } = await import('./sources/rest/rest-source.ts');
      const dependencies = {
        jobs: context.jobs ?? [],
        resolvePath: (file: string) => path.resolve(context.projectDirectory, file),
      };
      if (!connection.base_url.startsWith('sample:')) return createRestSource(connection, dependencies);
      const { startSampleApi } = await import('./sample-api/sample-api.ts');
      const api = await startSampleApi();
      const source = createRestSource({ ...connection, base_url: api.url }, dependencies);
      const close = source.close.bind(source);
      source.close = async () => {
        await close();
        await api.close();
      };
      return source;
    }
    case 'oracle':
    case 'mssql':
    case 'azure_sql':
      throw new IngestError(
        'SOURCE_TYPE_NOT_AVAILABLE',
        `Connection ${connection.name}: this version cannot read ${connection.type} yet.`,
        {
          hint: 'Set enabled to N for its jobs; postgresql, api and filesystem can be read.',
        },
      );
    default:
      return connection satisfies never;
  }
}

export interface DestinationContext {
  workspace: Workspace;
  /** Relative paths of local destinations start here. */
  baseDirectory: string;
  /** A private folder for files that are rewritten on their way. */
  tempDirectory: string;
}

/**
 * Makes a destination; `open()` connects it.
 * @throws IngestError DESTINATION_TYPE_NOT_AVAILABLE
 */
export async function openDestination(config: DestinationConfig, context: DestinationContext): Promise<Destination> {
  switch (config.type) {
    case 'duckdb': {
      const { createDuckDbDestination } = await import('./destinations/duckdb/duckdb-destination.ts');
      return createDuckDbDestination(
        { name: config.name, path: path.resolve(context.baseDirectory, config.path), schema: config.schema },
        context,
      );
    }
    case 'filesystem': {
      const root = localFolder(config.bucket_url, context.baseDirectory);
      if (root === null || config.table_format === 'delta') {
        throw notAvailable(
          config.name,
          root === null ? config.bucket_url.replace(/:.*/s, '://') : 'table_format delta',
        );
      }
      const { createObjectStoreDestination } = await import('./destinations/object-store/object-store-destination.ts');
      const { createLocalStore } = await import('./destinations/object-store/local-store.ts');
      return createObjectStoreDestination(
        { name: config.name, schema: config.schema },
        { ...context, store: createLocalStore(root) },
      );
    }
    case 'databricks':
      throw notAvailable(config.name, 'databricks');
    default:
      return config satisfies never;
  }
}

/**
 * Opens what a destination holds, to look at it.
 * @throws IngestError DESTINATION_TYPE_NOT_AVAILABLE, LOCKED
 */
export async function openDestinationReader(
  config: DestinationConfig,
  context: ReaderContext,
): Promise<DestinationReader> {
  switch (config.type) {
    case 'duckdb': {
      const { openDuckDbReader } = await import('./destinations/duckdb/duckdb-reader.ts');
      return await openDuckDbReader({ ...config, path: path.resolve(context.baseDirectory, config.path) }, context);
    }
    case 'filesystem': {
      const root = localFolder(config.bucket_url, context.baseDirectory);
      if (root === null) throw notAvailable(config.name, config.bucket_url.replace(/:.*/s, '://'));
      const { openObjectStoreReader } = await import('./destinations/object-store/object-store-reader.ts');
      const { createLocalStore } = await import('./destinations/object-store/local-store.ts');
      return await openObjectStoreReader(config, { ...context, store: createLocalStore(root) });
    }
    case 'databricks':
      throw notAvailable(config.name, 'databricks');
    default:
      return config satisfies never;
  }
}

function notAvailable(name: string, what: string): IngestError {
  return new IngestError(
    'DESTINATION_TYPE_NOT_AVAILABLE',
    `Destination ${name}: this version cannot write to ${what} yet.`,
    {
      hint: 'Use a duckdb destination, or a filesystem destination whose bucket_url is a local folder.',
    },
  );
}

/** A local folder for a path or `file://` URL, null for a cloud's URL. A Windows drive letter is no scheme. */
function localFolder(bucketUrl: string, baseDirectory: string): string | null {
  if (bucketUrl.startsWith('file:')) return fileURLToPath(bucketUrl);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(bucketUrl)) return null;
  return path.resolve(baseDirectory, bucketUrl);
}
