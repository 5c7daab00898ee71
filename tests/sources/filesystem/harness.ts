import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import { createFilesystemSource } from '../../../engine/sources/filesystem/filesystem-source.ts';
import type {
  IncrementalRead,
  ReadRequest,
  ReadSummary,
  ReadWarning,
  SourceColumn,
} from '../../../engine/sources/source.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { resourceOptionsModel } from '../../../engine/spec/resource.ts';
import { makeJob as makeAnyJob } from '../../helpers/pipeline.ts';

export interface ReadResult {
  rows: Record<string, unknown>[];
  columns: SourceColumn[];
  /** Column name → segment type. */
  types: Record<string, string>;
  segments: number;
  /** Sum of the segments' own row counts. */
  counted: number;
  summary: ReadSummary;
  warnings: ReadWarning[];
}

/** A folder of test files with a source over it, and DuckDB to look at what it reads. */
export class FilesHarness {
  readonly folder: string;
  readonly workspace: Workspace;
  readonly #root: string;
  #spools = 0;

  private constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.folder = join(root, 'data');
    this.workspace = workspace;
  }

  static async open(): Promise<FilesHarness> {
    const root = await mkdtemp(join(tmpdir(), 'ingest-files-'));
    await mkdir(join(root, 'data'));
    return new FilesHarness(
      root,
      await Workspace.open({ memoryLimitMiB: 1024, threads: 2, tempDirectory: join(root, 'duckdb') }),
    );
  }

  async close(): Promise<void> {
    this.workspace.close();
    await rm(this.#root, { recursive: true, force: true });
  }

  /** Writes a file below a fresh folder's name and gives back its path. */
  async write(path: string, content: string | Uint8Array): Promise<string> {
    const absolute = join(this.folder, ...path.split('/'));
    await mkdir(dirname(absolute), { recursive: true });
    await writeFile(absolute, content);
    return absolute;
  }

  async sql<Row = Record<string, unknown>>(statement: string): Promise<Row[]> {
    const connection = await this.workspace.connect();
    try {
      return await connection.rows<Row>(statement);
    } finally {
      connection.close();
    }
  }

  source(folder = '.') {
    return createFilesystemSource({ bucket_url: folder }, { projectDirectory: this.folder });
  }

  request(job: Partial<Job> & { file_format: Job['file_format'] }, more: Partial<ReadRequest> = {}): ReadRequest {
    return { job: makeJob(job), types: 'portable', incremental: null, sourceState: null, sampleRows: null, ...more };
  }

  async context(warnings: ReadWarning[] = [], signal = new AbortController().signal) {
    this.#spools += 1;
    const spoolDirectory = join(this.#root, `spool-${this.#spools}`);
    await mkdir(spoolDirectory);
    return {
      workspace: this.workspace,
      spoolDirectory,
      signal,
      progress: () => {},
      warn: (warning: ReadWarning) => {
        warnings.push(warning);
      },
      log: () => {},
    };
  }

  /** Reads a job to its end. `select` is what is selected from each segment. */
  async read(
    job: Partial<Job> & { file_format: Job['file_format'] },
    more: Partial<ReadRequest> = {},
    select = '*',
    onSegment: () => Promise<void> = async () => {},
  ): Promise<ReadResult> {
    const warnings: ReadWarning[] = [];
    const source = this.source();
    const reading = source.read(this.request(job, more), await this.context(warnings));
    const result: ReadResult = {
      rows: [],
      columns: [],
      types: {},
      segments: 0,
      counted: 0,
      summary: undefined as never,
      warnings,
    };
    for (;;) {
      const next = await reading.next();
      if (next.done) {
        result.summary = next.value;
        return result;
      }
      const segment = next.value;
      result.columns = segment.columns;
      result.types = Object.fromEntries(segment.columns.map((column) => [column.name, column.segmentType]));
      result.segments += 1;
      result.counted += segment.rows ?? 0;
      const described = await this.sql<{ column_name: string; column_type: string }>(
        `DESCRIBE SELECT * FROM ${segment.from}`,
      );
      // DuckDB describes a column of nothing but NULL as INTEGER.
      const promised = segment.columns.map((column) => [
        column.name,
        column.segmentType === '"NULL"' ? 'INTEGER' : column.segmentType,
      ]);
      const real = described.map((column) => [column.column_name, column.column_type]);
      if (JSON.stringify(promised) !== JSON.stringify(real))
        throw new Error(`segment promises ${JSON.stringify(promised)}, has ${JSON.stringify(real)}`);
      result.rows.push(...(await this.sql(`SELECT ${select} FROM ${segment.from} AS s`)));
      await onSegment();
      await segment.release();
    }
  }
}

/** A job of files that are appended; only what a test is about is said. */
export function makeJob(job: Partial<Job>): Job {
  return makeAnyJob({
    source_type: 'filesystem',
    source_name: 'files',
    table_name: 'things',
    target_table: 'things',
    write_disposition: 'append',
    ...job,
  });
}

export function options(changes: Record<string, unknown>): Job['options'] {
  return resourceOptionsModel.parse(changes);
}

export function incremental(changes: Partial<IncrementalRead> = {}): IncrementalRead {
  return { column: '', from: null, continued: false, lag: null, end: null, nullWatermarks: 'exclude', ...changes };
}
