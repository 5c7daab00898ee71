import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { duckDbTypeOf, parseSparkType, sparkTypeOf } from '../../duckdb/spark-type.ts';
import { canonicalType } from '../../duckdb/type-text.ts';
import type { Workspace } from '../../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage } from '../../load/load-package.ts';
import type { Environment } from '../../network/environment.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import type { CheckRunner } from '../../quality/check-runner.ts';
import { Redactor } from '../../secrets/redaction.ts';
import { currentSignInDesk } from '../../sign-in/sign-in-desk.ts';
import type { DatabricksDestination as DatabricksConfig, FilesystemDestination } from '../../spec/destination.ts';
import type { WriteDisposition } from '../../spec/kinds.ts';
import type { JobState, StateKey } from '../../state/job-state.ts';
import type {
  Destination,
  ExistingTable,
  FitColumn,
  FitFinding,
  LoadResult,
  LockOwner,
  SchemaChange,
  TargetLock,
  TargetRef,
} from '../destination.ts';
import { checkColumns, type LiveTable } from './check-fit.ts';
import { CopiedRows } from './copied-rows.ts';
import { loadPackage, stagePrefix } from './databricks-load.ts';
import { openSignIn } from './sign-in.ts';
import { identifier, literal, type Qualify, qualifier } from './sql-text.ts';
import { Staging, type StagingPlace } from './staging.ts';
import { createStoreStaging } from './store-staging.ts';
import { SystemTables } from './system-tables.ts';
import { isDeltaWidening } from './type-fit.ts';
import { createVolumeStaging } from './volume-staging.ts';
import { Warehouse, type WarehouseRetry } from './warehouse.ts';
import { createWarehouseCheckRunner } from './warehouse-check-runner.ts';
import { WarehouseLock } from './warehouse-lock.ts';
import { openWorkspaceNetwork, type WorkspaceNetwork } from './workspace-network.ts';

export interface DatabricksOptions {
  workspace: Workspace;
  /** Relative paths (`ca_file`) start here. */
  baseDirectory: string;
  /** A private folder for rewritten files and copies; made when missing. */
  tempDirectory: string;
  /** The filesystem destination that files are staged in, and its store; null where a volume is. */
  staging: { config: FilesystemDestination; open(): Promise<ObjectStore> } | null;
  /** Default: the process's. */
  environment?: Environment;
  /** Waits between tries. */
  retry?: WarehouseRetry;
  /** The clock; default: the system's. */
  now?: () => Date;
}

/** Unity Catalog's limit for names of tables and columns. */
const MAX_IDENTIFIER_LENGTH = 255;

/** Tables of Unity Catalog behind a SQL warehouse. */
export function createDatabricksDestination(config: DatabricksConfig, options: DatabricksOptions): Destination {
  return new DatabricksDestination(config, options);
}

interface Opened {
  network: WorkspaceNetwork;
  warehouse: Warehouse;
  place: StagingPlace;
  copies: CopiedRows;
}

class DatabricksDestination implements Destination {
  readonly name: string;
  readonly defaultSchema: string;
  readonly capabilities;
  readonly #config: DatabricksConfig;
  readonly #options: DatabricksOptions;
  readonly #redactor: Redactor;
  readonly #now: () => Date;
  #opened: Opened | null = null;
  /** Schemas whose system tables are known to be there. */
  readonly #systems = new Map<string, Promise<SystemTables>>();

  constructor(config: DatabricksConfig, options: DatabricksOptions) {
    this.name = config.name;
    this.defaultSchema = config.schema;
    this.capabilities = {
      types: 'portable',
      maxIdentifierLength: MAX_IDENTIFIER_LENGTH,
      transactional: false,
      canWiden: (from: string, to: string) =>
        config.type_widening &&
        canonicalType(from) !== canonicalType(to) &&
        isDeltaWidening(sparkTypeOf(from), sparkTypeOf(to)),
    } as const;
    this.#config = config;
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#redactor = new Redactor(
      [config.access_token, config.client_secret].flatMap((value, index) =>
        value ? [{ path: ['access_token', 'client_secret'][index]!, value }] : [],
      ),
    );
  }

  async open(signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    if (this.#opened) return;
    const config = this.#config;
    const { retry, environment = process.env, baseDirectory, tempDirectory, staging } = this.#options;
    const network = await openWorkspaceNetwork(config, baseDirectory, environment);
    let warehouse: Warehouse | null = null;
    let place: StagingPlace | null = null;
    try {
      const signIn = await openSignIn(config, network, signal);
      currentSignInDesk()?.sessions.tell(this.#redactor);
      const at = { host: config.server_hostname, port: config.port, network, signIn, ...(retry ? { retry } : {}) };
      warehouse = new Warehouse({ ...at, path: config.http_path, hide: (text) => this.#redactor.text(text) });
      place = await openStaging(config, staging, at);
      // fails by name where the catalog is not there, or not for this user
      await warehouse.run(`SELECT 1 AS found FROM ${this.#information()}.schemata LIMIT 1`, signal);
      const copies = new CopiedRows(
        warehouse,
        join(tempDirectory, `copies-${process.pid}-${randomBytes(4).toString('hex')}`),
      );
      this.#opened = { network, warehouse, place, copies };
    } catch (error) {
      await warehouse?.close();
      await place?.close();
      network.close();
      throw error;
    }
  }

  async lock(target: TargetRef, owner: LockOwner): Promise<TargetLock> {
    return await (await this.#lockOf(target)).take(owner, this.#now);
  }

  async lockHolder(target: TargetRef): Promise<(LockOwner & { at: string }) | null> {
    const [found] = await this.#run(
      `SELECT 1 AS found FROM ${this.#information()}.tables WHERE table_schema = ${literal(target.schema.toLowerCase())} AND table_name = '_dlt_locks'`,
    );
    return found ? await this.#lockIn(this.#unensured(target.schema), target).liveHolder() : null;
  }

  async breakLock(target: TargetRef): Promise<(LockOwner & { at: string }) | null> {
    return await (await this.#lockOf(target)).break();
  }

  async readState(key: StateKey): Promise<JobState | null> {
    return await this.#unensured(key.target_schema).readState(key);
  }

  async listStates(pipeline: string | null): Promise<JobState[]> {
    const rows = await this.#run<{ table_schema: string }>(
      `SELECT table_schema FROM ${this.#information()}.tables WHERE table_name = '_dlt_pipeline_state' ORDER BY table_schema`,
    );
    const states: JobState[] = [];
    for (const row of rows) states.push(...(await this.#unensured(row.table_schema).listStates()));
    return states.filter((state) => pipeline === null || state.pipeline === pipeline);
  }

  async writeState(key: StateKey, state: JobState | null): Promise<void> {
    const system = state ? await this.#system(key.target_schema) : this.#unensured(key.target_schema);
    await system.writeState(key, state, null, this.#now());
  }

  async describeTables(target: TargetRef): Promise<ExistingTable[]> {
    const { live } = await this.#describe(target, new AbortController().signal);
    return live.map(({ name, columns }) => ({
      name,
      columns: columns.map(({ sparkType: _, ...column }) => column),
    }));
  }

  async checkFit(
    target: TargetRef,
    columns: readonly FitColumn[],
    disposition: WriteDisposition,
    signal: AbortSignal,
  ): Promise<FitFinding[]> {
    const { live } = await this.#describe(target, signal);
    return checkColumns(live, columns, { disposition, typeWidening: this.#config.type_widening });
  }

  async load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult> {
    throwIfCancelled(signal);
    const { target_schema: schema, target_table: table } = pack.manifest;
    checkNames([schema, table, ...pack.manifest.tables.map(({ name }) => name)]);
    const { warehouse, place } = this.#use();
    const { server_hostname: host, catalog, type_widening: typeWidening } = this.#config;
    return await loadPackage(
      pack,
      changes,
      {
        warehouse,
        system: await this.#system(schema),
        staging: new Staging(place, `${host}|${catalog}`, schema, table, this.#options.retry),
        workspace: this.#options.workspace,
        tempDirectory: this.#options.tempDirectory,
        qualify: this.#qualifier(schema),
        information: this.#information(),
        describe: (target) => this.#describe(target, signal),
        typeWidening,
        now: this.#now,
        learnSecrets: (secrets) => {
          for (const value of secrets) this.#redactor.add('staging', value);
        },
      },
      signal,
    );
  }

  /** A copy of the table on this computer, as it is now. */
  async from(target: TargetRef, table: string): Promise<string> {
    const { signal } = new AbortController();
    const { live } = await this.#describe(target, signal);
    const found = live.find(({ name }) => name.toLowerCase() === table.toLowerCase());
    if (found) return await this.#use().copies.copy(this.#qualifier(target.schema)(found.name), found, signal);
    throw new IngestError(
      'DESTINATION_NOT_FOUND',
      `There is no table ${target.schema}.${table} in ${this.location()}.`,
      {
        hint: 'Load it first.',
      },
    );
  }

  async checkRunner(signal: AbortSignal): Promise<CheckRunner> {
    return createWarehouseCheckRunner({
      run: (sql) => this.#run(sql, signal),
      qualify: ({ schema, table }) => this.#qualifier(schema)(table),
      describe: async (ref) => {
        const { live } = await this.#describe(ref, signal);
        return live.find(({ name }) => name.toLowerCase() === ref.table.toLowerCase())?.columns ?? null;
      },
    });
  }

  location(): string {
    return `https://${this.#config.server_hostname}${this.#config.port === 443 ? '' : `:${this.#config.port}`}/explore/data/${encodeURIComponent(this.#config.catalog)}`;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.#systems.clear();
    if (!opened) return;
    await opened.copies.close();
    await opened.warehouse.close();
    await opened.place.close();
    opened.network.close();
  }

  /** The target first, then its child tables: told from another job's table of such a name by their `_dlt_parent_id`. */
  async #describe(target: TargetRef, signal: AbortSignal): Promise<{ live: LiveTable[]; stages: string[] }> {
    const table = target.table.toLowerCase();
    const stage = stagePrefix(table);
    const rows = await this.#run<{
      table_name: string;
      column_name: string;
      full_data_type: string;
      is_nullable: string;
    }>(
      `SELECT table_name, column_name, full_data_type, is_nullable FROM ${this.#information()}.columns ` +
        `WHERE table_schema = ${literal(target.schema.toLowerCase())} AND (table_name = ${literal(table)} ` +
        `OR startswith(table_name, ${literal(`${table}__`)}) OR startswith(table_name, ${literal(stage)})) ` +
        'ORDER BY length(table_name), table_name, ordinal_position',
      signal,
    );
    const tables = Map.groupBy(rows, (row) => row.table_name);
    const live = [...tables]
      .filter(([name]) => !name.startsWith(stage))
      .map(([name, columns]) => ({
        name,
        columns: columns.map((column) => ({
          name: column.column_name,
          type: duckDbTypeOf(parseSparkType(column.full_data_type)),
          sparkType: column.full_data_type,
          nullable: column.is_nullable !== 'NO',
        })),
      }))
      .filter(({ name, columns }) => name === table || columns.some((column) => column.name === '_dlt_parent_id'));
    return { live, stages: [...tables.keys()].filter((name) => name.startsWith(stage)) };
  }

  async #lockOf(target: TargetRef): Promise<WarehouseLock> {
    return this.#lockIn(await this.#system(target.schema), target);
  }

  #lockIn(system: SystemTables, target: TargetRef): WarehouseLock {
    const { server_hostname: host, catalog } = this.#config;
    return new WarehouseLock((sql) => this.#run(sql), system.table('_dlt_locks'), target, `${host}|${catalog}`);
  }

  /** The system tables of a schema, made where they are missing. */
  #system(schema: string): Promise<SystemTables> {
    const known = this.#systems.get(schema);
    if (known) return known;
    checkNames([schema]);
    const system = this.#unensured(schema);
    const ready = system.ensure().then(
      () => system,
      (error: unknown) => {
        this.#systems.delete(schema);
        throw error;
      },
    );
    this.#systems.set(schema, ready);
    return ready;
  }

  #unensured(schema: string): SystemTables {
    return new SystemTables((sql) => this.#run(sql), this.#config.catalog, schema, this.location());
  }

  async #run<T>(sql: string, signal: AbortSignal = new AbortController().signal): Promise<T[]> {
    return await this.#use().warehouse.run<T>(sql, signal);
  }

  #qualifier(schema: string): Qualify {
    return qualifier(this.#config.catalog, schema);
  }

  #information(): string {
    return `${identifier(this.#config.catalog)}.information_schema`;
  }

  #use(): Opened {
    if (!this.#opened) throw new Error(`The destination ${this.name} was used before it was opened.`);
    return this.#opened;
  }
}

/** Opens what files are staged in. */
export async function openStaging(
  config: DatabricksConfig,
  staging: DatabricksOptions['staging'],
  at: Omit<Parameters<typeof createVolumeStaging>[0], 'volume'>,
): Promise<StagingPlace> {
  if (config.staging_volume) return createVolumeStaging({ ...at, volume: config.staging_volume });
  if (staging) return createStoreStaging(await staging.open(), staging.config, config.staging_credential);
  throw new IngestError('DESTINATION_STAGING', `Destination ${config.name} has nowhere to stage files.`, {
    hint: 'Let `staging` name a filesystem destination in Azure, S3 or Google Cloud, or set staging_volume.',
  });
}

/** Unity Catalog refuses such names (its documentation, "Names"). */
function checkNames(names: readonly string[]): void {
  for (const name of names) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const bad = /[\s./\u0000-\u001f\u007f]/.exec(name);
    if (!bad) continue;
    throw new IngestError(
      'NAME_NOT_ALLOWED',
      `Databricks takes no name like "${name}": it holds ${JSON.stringify(bad[0])}.`,
      {
        hint: 'Choose a target_schema or target_table without spaces, dots and slashes.',
      },
    );
  }
}
