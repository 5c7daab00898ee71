import path from 'node:path';
import type { FitFinding } from '../destinations/destination.ts';
import type { Workspace } from '../duckdb/workspace.ts';
import { type IngestError, throwIfCancelled } from '../errors.ts';
import type { LoadPackage } from '../load/load-package.ts';
import { toIngestError } from '../pipeline/engine-error.ts';
import { readRequest } from '../pipeline/read-request.ts';
import { planTables, type TablePlan } from '../pipeline/table-plan.ts';
import type { ReadRequest, Source } from '../sources/source.ts';
import { type Job, jobName } from '../spec/job.ts';
import { lockedError } from '../state/target-lock.ts';
import { fitColumns, fitColumnsOf } from './column-fit.ts';
import { keyFindings, roomFindings, watermarkFindings } from './job-findings.ts';
import { probeLateRows } from './late-rows.ts';
import type { DestinationLook } from './look-at-destination.ts';
import {
  type ColumnReport,
  type JobPreflight,
  type LateRows,
  type NextRead,
  type PreflightFinding,
  verdictOf,
} from './preflight-report.ts';
import { isDatabase, type SourceFacts, sourceFacts } from './source-facts.ts';
import { roomAt, type TargetFacts, targetFacts, targetOf, waitingPackages } from './target-facts.ts';
import { countText, lagText } from './words.ts';

export interface PreflightOptions {
  /** Ask sources, too. Without, only state, locks, packages and room are looked at. */
  asksSource: boolean;
  /** Look for late rows below the watermarks of database jobs. */
  looksForLateRows: boolean;
  /** How far below, as `lag` is written (`1d`, `100000`); null: a day, or 100,000 of a number. */
  lookBack: string | null;
}

/** What the preflights of several jobs share. */
export interface PreflightEnvironment extends PreflightOptions {
  pipeline: string;
  look: DestinationLook;
  /** Where runs keep their load packages. */
  workDirectory: string;
  workspace: Workspace;
  /** A private folder. */
  folder: string;
  signal: AbortSignal;
  /** Opens (or shares) the job's source. */
  source(job: Job): Promise<Source>;
}

/**
 * Looks at what a run of a job would do now: what it would read, and what of it would land. Writes nothing but temporary files of its own.
 * What is wrong is in the report. @throws IngestError CANCELLED
 */
export async function preflightJob(job: Job, environment: PreflightEnvironment): Promise<JobPreflight> {
  return await new JobPreflighter(job, environment).run();
}

class JobPreflighter {
  readonly #job: Job;
  readonly #environment: PreflightEnvironment;
  readonly #findings: PreflightFinding[] = [];

  constructor(job: Job, environment: PreflightEnvironment) {
    this.#job = job;
    this.#environment = environment;
  }

  async run(): Promise<JobPreflight> {
    const started = performance.now();
    const job = this.#job;
    const { look, asksSource } = this.#environment;
    const about = await look.about();
    const target = targetOf(job, about);
    const facts = await this.#try(() => targetFacts(look, job, this.#environment.pipeline, this.#environment.signal));
    if (facts?.lock) this.#fail(lockedError(`${target.schema}.${target.table}`, facts.lock, new Date()));
    const packages = await this.#packages(about.name, target);
    // what a dead run brought is loaded first, and its watermark holds from then on
    const left = packages.findLast(({ manifest }) => manifest.state !== null)?.manifest.state ?? null;
    const state = left ?? facts?.state ?? null;
    const request = readRequest(job, state, { types: about.capabilities.types, sampleRows: null });
    const source = asksSource ? await this.#try(() => this.#environment.source(job)) : null;
    const found = source === null ? null : await this.#askSource(source, request);
    const columns = found === null ? [] : await this.#columns(found, facts);
    const lateRows = source === null || left !== null ? null : await this.#lateRows(source, request, facts);
    await this.#lookAtRoom(found, about.location());
    return {
      row: job.row,
      source_name: job.source_name,
      table_name: job.table_name,
      target: `${target.schema}.${target.table}`,
      verdict: verdictOf(columns, this.#findings),
      next_read: nextRead(job, request, found?.statement ?? null, left !== null, state?.updated_at ?? null),
      columns,
      findings: this.#findings,
      late_rows: lateRows,
      seconds: (performance.now() - started) / 1000,
    };
  }

  async #packages(destination: string, target: { schema: string; table: string }): Promise<LoadPackage[]> {
    const { workDirectory, pipeline } = this.#environment;
    const packages = (await this.#try(() => waitingPackages(workDirectory, pipeline, destination, target))) ?? [];
    for (const { manifest } of packages) {
      const rows = (manifest.tables[0]?.files ?? []).reduce((sum, file) => sum + file.rows, 0);
      this.#tell(
        'warning',
        'PACKAGE_WAITS',
        `Load package ${manifest.load_id} (${countText(rows, 'row')}), which run ${manifest.run_id} left, is loaded first.`,
        'To read its rows again from the source instead: `ingest clean --packages`.',
      );
    }
    return packages;
  }

  async #askSource(source: Source, request: ReadRequest): Promise<SourceFacts | null> {
    const { workspace, signal } = this.#environment;
    const found = await this.#try(() =>
      sourceFacts(source, request, { workspace, folder: this.#folder('source'), signal }),
    );
    if (found === null) return null;
    const { failure, warnings, object, columns } = found;
    if (failure) this.#tell('error', failure.code, failure.message, failure.hint ?? null);
    // what is new may well be one page: guesses from a page say little then
    const isGuess = this.#job.source_type === 'api' && request.incremental?.continued === true;
    for (const { code, message, hint } of warnings)
      this.#tell(isGuess ? 'info' : 'warning', code, message, hint ?? null);
    if (columns === null && failure === null) {
      this.#tell(
        'info',
        'COLUMNS_UNKNOWN',
        'The source has no record from which columns could be learned: what would land is not known.',
        null,
      );
    }
    this.#findings.push(...keyFindings(this.#job, object, columns), ...watermarkFindings(this.#job, object, columns));
    return found;
  }

  async #columns({ columns }: SourceFacts, facts: TargetFacts | null): Promise<ColumnReport[]> {
    if (columns === null || facts === null) return [];
    const job = this.#job;
    const { look, signal } = this.#environment;
    const { capabilities, checkFit } = await look.about();
    const plan = await this.#try(
      async (): Promise<TablePlan> =>
        planTables({
          job: jobName(job),
          table: job.target_table,
          columns,
          unnest: job.source_type === 'api' || (job.source_type === 'filesystem' && job.file_format === 'jsonl'),
          maxNesting: job.options.max_table_nesting,
          existing: [],
          contract: 'evolve',
          replaces: false,
          capabilities,
        }),
    );
    if (plan === null) return [];
    let checked: FitFinding[] | null = null;
    if (checkFit !== undefined) {
      checked = await this.#try(() =>
        look.ask(
          signal,
          async (destination) =>
            (await destination.checkFit?.(facts.target, fitColumnsOf(plan), job.write_disposition, signal)) ?? [],
        ),
      );
      if (checked === null) return [];
    }
    return fitColumns({
      plan,
      existing: facts.tables,
      contract: job.schema_contract,
      replaces: job.write_disposition === 'replace',
      capabilities,
      checked,
      sparse: job.source_type === 'api' || job.file_format === 'jsonl',
    });
  }

  async #lateRows(source: Source, request: ReadRequest, facts: TargetFacts | null): Promise<LateRows | null> {
    const { looksForLateRows, look, workspace, lookBack, signal } = this.#environment;
    const { incremental } = request;
    if (!looksForLateRows || facts === null || !isDatabase(this.#job) || incremental === null) return null;
    if (!incremental.continued || this.#job.write_disposition === 'replace') return null;
    const probe = await this.#try(() =>
      probeLateRows({
        job: this.#job,
        request: { ...request, incremental },
        facts,
        source,
        look,
        workspace,
        folder: this.#folder('late'),
        lookBack,
        signal,
      }),
    );
    if (probe === null) return null;
    const found = probe.status === 'found';
    const suggestion =
      probe.suggested_lag !== null && this.#job.primary_key.length > 0
        ? ({ cell: 'lag', entry: probe.suggested_lag } as const)
        : null;
    const isLost = found && probe.late_rows > probe.covered_rows;
    const code = found ? 'LATE_ROWS' : probe.status === 'unknown' ? 'LATE_ROWS_UNKNOWN' : 'LATE_ROWS_NONE';
    this.#tell(isLost ? 'warning' : 'info', code, probe.message, null, suggestion);
    return probe;
  }

  async #lookAtRoom(found: SourceFacts | null, location: string): Promise<void> {
    const { workDirectory } = this.#environment;
    const places = [workDirectory, ...(path.isAbsolute(location) ? [path.dirname(location)] : [])];
    for (const place of places) {
      const room = await roomAt(place);
      const said = roomFindings(this.#job, room, found?.object?.bytes ?? null);
      for (const finding of said) {
        if (!this.#findings.some(({ message }) => message === finding.message)) this.#findings.push(finding);
      }
    }
  }

  #folder(name: string): string {
    return path.join(this.#environment.folder, `job-${this.#job.row}-${name}`);
  }

  /** Null where it failed; the report says why. */
  async #try<Result>(task: () => Promise<Result>): Promise<Result | null> {
    const { signal } = this.#environment;
    try {
      throwIfCancelled(signal);
      return await task();
    } catch (error) {
      throwIfCancelled(signal);
      this.#fail(toIngestError(error, jobName(this.#job), signal));
      return null;
    }
  }

  #fail(error: IngestError): void {
    this.#tell('error', error.code, error.message, error.hint ?? null);
  }

  #tell(
    severity: PreflightFinding['severity'],
    code: string,
    message: string,
    hint: string | null,
    suggestion: PreflightFinding['suggestion'] = null,
  ): void {
    this.#findings.push({ severity, code, message, hint, suggestion });
  }
}

function nextRead(
  job: Job,
  { incremental }: ReadRequest,
  statement: string | null,
  isPackage: boolean,
  updatedAt: string | null,
): NextRead {
  const from = incremental?.from ?? null;
  const continued = incremental?.continued ?? false;
  return {
    statement,
    load_type: job.load_type,
    write_disposition: job.write_disposition,
    watermark:
      from === null
        ? null
        : {
            value: from,
            origin: !continued ? 'last_watermark' : isPackage ? 'package' : 'state',
            since: continued ? updatedAt : null,
          },
    watermark_column: job.watermark_column,
    lag: incremental?.lag == null ? null : lagText(incremental.lag),
  };
}
