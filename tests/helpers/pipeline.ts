import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Destination } from '../../engine/destinations/destination.ts';
import { createDuckDbDestination } from '../../engine/destinations/duckdb/duckdb-destination.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { type JobEnvironment, runJob } from '../../engine/pipeline/run-job.ts';
import type { JobResult, RunEvent } from '../../engine/runs/events.ts';
import type { Source } from '../../engine/sources/source.ts';
import { type Job, jobModel } from '../../engine/spec/job.ts';

/** A job of the pipeline tests: only what a test is about is said. */
export function makeJob(values: Partial<Job>): Job {
  return jobModel.parse({
    row: 2,
    source_type: 'postgresql',
    source_name: 'shop',
    table_name: 'orders',
    load_type: 'FULL',
    enabled: true,
    schema_name: null,
    watermark_column: null,
    last_watermark: null,
    chunk_size: 100_000,
    api_endpoint: null,
    pagination_type: 'single_page',
    auth_type: 'none',
    page_size: 100,
    data_selector: null,
    file_glob: '**/*.parquet',
    file_format: 'parquet',
    incremental_mode: 'none',
    source_object: null,
    target_schema: null,
    target_table: 'orders',
    primary_key: [],
    write_disposition: 'replace',
    columns: [],
    column_types: {},
    filter: null,
    lag: null,
    schema_contract: 'evolve',
    tags: [],
    description: null,
    options: {},
    ...values,
  });
}

/** A DuckDB destination in a folder of its own, with everything that a job needs to run into it. */
export class PipelineBench implements AsyncDisposable {
  readonly folder: string;
  readonly workspace: Workspace;
  readonly destination: Destination;
  readonly events: RunEvent[] = [];
  #runs = 0;

  private constructor(folder: string, workspace: Workspace, destination: Destination) {
    this.folder = folder;
    this.workspace = workspace;
    this.destination = destination;
  }

  static async open(): Promise<PipelineBench> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'ingest-pipeline-'));
    const workspace = await Workspace.open({
      memoryLimitMiB: 512,
      threads: 2,
      tempDirectory: path.join(folder, 'tmp'),
    });
    const destination = createDuckDbDestination(
      { name: 'local', path: path.join(folder, 'out.duckdb'), schema: 'raw' },
      { workspace },
    );
    await destination.open(new AbortController().signal);
    return new PipelineBench(folder, workspace, destination);
  }

  async run(job: Job, source: Source, changes: Partial<JobEnvironment> = {}): Promise<JobResult> {
    this.#runs += 1;
    return await runJob(job, {
      runId: `run_${this.#runs}`,
      pipeline: 'test',
      workspace: this.workspace,
      destination: this.destination,
      packagesDirectory: path.join(this.folder, 'packages'),
      spoolDirectory: path.join(this.folder, 'spool'),
      signal: new AbortController().signal,
      emit: (event) => this.events.push({ at: 0, level: 'INFO', ...event } as RunEvent),
      sampleRows: null,
      fullRefresh: false,
      previousSchema: () => null,
      checks: null,
      clock: () => Date.now(),
      source: async () => source,
      ...changes,
    });
  }

  /** Rows of a loaded table; `{t}` stands for it. */
  async rows(sql: string, table = 'orders', schema = 'raw'): Promise<Record<string, unknown>[]> {
    const connection = await this.workspace.connect();
    try {
      return await connection.rows(sql.replaceAll('{t}', await this.destination.from({ schema, table }, table)));
    } finally {
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destination.close();
    this.workspace.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
