import path from 'node:path';
import type { DatabricksOptions } from './destinations/databricks/databricks-destination.ts';
import type { Destination } from './destinations/destination.ts';
import type { DestinationReader, ReaderContext } from './destinations/reader.ts';
import type { Workspace } from './duckdb/workspace.ts';
import { IngestError } from './errors.ts';
import type { Source, TestStage } from './sources/source.ts';
import type { Connection } from './spec/connection.ts';
import type { DatabricksDestination, DestinationConfig } from './spec/destination.ts';
import type { Job } from './spec/job.ts';

/** The one file that knows which kind is made by which factory. Drivers are loaded when a kind is asked for, not before. */

export interface SourceContext {
  /** Relative paths of connections start here. */
  projectDirectory: string;
  /** The project's jobs: an API's child resources find their parents among them. Not needed to test or discover. */
  jobs?: readonly Job[];
  /** A run's folder for temporary files that several of its jobs use. */
  spoolDirectory?: string;
}

/**
 * Opens a connection's source; nothing is sent yet. Jobs of one connection share it, and with it the rate limit and the token.
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
        ...(context.spoolDirectory === undefined ? {} : { spoolDirectory: context.spoolDirectory }),
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
    case 'oracle': {
      const { createOracleSource } = await import('./sources/oracle/oracle-source.ts');
      return createOracleSource(connection);
    }
    case 'mssql':
    case 'azure_sql': {
      const { createMssqlSource } = await import('./sources/mssql/mssql-source.ts');
      return createMssqlSource(connection);
    }
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
  /** Open it to look only: nothing is made or locked, and a place that is not there yet is empty. Writing through it fails. */
  lookOnly?: boolean;
  /** The project's destinations: Databricks stages its files in one of them. */
  destinations?: Readonly<Record<string, DestinationConfig>>;
}

/**
 * Makes a destination; `open()` connects it.
 * @throws IngestError OBJECT_STORE_LOCATION, OBJECT_STORE_CREDENTIALS, DRIVER_MISSING
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
      const { openObjectStore } = await import('./object-stores/open-object-store.ts');
      const place = placeOf(config);
      const options = { ...context, store: await openObjectStore(config.bucket_url, config, { ...context, place }) };
      if (config.table_format === 'delta') {
        const { createDeltaDestination } = await import('./destinations/object-store/delta/delta-destination.ts');
        return createDeltaDestination(config, options);
      }
      const { createObjectStoreDestination } = await import('./destinations/object-store/object-store-destination.ts');
      return createObjectStoreDestination(config, options);
    }
    case 'databricks': {
      const { createDatabricksDestination } = await import('./destinations/databricks/databricks-destination.ts');
      return createDatabricksDestination(config, { ...context, staging: stagingOf(config, context) });
    }
    default:
      return config satisfies never;
  }
}

function placeOf({ name }: DestinationConfig) {
  return { section: 'destinations', name } as const;
}

/** The filesystem destination that a Databricks one stages its files in; null where it uses a volume, or there is none. */
function stagingOf(
  config: DatabricksDestination,
  context: Pick<DestinationContext, 'baseDirectory' | 'destinations'>,
): DatabricksOptions['staging'] {
  const { destinations = {}, baseDirectory } = context;
  const stores = Object.values(destinations).filter((other) => other.type === 'filesystem');
  const chosen =
    config.staging === undefined
      ? (stores.find(({ name }) => name === 'filesystem') ?? (stores.length === 1 ? stores[0] : undefined))
      : stores.find(({ name }) => name === config.staging);
  if (config.staging_volume !== undefined || chosen === undefined) return null;
  return {
    config: chosen,
    async open() {
      const { openObjectStore } = await import('./object-stores/open-object-store.ts');
      return await openObjectStore(chosen.bucket_url, chosen, { baseDirectory, place: placeOf(chosen) });
    },
  };
}

/** Stages of a test of a Databricks destination, as they end. */
export async function* testDatabricksDestination(
  config: DatabricksDestination,
  context: Pick<DestinationContext, 'baseDirectory' | 'destinations'> & { signal: AbortSignal },
): AsyncGenerator<TestStage> {
  const { testDatabricks } = await import('./destinations/databricks/databricks-test.ts');
  yield* testDatabricks(config, { ...context, staging: stagingOf(config, context) });
}

/**
 * Opens what a destination holds, to look at it.
 * @throws IngestError RESULTS_NOT_LOCAL, LOCKED
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
      const { openObjectStore } = await import('./object-stores/open-object-store.ts');
      const store = await openObjectStore(config.bucket_url, config, { ...context, place: placeOf(config) });
      if (config.table_format === 'delta') {
        const { openDeltaReader } = await import('./destinations/object-store/delta/delta-reader.ts');
        return await openDeltaReader(config, { ...context, store });
      }
      const { openObjectStoreReader } = await import('./destinations/object-store/object-store-reader.ts');
      return await openObjectStoreReader(config, { ...context, store });
    }
    case 'databricks':
      throw new IngestError(
        'RESULTS_NOT_LOCAL',
        `The tables of ${config.name} are in Databricks; they are not copied to this computer to look at.`,
        {
          hint: `Open them in Databricks (https://${config.server_hostname}/explore/data/${encodeURIComponent(config.catalog)}), or load into a duckdb destination to look at rows here.`,
        },
      );
    default:
      return config satisfies never;
  }
}
