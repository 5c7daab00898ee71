import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { createFilesystemSource } from '../engine/sources/filesystem/filesystem-source.ts';
import type { Job } from '../engine/spec/job.ts';
import type { FileFormat } from '../engine/spec/kinds.ts';
import { resourceOptionsModel } from '../engine/spec/resource.ts';

export interface FilesBenchOptions {
  /** Default 2,000,000. */
  rows?: number;
  /** Interleaved pairs of the source and the bare reads; the median counts. Default 5. */
  pairs?: number;
  print?: (line: string) => void;
}

export interface FilesBenchResult {
  format: FileFormat;
  bytes: number;
  /** Rows a second through the source. */
  rowsPerSecond: number;
  /** To `COPY (SELECT * FROM reader(file)) TO parquet`, which guesses types from a sample. */
  ratioToBare: number;
  /** The same with `sample_size=-1`: types from all rows, as the source's are. */
  ratioToFullSample: number;
}

/** CSV and JSONL files through the filesystem source to zstd Parquet, beside DuckDB's own readers over the same file. */
export async function bench(options: FilesBenchOptions = {}): Promise<FilesBenchResult[]> {
  const { rows = 2_000_000, pairs = 5, print = console.log } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ingest-bench-files-'));
  const workspace = await Workspace.open({ memoryLimitMiB: 2048, threads: 2, tempDirectory: join(folder, 'duckdb') });
  try {
    await generate(folder, rows);
    const results: FilesBenchResult[] = [];
    for (const format of ['csv', 'jsonl'] as const) {
      const file = join(folder, `orders.${format}`);
      const { size } = await stat(file);
      const reader = format === 'csv' ? 'read_csv' : 'read_json';
      const bare = () => copy(workspace, `${reader}(${literal(file)})`, join(folder, 'bare.parquet'));
      const full = () => copy(workspace, `${reader}(${literal(file)}, sample_size=-1)`, join(folder, 'full.parquet'));
      const source = () => throughSource(workspace, folder, format, rows);
      await bare();
      const times = { source: [] as number[], bare: [] as number[], full: [] as number[] };
      for (let pair = 0; pair < pairs; pair += 1) {
        times.source.push(await timed(source));
        times.bare.push(await timed(bare));
        times.full.push(await timed(full));
      }
      const seconds = median(times.source);
      const result = {
        format,
        bytes: size,
        rowsPerSecond: Math.round(rows / seconds),
        ratioToBare: median(times.bare) / seconds,
        ratioToFullSample: median(times.full) / seconds,
      };
      results.push(result);
      print(
        `${format}: ${rows} rows, ${Math.round(size / 1e6)} MB: ${result.rowsPerSecond} rows/s (${seconds.toFixed(2)} s); ratio to a bare COPY ${result.ratioToBare.toFixed(2)}` +
          ` (${median(times.bare).toFixed(2)} s), to one that looks at all rows first ${result.ratioToFullSample.toFixed(2)} (${median(times.full).toFixed(2)} s)`,
      );
    }
    print(`peak RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
    return results;
  } finally {
    workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function throughSource(
  workspace: Workspace,
  folder: string,
  format: FileFormat,
  expected: number,
): Promise<void> {
  const source = createFilesystemSource({ bucket_url: folder }, { projectDirectory: folder });
  const spoolDirectory = await mkdtemp(join(folder, 'spool-'));
  const job = {
    source_type: 'filesystem',
    source_name: 'bench',
    table_name: 'orders',
    load_type: 'FULL',
    file_glob: `orders.${format}`,
    file_format: format,
    incremental_mode: 'none',
    source_object: null,
    columns: [],
    column_types: {},
    filter: null,
    last_watermark: null,
    primary_key: [],
    write_disposition: 'replace',
    options: resourceOptionsModel.parse({}),
  } as unknown as Job;
  const reading = source.read(
    { job, types: 'portable', incremental: null, sourceState: null, sampleRows: null },
    {
      workspace,
      spoolDirectory,
      signal: new AbortController().signal,
      progress: () => {},
      warn: () => {},
      log: () => {},
    },
  );
  for (let part = 0; ; part += 1) {
    const next = await reading.next();
    if (next.done) {
      if (next.value.verdict.records !== expected)
        throw new Error(`${next.value.verdict.records} rows instead of ${expected}`);
      return;
    }
    await copy(workspace, next.value.from, join(folder, `source-${part}.parquet`));
    await next.value.release();
  }
}

async function copy(workspace: Workspace, from: string, target: string): Promise<void> {
  const connection = await workspace.connect();
  try {
    await connection.run(`COPY (SELECT * FROM ${from}) TO ${literal(target)} (FORMAT parquet, COMPRESSION zstd)`);
  } finally {
    connection.close();
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] as number;
}

/** The same orders as CSV and as JSONL: numbers, decimals, text with and without quotes, times, dates, booleans, codes with leading zeros, nulls; nested in JSONL. */
async function generate(folder: string, rows: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const csv = createWriteStream(join(folder, 'orders.csv'));
  const jsonl = createWriteStream(join(folder, 'orders.jsonl'));
  const names = ['Anna', 'Bert', 'Chloé', 'Dmitri', 'Eve'];
  let csvText = 'id,amount,name,created_at,day,active,code,ratio,comment,quantity,city,status\n';
  let jsonText = '';
  for (let row = 0; row < rows; row += 1) {
    const time = new Date(1.6e12 + row * 37_000).toISOString();
    const amount = (((row * 7919) % 1_000_000) / 100).toFixed(2);
    const name = `${names[row % 5]} ${row % 1000}`;
    const code = String(row % 99_999).padStart(6, '0');
    const ratio = (row / 7).toFixed(6);
    const quantity = row % 17 === 0 ? null : row % 17;
    csvText += `${row},${amount},${name},${time.slice(0, 19)},${time.slice(0, 10)},${row % 3 === 0},${code},${ratio},"some text, with a comma ${row % 777}",${quantity ?? ''},City ${row % 100},status ${row % 4}\n`;
    jsonText += `{"id":${row},"amount":${amount},"name":"${name}","created_at":"${time}","active":${row % 3 === 0},"code":"${code}","ratio":${ratio},"comment":"some text ${row % 777}","address":{"city":"City ${row % 100}","zip":"${row % 9999}"},"tags":["a${row % 10}","b"],"quantity":${quantity}}\n`;
    if (csvText.length > 1_000_000 || row === rows - 1) {
      if (!csv.write(csvText)) await once(csv, 'drain');
      if (!jsonl.write(jsonText)) await once(jsonl, 'drain');
      csvText = '';
      jsonText = '';
    }
  }
  csv.end();
  jsonl.end();
  await Promise.all([once(csv, 'close'), once(jsonl, 'close')]);
}
