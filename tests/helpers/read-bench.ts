import path from 'node:path';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type {
  ReadContext,
  ReadRequest,
  ReadSummary,
  ReadWarning,
  Source,
  SourceColumn,
} from '../../engine/sources/source.ts';
import type { Job } from '../../engine/spec/job.ts';
import { makeJob } from './pipeline.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface ReadResult {
  columns: SourceColumn[];
  /** Rows of all segments, every value as DuckDB's text. */
  rows: Record<string, string | null>[];
  segments: { rows: number; bytes: number }[];
  summary: ReadSummary;
  warnings: ReadWarning[];
  progress: { rows: number; bytes: number }[];
}

/** A workspace with what a read needs besides. */
export class ReadBench implements AsyncDisposable {
  readonly workspace: Workspace;
  readonly #folder: { path: string } & AsyncDisposable;

  private constructor(workspace: Workspace, folder: { path: string } & AsyncDisposable) {
    this.workspace = workspace;
    this.#folder = folder;
  }

  static async open(): Promise<ReadBench> {
    const folder = await temporaryFolder();
    const tempDirectory = path.join(folder.path, 'duckdb');
    return new ReadBench(await Workspace.open({ memoryLimitMiB: 1024, threads: 2, tempDirectory }), folder);
  }

  context(changes: Partial<ReadContext> = {}): ReadContext {
    return {
      workspace: this.workspace,
      spoolDirectory: this.#folder.path,
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
      ...changes,
    };
  }

  /**
   * Reads everything; each segment's rows are taken and the segment released before the next is asked for.
   * @param taken what of them: an expression of SQL, where all of many rows would take long
   */
  async read(
    source: Source,
    request: ReadRequest,
    changes: Partial<ReadContext> = {},
    taken = 'CAST(COLUMNS(*) AS VARCHAR)',
  ): Promise<ReadResult> {
    const warnings: ReadWarning[] = [];
    const progress: { rows: number; bytes: number }[] = [];
    const context = this.context({
      warn: (warning) => warnings.push(warning),
      progress: (counts) => progress.push(counts),
      ...changes,
    });
    const result: Omit<ReadResult, 'summary'> = { columns: [], rows: [], segments: [], warnings, progress };
    const connection = await this.workspace.connect();
    try {
      const segments = source.read(request, context);
      for (;;) {
        const step = await segments.next();
        if (step.done) return { ...result, summary: step.value };
        const segment = step.value;
        result.columns = segment.columns;
        result.segments.push({ rows: segment.rows ?? -1, bytes: segment.bytes });
        const texts = await connection.rows<Record<string, string | null>>(`SELECT ${taken} FROM ${segment.from}`);
        for (const row of texts) result.rows.push(row);
        await segment.release();
      }
    } finally {
      connection.close();
    }
  }

  /** Tables that are still in the workspace. */
  async tables(): Promise<string[]> {
    const connection = await this.workspace.connect();
    try {
      const rows = await connection.rows<{ name: string }>('SELECT table_name AS name FROM duckdb_tables()');
      return rows.map(({ name }) => name);
    } finally {
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.workspace.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A FULL read of a table with native types, unless said otherwise. */
export function request(job: Partial<Job>, changes: Partial<Omit<ReadRequest, 'job'>> = {}): ReadRequest {
  return {
    job: makeJob({ source_name: 'shop', ...job }),
    types: 'native',
    incremental: null,
    sourceState: null,
    sampleRows: null,
    ...changes,
  };
}
