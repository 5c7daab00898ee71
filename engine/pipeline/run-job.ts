import { mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Destination, TargetRef } from '../destinations/destination.ts';
import type { Workspace } from '../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../errors.ts';
import { newLoadId } from '../load/load-id.ts';
import { type LoadPackage, PACKAGE_VERSION, type PackageTable } from '../load/load-package.ts';
import { PackageStore } from '../load/package-store.ts';
import { criticalFailures } from '../quality/check-table.ts';
import type { CheckedJob, JobChecks } from '../quality/job-checks.ts';
import { withRetry } from '../retry.ts';
import type { JobResult, LandedTable } from '../runs/events.ts';
import type { ReadRequest, ReadSummary, ReadWarning, Source } from '../sources/source.ts';
import { type Job, jobName } from '../spec/job.ts';
import type { CheckResult } from '../spec/metrics.ts';
import { type JobState, STATE_VERSION, type StateKey } from '../state/job-state.ts';
import { type Deduplicated, deduplicate } from './deduplicate.ts';
import { toIngestError } from './engine-error.ts';
import { planChanges } from './evolution.ts';
import { type Extracted, extract } from './extract.ts';
import { blankResult, type EmitEvent, JobReport } from './job-report.ts';
import { readRequest } from './read-request.ts';
import { landedName } from './table-plan.ts';

/** What every job of a run shares. */
export interface JobEnvironment {
  runId: string;
  pipeline: string;
  workspace: Workspace;
  destination: Destination;
  /** Folder of load packages. */
  packagesDirectory: string;
  /** Folder for temporary files of this run. */
  spoolDirectory: string;
  signal: AbortSignal;
  emit: EmitEvent;
  sampleRows: number | null;
  fullRefresh: boolean;
  /** What the load before brought, as far as it is recorded; null where nothing is known. */
  previousSchema(target: TargetRef): LandedTable[] | null;
  /** Data quality checks around each load; null runs none. */
  checks: JobChecks | null;
  /** Wall clock in milliseconds since the epoch. */
  clock(): number;
  /** Opens (or shares) the job's source. */
  source(job: Job): Promise<Source>;
}

/** Runs one job to its end: lock, packages left by dead runs, extract → normalize → load. Never throws: the result says what happened. */
export async function runJob(job: Job, environment: JobEnvironment): Promise<JobResult> {
  return new JobRun(job, environment).run();
}

class JobRun {
  readonly #job: Job;
  readonly #environment: JobEnvironment;
  readonly #name: string;
  readonly #target: TargetRef;
  readonly #packages: PackageStore;
  readonly #report: JobReport;

  constructor(job: Job, environment: JobEnvironment) {
    this.#job = job;
    this.#environment = environment;
    this.#name = jobName(job);
    this.#target = targetOf(job, environment);
    this.#packages = new PackageStore(environment.packagesDirectory, {
      pipeline: environment.pipeline,
      destination: environment.destination.name,
      target_schema: this.#target.schema,
      target_table: this.#target.table,
    });
    this.#report = new JobReport(job, this.#target, environment.emit);
  }

  async run(): Promise<JobResult> {
    const { signal, destination, runId } = this.#environment;
    try {
      throwIfCancelled(signal);
      const lock = await destination.lock(this.#target, { runId, pid: process.pid, host: os.hostname() });
      try {
        await this.#loadLeftovers();
        await this.#loadNew();
        await this.#checkLoaded();
      } finally {
        await lock.release();
      }
    } catch (error) {
      this.#report.failed(toIngestError(error, this.#name, signal));
    }
    return this.#report.finish();
  }

  /** Complete packages of runs that died before loading them come first: their rows will not be read again. */
  async #loadLeftovers(): Promise<void> {
    for (const pack of await this.#packages.leftovers()) {
      this.#report.log(`Loading package ${pack.manifest.load_id}, which run ${pack.manifest.run_id} left.`);
      const rows = await this.#load(pack);
      this.#report.result.rows_processed += rows;
      this.#report.result.watermark_after = pack.manifest.state?.watermark ?? null;
    }
  }

  async #loadNew(): Promise<void> {
    const { destination, sampleRows, fullRefresh, signal } = this.#environment;
    const state = sampleRows === null ? await destination.readState(this.#stateKey()) : null;
    this.#report.result.watermark_before = state?.watermark ?? null;
    this.#report.result.watermark_after = state?.watermark ?? null;
    const known = fullRefresh ? null : state;
    const pack = await withRetry(() => this.#build(known), {
      signal,
      onRetry: (retry) => this.#report.retry(retry),
    });
    if (pack === null) return;
    this.#report.result.load_id = pack.manifest.load_id;
    this.#report.landed(pack.manifest.tables, this.#environment.previousSchema(this.#target));
    this.#report.result.rows_processed += await this.#load(pack);
    if (pack.manifest.state) this.#report.result.watermark_after = pack.manifest.state.watermark;
  }

  /** Extracts and normalises into a complete package; null where there is nothing to load. An attempt that fails leaves nothing. */
  async #build(state: JobState | null): Promise<LoadPackage | null> {
    const { destination, workspace, signal, clock } = this.#environment;
    throwIfCancelled(signal);
    const loadId = newLoadId(clock());
    const folder = await this.#packages.create(loadId);
    const spool = path.join(this.#environment.spoolDirectory, loadId);
    await mkdir(spool, { recursive: true, mode: 0o700 });
    const connection = await workspace.connect();
    let complete = false;
    try {
      this.#report.stage('extract');
      const existing = await destination.describeTables(this.#target);
      const request = this.#request(state);
      const source = await this.#environment.source(this.#job);
      const extracted = await extract({
        source,
        request,
        context: this.#readContext(spool),
        connection,
        folder,
        loadId,
        // a full refresh begins anew, types included
        existing: this.#environment.fullRefresh ? [] : existing,
        replaces: this.#replaces(),
        capabilities: destination.capabilities,
        now: () => performance.now(),
      });
      this.#report.extracted(extracted);
      this.#report.stage('normalize');
      const start = performance.now();
      const clean = await deduplicate({
        connection,
        folder,
        tables: extracted.tables,
        job: this.#name,
        writeDisposition: this.#disposition(),
        primaryKey: this.#job.primary_key.map((key) =>
          landedName(key, destination.capabilities, extracted.plan ?? undefined),
        ),
        watermark: this.#watermark(state, extracted),
      });
      this.#report.result.durations.normalize_seconds += (performance.now() - start) / 1000;
      this.#report.duplicates(clean);
      for (const change of extracted.plan?.discarded ?? [])
        this.#report.schemaChange(this.#target.table, change, 'WARNING');
      const tables =
        this.#replaces() && clean.tables.length === 0 ? emptied(existing, this.#target.table) : clean.tables;
      const next = this.#nextState(state, loadId, clean, extracted.summary);
      if (!this.#isWorthLoading(tables, state, next, existing.length > 0)) return null;
      const pack = await this.#packages.complete(folder, {
        version: PACKAGE_VERSION,
        load_id: loadId,
        run_id: this.#environment.runId,
        pipeline: this.#environment.pipeline,
        destination: destination.name,
        target_schema: this.#target.schema,
        target_table: this.#target.table,
        write_disposition: this.#disposition(),
        schema_contract: this.#job.schema_contract,
        primary_key: this.#job.primary_key.map((key) =>
          landedName(key, destination.capabilities, extracted.plan ?? undefined),
        ),
        created_at: new Date(clock()).toISOString(),
        tables,
        state: this.#environment.sampleRows === null ? next : null,
      });
      complete = true;
      return pack;
    } catch (error) {
      throw toIngestError(error, this.#name, signal);
    } finally {
      connection.close();
      if (!complete) await this.#packages.remove(folder);
      await rm(spool, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  /** Checks what is loaded. A critical failure fails the job, though what it loaded is there. */
  async #checkLoaded(): Promise<void> {
    const { checks, sampleRows } = this.#environment;
    if (checks === null) return;
    const results = await checks.afterLoading(this.#checked(), {
      loadId: this.#report.result.load_id,
      watermark: this.#report.result.watermark_after,
      isSample: sampleRows !== null,
    });
    const failed = criticalFailures(results);
    if (failed.length === 0) return;
    throw new IngestError('CHECKS_FAILED', `${this.#name}: ${namesOf(failed)} failed. The rows are loaded.`, {
      hint: 'Correct them in the source and run with --full-refresh, or correct the check. A check with hold_back = Y looks before rows are published.',
    });
  }

  /**
   * Looks at a package before anybody can see it (write, audit, publish). One that a critical check refuses is removed and the state stays:
   * the next run reads the same rows again, so that a source that was corrected is all it takes.
   */
  async #auditPackage(pack: LoadPackage): Promise<void> {
    const results = (await this.#environment.checks?.beforePublishing(this.#checked(), pack)) ?? [];
    const failed = criticalFailures(results);
    if (failed.length === 0) return;
    await this.#packages.remove(pack.folder);
    throw new IngestError(
      'LOAD_HELD_BACK',
      `${this.#name}: load ${pack.manifest.load_id} is held back, because ${namesOf(failed)} failed. The target and its watermark are as they were.`,
      {
        hint: 'Correct the rows in the source and run again: they are read anew. To load them as they are, set hold_back to N for the check.',
      },
    );
  }

  #checked(): CheckedJob {
    return {
      job: this.#job,
      target: this.#target,
      signal: this.#environment.signal,
      tell: (result) => this.#report.check(result),
    };
  }

  /** Loads a package and removes it. On failure it stays: the next run loads it first. */
  async #load(pack: LoadPackage): Promise<number> {
    const { destination, signal } = this.#environment;
    await this.#auditPackage(pack);
    this.#report.stage('load');
    const start = performance.now();
    try {
      const result = await withRetry(
        async () => {
          const existing = await destination.describeTables(this.#target);
          const replaces = pack.manifest.write_disposition === 'replace';
          const changes = planChanges(pack.manifest.tables, existing, destination.capabilities, replaces);
          const loaded = await destination.load(pack, changes, signal);
          if (loaded.loaded) this.#report.schemaChanges(changes, existing.length > 0);
          return loaded;
        },
        {
          signal,
          onRetry: (retry) => this.#report.retry(retry),
        },
      );
      await this.#packages.remove(pack.folder);
      return result.rows;
    } finally {
      this.#report.result.durations.load_seconds += (performance.now() - start) / 1000;
    }
  }

  #request(state: JobState | null): ReadRequest {
    const { destination, sampleRows } = this.#environment;
    return readRequest(this.#job, state, { types: destination.capabilities.types, sampleRows });
  }

  #readContext(spoolDirectory: string) {
    const { workspace, signal } = this.#environment;
    const report = this.#report;
    return {
      workspace,
      spoolDirectory,
      signal,
      progress: (counts: { rows: number; bytes: number; pages?: number }) => report.progress(counts),
      warn: (warning: ReadWarning) => report.warning(warning),
      log: (level: 'DEBUG' | 'INFO', message: string) => report.log(message, level),
    };
  }

  /** What deduplication needs to know; null where files or full loads have no watermark in their rows. */
  #watermark(state: JobState | null, extracted: Extracted) {
    const job = this.#job;
    if (job.watermark_column === null || job.source_type === 'filesystem') return null;
    // a full load that replaces the table remembers how far it came, so that the job may become incremental
    if (job.load_type === 'FULL' && job.write_disposition !== 'replace') return null;
    const column = landedName(
      job.watermark_column,
      this.#environment.destination.capabilities,
      extracted.plan ?? undefined,
    );
    if (job.load_type === 'FULL' && !extracted.tables[0]?.columns.some((candidate) => candidate.name === column))
      return null;
    const continued = job.load_type === 'INCREMENTAL' ? state : null;
    return {
      column,
      last: continued?.watermark ?? null,
      read: extracted.summary.watermark,
      lag: job.lag,
      boundary: { rows: continued?.boundary ?? [], columns: continued?.boundary_columns ?? [] },
    };
  }

  #nextState(state: JobState | null, loadId: string, clean: Deduplicated, summary: ReadSummary): JobState {
    const isFile = this.#job.source_type === 'filesystem';
    return {
      ...this.#stateKey(),
      version: STATE_VERSION,
      destination: this.#environment.destination.name,
      source_name: this.#job.source_name,
      table_name: this.#job.table_name,
      watermark: isFile ? (summary.watermark ?? state?.watermark ?? null) : clean.watermark,
      boundary: clean.boundary.rows,
      boundary_columns: clean.boundary.columns,
      source_state: summary.sourceState ?? state?.source_state ?? null,
      load_id: loadId,
      updated_at: new Date(this.#environment.clock()).toISOString(),
    };
  }

  /** An incremental load that met nothing new changes nothing. */
  #isWorthLoading(tables: PackageTable[], state: JobState | null, next: JobState, exists: boolean): boolean {
    if (this.#replaces() || state === null || !exists) return true;
    if (tables.some((table) => table.files.length > 0)) return true;
    return (
      next.watermark !== state.watermark || JSON.stringify(next.source_state) !== JSON.stringify(state.source_state)
    );
  }

  #replaces(): boolean {
    return this.#disposition() === 'replace';
  }

  #disposition(): Job['write_disposition'] {
    return this.#environment.fullRefresh || this.#environment.sampleRows !== null
      ? 'replace'
      : this.#job.write_disposition;
  }

  #stateKey(): StateKey {
    return {
      pipeline: this.#environment.pipeline,
      target_schema: this.#target.schema,
      target_table: this.#target.table,
    };
  }
}

/** The result of a job that did not start: the run was cancelled, or stopped after an error. */
export function notStarted(job: Job, status: 'CANCELLED' | 'SKIPPED', environment: JobEnvironment): JobResult {
  return blankResult(job, status, targetOf(job, environment));
}

function namesOf(checks: readonly CheckResult[]): string {
  const names = checks.map(({ check_name }) => check_name).join(', ');
  return `critical ${checks.length === 1 ? 'check' : 'checks'} ${names}`;
}

/** Samples go beside the real tables, into `<schema>_sample`: a look at some rows must never replace or extend what a load brought. */
export function targetOf(job: Job, environment: Pick<JobEnvironment, 'destination' | 'sampleRows'>): TargetRef {
  const schema = job.target_schema ?? environment.destination.defaultSchema;
  return { schema: environment.sampleRows === null ? schema : `${schema}_sample`, table: job.target_table };
}

/** A replace that read nothing, not even columns, empties what is there. */
function emptied(
  existing: { name: string; columns: { name: string; type: string; nullable: boolean }[] }[],
  root: string,
): PackageTable[] {
  return existing
    .toSorted((a, b) => a.name.length - b.name.length)
    .map((table) => ({
      name: table.name,
      parent: table.name === root ? null : root,
      columns: table.columns.map((column) => ({ ...column, stored_type: column.type })),
      files: [],
    }));
}
