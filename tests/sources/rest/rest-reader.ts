import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { identifier } from '../../../engine/duckdb/sql.ts';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import type { Clock } from '../../../engine/sources/rest/clock.ts';
import { createRestSource, type RestSourceDependencies } from '../../../engine/sources/rest/rest-source.ts';
import type {
  IncrementalRead,
  ReadContext,
  ReadRequest,
  ReadSummary,
  ReadWarning,
  SourceColumn,
} from '../../../engine/sources/source.ts';
import { type ApiConnection, apiConnectionModel } from '../../../engine/spec/connection.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { resourceOptionsModel } from '../../../engine/spec/resource.ts';
import { makeJob } from '../../helpers/pipeline.ts';

export type JobValues = Partial<Omit<Job, 'options'>> & { options?: Partial<Job['options']> };

/** A job of an API; only what a test is about is said. */
export function apiJob(values: JobValues = {}): Job {
  return makeJob({ source_type: 'api', ...values, options: resourceOptionsModel.parse(values.options ?? {}) });
}

export function apiConnection(url: string, values: Record<string, unknown> = {}): ApiConnection {
  return apiConnectionModel.parse({ type: 'api', name: 'shop', base_url: url, ...values });
}

export function readRequest(
  job: Job,
  values: Partial<Omit<ReadRequest, 'job' | 'incremental'>> & { incremental?: Partial<IncrementalRead> | null } = {},
): ReadRequest {
  const { incremental, ...rest } = values;
  return {
    job,
    types: 'native',
    sourceState: null,
    sampleRows: null,
    ...rest,
    incremental: incremental
      ? { column: 'id', from: null, continued: true, lag: null, end: null, nullWatermarks: 'exclude', ...incremental }
      : null,
  };
}

/** A clock whose sleeps pass at once; they are noted. */
export function fastClock(): Clock & { sleeps: number[] } {
  let at = Date.now();
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => at,
    random: () => 0.5,
    async sleep(milliseconds, signal) {
      // What the time before allowed happens before time goes on.
      await setImmediate();
      signal.throwIfAborted();
      sleeps.push(milliseconds);
      at += milliseconds;
    },
  };
}

export interface ReadResult {
  rows: Record<string, unknown>[];
  columns: SourceColumn[];
  summary: ReadSummary;
  warnings: ReadWarning[];
  log: string[];
}

export interface ReadOptions {
  connection?: Record<string, unknown>;
  request?: Parameters<typeof readRequest>[1];
  deps?: RestSourceDependencies;
  signal?: AbortSignal;
}

/** The columns as they land. */
function landed(columns: readonly SourceColumn[]): string {
  return columns
    .map(({ name, segmentType, landedType }) =>
      segmentType === 'NULL' ? identifier(name) : `CAST(${identifier(name)} AS ${landedType}) AS ${identifier(name)}`,
    )
    .join(', ');
}

/** Reads a job with a source of its own, and gives back every row as it lands (bigints and decimals as text). */
export async function readApi(url: string, job: JobValues, options: ReadOptions = {}): Promise<ReadResult> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rest-'));
  const workspace = await Workspace.open({
    memoryLimitMiB: 256,
    threads: 2,
    tempDirectory: path.join(folder, 'duckdb'),
  });
  const source = createRestSource(apiConnection(url, options.connection), {
    clock: fastClock(),
    spoolDirectory: folder,
    ...options.deps,
  });
  const warnings: ReadWarning[] = [];
  const log: string[] = [];
  const result: ReadResult = {
    rows: [],
    columns: [],
    summary: { verdict: { reason: '', detail: '', records: 0 }, retries: 0 },
    warnings,
    log,
  };
  const context: ReadContext = {
    workspace,
    spoolDirectory: folder,
    signal: options.signal ?? new AbortController().signal,
    progress: () => undefined,
    warn: (warning) => warnings.push(warning),
    log: (_level, message) => log.push(message),
  };
  try {
    const connection = await workspace.connect();
    const reading = source.read(readRequest(apiJob(job), options.request), context);
    for (;;) {
      const next = await reading.next();
      if (next.done) {
        result.summary = next.value;
        return result;
      }
      result.columns = next.value.columns;
      result.rows.push(...(await connection.rows(`SELECT ${landed(next.value.columns)} FROM ${next.value.from}`)));
      await next.value.release();
    }
  } finally {
    await source.close();
    workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}
