import { access } from 'node:fs/promises';
import path from 'node:path';
import { withScratch } from '../cli/scratch.ts';
import { openDestination, openSource } from '../connectors.ts';
import type { Destination } from '../destinations/destination.ts';
import type { Workspace } from '../duckdb/workspace.ts';
import { IngestError } from '../errors.ts';
import type { OpenProject } from '../open-project.ts';
import { chooseDestination, ProjectInvalidError } from '../pipeline/plan-run.ts';
import { withResults } from '../results/open-results.ts';
import { newRunId } from '../runs/run-id.ts';
import type { Source } from '../sources/source.ts';
import type { Check } from '../spec/check.ts';
import { connectionOf } from '../spec/connection.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import { type Job, jobName } from '../spec/job.ts';
import type { CheckResult } from '../spec/metrics.ts';
import { CHECKS_SHEET } from '../spec/project.ts';
import { checksByTable, loadingTarget, type TableChecks, targetOfJob } from './check-plan.ts';
import type { CheckRunner, TableRef } from './check-runner.ts';
import { reportOf, runTableChecks } from './check-table.ts';
import { createDuckDbRunner } from './duckdb-runner.ts';
import { quietContext } from './job-checks.ts';
import { type WrittenReport, writeQualityReport } from './quality-report.ts';
import { reconcile } from './reconcile.ts';

/** All checks together, in milliseconds. */
const TIME_LIMIT = 6 * 3_600_000;

export interface CheckProjectOptions {
  /** Jobs whose tables are checked; null checks all tables that the sheet names. */
  jobs: readonly Job[] | null;
  /** Rows of sheet `DataQuality`; left out: all enabled ones. */
  rows?: readonly number[];
  /** Name of the destination; default by the rules of spec section 1. */
  destination?: string;
  /** Where the reports go; default: the project's folder. */
  workDirectory?: string;
  signal: AbortSignal;
  /** Milliseconds since the epoch. Default: the system's clock. */
  clock?: () => number;
  /** Hears of each result as it is there. */
  onResult?(table: string, result: CheckResult): void;
}

/**
 * Runs data quality checks on what is in the destination, and writes their report (`ingest check`). Nothing but reading is done there.
 * @throws ProjectInvalidError; IngestError CHECKS_NONE, DESTINATION_UNKNOWN, LOCKED, CANCELLED
 */
export async function checkProject(opened: OpenProject, options: CheckProjectOptions): Promise<WrittenReport> {
  const { project } = opened;
  const blocking = opened.findings.filter(
    ({ severity, code, sheet }) => severity === 'error' && (/^(WORKBOOK|SHEET)_/.test(code) || sheet === CHECKS_SHEET),
  );
  if (blocking.length > 0) throw new ProjectInvalidError(blocking);
  const config = chooseDestination(project, options.destination);
  const clock = options.clock ?? Date.now;
  const startedAt = clock();
  const tables = wantedTables(opened, config, options);
  const baseDirectory = options.workDirectory ?? opened.directory;
  const reports = await withScratch(async (scratch) => {
    const place = { opened, config, baseDirectory, ...scratch, signal: options.signal };
    const watermarks = await watermarksFor(place, tables);
    const sources = new OpenSources(opened);
    try {
      return await withRunner(place, async (runner) => {
        const found = [];
        for (const { ref, checks, unknown } of tables) {
          const label = `${ref.schema}.${ref.table}`;
          const job = jobOf(ref, project.jobs, config.schema);
          const results = await runTableChecks(
            { checks, unknown },
            {
              runner,
              defaultSchema: config.schema,
              load: 'newest',
              now: clock,
              signal: options.signal,
              reconcile:
                job === null
                  ? null
                  : (check, table) =>
                      reconcile(check, table, {
                        job,
                        watermark: watermarks.get(jobName(job)) ?? null,
                        types: config.type === 'duckdb' ? 'native' : 'portable',
                        source: () => sources.of(job),
                        context: quietContext(scratch.workspace, scratch.folder, options.signal),
                        runner,
                      }),
            },
            (result) => options.onResult?.(label, opened.redactor.data(result, { keys: 'keep' })),
          );
          found.push(reportOf(label, clock(), results));
        }
        return found;
      });
    } finally {
      await sources.close();
    }
  });
  const facts = { pipeline: project.settings.name, runId: newRunId(startedAt), startedAt, destination: config.name };
  return await writeQualityReport(baseDirectory, { ...facts, origin: 'check', reports }, opened.redactor);
}

function wantedTables(opened: OpenProject, config: DestinationConfig, options: CheckProjectOptions): TableChecks[] {
  const { project } = opened;
  const rows = options.rows === undefined ? null : new Set(options.rows);
  const isWanted = ({ row }: { row: number }) => rows === null || rows.has(row);
  const sheet = {
    // Who names a row wants it run, enabled or not.
    checks: project.checks
      .filter(isWanted)
      .map((check): Check => (rows === null ? check : { ...check, enabled: true })),
    unknownChecks: project.unknownChecks.filter(isWanted),
  };
  const { jobs } = options;
  const targets = jobs?.map((job) => targetOfJob(job, config.schema)) ?? null;
  const all = project.jobs.map((job) => targetOfJob(job, config.schema));
  const tables = checksByTable(sheet, config.schema).filter(({ ref }) => {
    const root = loadingTarget(ref, all);
    return targets === null || (root !== null && loadingTarget(root, targets) !== null);
  });
  if (tables.length > 0) return tables;
  throw new IngestError('CHECKS_NONE', 'There is no enabled check to run.', {
    hint: `Add rows to sheet ${CHECKS_SHEET}, or select other jobs.`,
  });
}

interface Place {
  opened: OpenProject;
  config: DestinationConfig;
  baseDirectory: string;
  workspace: Workspace;
  folder: string;
  signal: AbortSignal;
}

/** A runner over what the destination holds: its own SQL where it has some, else DuckDB with everything forbidden but reading it. */
async function withRunner<Result>(place: Place, task: (runner: CheckRunner) => Promise<Result>): Promise<Result> {
  const { config, baseDirectory, signal } = place;
  const own = await openedDestination(place);
  if (own?.checkRunner) {
    try {
      return await task(await own.checkRunner(signal));
    } finally {
      await own.close();
    }
  }
  await own?.close();
  return await withResults(config, { baseDirectory, signal, timeLimit: TIME_LIMIT }, async ({ connection, reader }) => {
    const find = async ({ schema, table }: TableRef) =>
      reader.tables.find((candidate) => candidate.schema === schema && candidate.table === table)?.from ?? null;
    return await task(createDuckDbRunner({ connection, find }));
  });
}

/** Null for kinds whose data is read through a {@link DestinationReader}: to look at them they need not be opened for writing. */
async function openedDestination(place: Place): Promise<Destination | null> {
  if (place.config.type !== 'databricks') return null;
  const destination = await makeDestination(place);
  await destination.open(place.signal);
  return destination;
}

function makeDestination({ config, baseDirectory, workspace, folder }: Place): Promise<Destination> {
  return openDestination(config, { workspace, baseDirectory, tempDirectory: path.join(folder, 'rewrite') });
}

/** How far incremental jobs with a reconcile check have come. A destination that is not there yet is not made by asking. */
async function watermarksFor(place: Place, tables: readonly TableChecks[]): Promise<Map<string, string>> {
  const { project } = place.opened;
  const jobs = tables
    .filter(({ checks }) => checks.some(({ type }) => type === 'reconcile'))
    .flatMap(({ ref }) => jobOf(ref, project.jobs, place.config.schema) ?? [])
    .filter((job) => job.load_type === 'INCREMENTAL');
  const watermarks = new Map<string, string>();
  if (jobs.length === 0) return watermarks;
  const destination = await makeDestination(place);
  try {
    const location = destination.location();
    if (path.isAbsolute(location) && !(await isThere(location))) return watermarks;
    await destination.open(place.signal);
    for (const job of jobs) {
      const { schema, table } = targetOfJob(job, destination.defaultSchema);
      const key = { pipeline: project.settings.name, target_schema: schema, target_table: table };
      const state = await destination.readState(key);
      if (state?.watermark != null) watermarks.set(jobName(job), state.watermark);
    }
    return watermarks;
  } finally {
    await destination.close();
  }
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The job that loads a table. */
function jobOf(ref: TableRef, jobs: readonly Job[], defaultSchema: string): Job | null {
  const targets = jobs.map((job) => ({ job, ...targetOfJob(job, defaultSchema) }));
  const root = loadingTarget(ref, targets);
  return targets.find((target) => target === root)?.job ?? null;
}

/** Sources that reconcile checks ask, each opened once. */
class OpenSources {
  readonly #opened: OpenProject;
  readonly #open = new Map<string, Promise<Source>>();

  constructor(opened: OpenProject) {
    this.#opened = opened;
  }

  async of(job: Job): Promise<Source> {
    const { project, directory } = this.#opened;
    const connection = connectionOf(project.connections, job);
    if (connection === undefined) {
      throw new IngestError('CONNECTION_NOT_FOUND', `${jobName(job)}: there is no connection ${job.source_name}.`, {
        hint: `Add [sources.${job.source_name}] to .dlt/config.toml.`,
      });
    }
    const known = this.#open.get(connection.name);
    const source = known ?? openSource(connection, { projectDirectory: directory, jobs: project.jobs });
    this.#open.set(connection.name, source);
    return await source;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (source) => (await source).close()));
  }
}
