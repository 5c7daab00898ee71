import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Destination, TargetRef } from '../destinations/destination.ts';
import type { Workspace, WorkspaceConnection } from '../duckdb/workspace.ts';
import type { LoadPackage } from '../load/load-package.ts';
import type { ReadContext, Source } from '../sources/source.ts';
import type { Job } from '../spec/job.ts';
import type { CheckReport, CheckResult } from '../spec/metrics.ts';
import { type CheckSheet, checksByTable, loadingTarget, type TableChecks, targetOfJob } from './check-plan.ts';
import type { CheckRunner, TableRef } from './check-runner.ts';
import { reportOf, runTableChecks } from './check-table.ts';
import { createDuckDbRunner } from './duckdb-runner.ts';
import { packageRows } from './package-rows.ts';
import { reconcile } from './reconcile.ts';

export interface JobChecksOptions {
  sheet: CheckSheet;
  /** All jobs of the project: whose tables a check may name. */
  jobs: readonly Job[];
  workspace: Workspace;
  destination: Destination;
  /** Folder for temporary files of this run. */
  spoolDirectory: string;
  source(job: Job): Promise<Source>;
  /** Wall clock in milliseconds since the epoch. */
  clock(): number;
}

/** What a job has done that its checks look at. */
export interface CheckedJob {
  job: Job;
  target: TargetRef;
  signal: AbortSignal;
  /** Hears of each result as it is there. */
  tell(result: CheckResult): void;
}

/** Runs the checks of a project's sheet `DataQuality` around the loads of a run. */
export class JobChecks {
  readonly #options: JobChecksOptions;
  readonly #targets: TableRef[];
  readonly #tables: TableChecks[];
  readonly #results = new Map<string, CheckResult[]>();

  constructor(options: JobChecksOptions) {
    this.#options = options;
    const { defaultSchema } = options.destination;
    this.#targets = options.jobs.map((job) => targetOfJob(job, defaultSchema));
    this.#tables = checksByTable(options.sheet, defaultSchema);
  }

  /**
   * Runs the checks with `hold_back` on a package that is not published yet. They see its rows alone, in DuckDB, wherever it goes.
   * @throws IngestError CANCELLED
   */
  async beforePublishing(checked: CheckedJob, pack: LoadPackage): Promise<CheckResult[]> {
    const tables = this.#tablesOf(checked.target, (check) => check.hold_back);
    if (tables.every(({ checks }) => checks.length === 0)) return [];
    const find = async ({ table }: TableRef) => packageRows(pack, table);
    return await this.#run(checked, tables, { loadId: pack.manifest.load_id }, find);
  }

  /**
   * Runs the other checks on what is loaded now. `loaded` is null where this run loaded nothing: then scope `load` has no rows to mean, the whole table has.
   * Of a sample only what a part of the rows can tell is checked.
   * @throws IngestError CANCELLED
   */
  async afterLoading(
    checked: CheckedJob,
    loaded: { loadId: string | null; watermark: string | null; isSample: boolean },
  ): Promise<CheckResult[]> {
    const tables = this.#tablesOf(
      checked.target,
      (check) => !check.hold_back && !(loaded.isSample && NOT_OF_SAMPLES.includes(check.type)),
      true,
    );
    if (tables.length === 0) return [];
    const { destination } = this.#options;
    const load = loaded.loadId === null ? null : { loadId: loaded.loadId };
    const own = destination.checkRunner ? await destination.checkRunner(checked.signal) : null;
    return await this.#run(checked, tables, load, (ref) => this.#find(ref, checked.target), own, loaded.watermark);
  }

  /** Reports on all tables that were checked so far. */
  reports(): CheckReport[] {
    return [...this.#results].map(([table, results]) => reportOf(table, this.#options.clock(), results));
  }

  async #run(
    checked: CheckedJob,
    tables: TableChecks[],
    load: { loadId: string } | null,
    find: (ref: TableRef) => Promise<string | null>,
    own: CheckRunner | null = null,
    watermark: string | null = null,
  ): Promise<CheckResult[]> {
    const { workspace, destination, clock, source } = this.#options;
    const { job, signal, target } = checked;
    const connection = own === null ? await workspace.connect() : null;
    const unwatch = connection === null ? () => undefined : watch(signal, connection);
    const spool = path.join(this.#options.spoolDirectory, workspace.uniqueName('checks'));
    try {
      await mkdir(spool, { recursive: true, mode: 0o700 });
      const runner = own ?? createDuckDbRunner({ connection: connection as WorkspaceConnection, find });
      const results: CheckResult[] = [];
      for (const { ref, checks, unknown } of tables) {
        const label = `${ref.schema}.${ref.table}`;
        const place = {
          runner,
          defaultSchema: target.schema,
          load,
          now: clock,
          signal,
          reconcile: (check: Parameters<typeof reconcile>[0], table: Parameters<typeof reconcile>[1]) =>
            reconcile(check, table, {
              job,
              watermark,
              types: destination.capabilities.types,
              source: () => source(job),
              context: quietContext(workspace, spool, signal),
              runner,
            }),
        };
        const found = await runTableChecks(
          { checks: checks.map((check) => ({ ...check, target_schema: ref.schema })), unknown },
          place,
          checked.tell,
        );
        this.#results.set(label, [...(this.#results.get(label) ?? []), ...found]);
        results.push(...found);
      }
      return results;
    } finally {
      unwatch();
      connection?.close();
      await rm(spool, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  /** The checks of a job's own table and its child tables. Those of a sample are in the sample's schema. */
  #tablesOf(
    target: TargetRef,
    wanted: (check: TableChecks['checks'][number]) => boolean,
    unknown = false,
  ): TableChecks[] {
    const home = this.#homeOf(target);
    return this.#tables
      .filter(({ ref }) => sameTable(loadingTarget(ref, this.#targets), home))
      .map((table) => ({
        ref: { schema: target.schema, table: table.ref.table },
        checks: table.checks.filter(wanted),
        unknown: unknown ? table.unknown : [],
      }))
      .filter(({ checks, unknown: rest }) => checks.length + rest.length > 0);
  }

  #homeOf({ schema, table }: TargetRef): TableRef {
    const isTarget = (candidate: string) =>
      this.#targets.some((target) => target.table === table && target.schema === candidate);
    const real = schema.replace(/_sample$/, '');
    return { schema: isTarget(schema) || !isTarget(real) ? schema : real, table };
  }

  /** A table of the job itself, or of another job that a statement names. */
  async #find(ref: TableRef, target: TargetRef): Promise<string | null> {
    const { destination } = this.#options;
    const targets = [target, ...this.#targets];
    const root = loadingTarget(ref, targets);
    if (root === null) return null;
    const tables = await destination.describeTables(root);
    return tables.some(({ name }) => name === ref.table) ? await destination.from(root, ref.table) : null;
  }
}

/** These say nothing of a table that only holds a part of the rows. */
const NOT_OF_SAMPLES: readonly string[] = ['row_count', 'freshness', 'reconcile'];

/** Interrupts until the checks have ended: an interruption between two statements stops neither. */
function watch(signal: AbortSignal, connection: WorkspaceConnection): () => void {
  const timer = setInterval(() => {
    if (signal.aborted) connection.interrupt();
  }, 50);
  const unwatch = connection.interruptOn(signal);
  return () => {
    clearInterval(timer);
    unwatch();
  };
}

export function quietContext(workspace: Workspace, spoolDirectory: string, signal: AbortSignal): ReadContext {
  return { workspace, spoolDirectory, signal, progress: () => undefined, warn: () => undefined, log: () => undefined };
}

function sameTable(a: TableRef | null, b: TableRef): boolean {
  return a !== null && a.schema === b.schema && a.table === b.table;
}
