import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { createFilesystemSource } from '../engine/sources/filesystem/filesystem-source.ts';
import { filesystemConnectionModel } from '../engine/spec/connection.ts';
import type { Job } from '../engine/spec/job.ts';
import type { FileFormat } from '../engine/spec/kinds.ts';
import { resourceOptionsModel } from '../engine/spec/resource.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const MIN_RATIO = 0.8;

/**
 * CSV and JSONL files through the filesystem source to zstd Parquet, beside DuckDB's own readers over the same file:
 * a bare COPY, which guesses types from a sample, and one with `sample_size=-1`, which like the source looks at all rows first.
 */
export async function bench({ rows = 2_000_000, rounds = 5 }: BenchOptions): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ingest-bench-files-'));
  const workspace = await Workspace.open({ memoryLimitMiB: 2048, threads: 2, tempDirectory: join(folder, 'duckdb') });
  try {
    await generate(folder, rows);
    const measurements: Measurement[] = [];
    for (const format of ['csv', 'jsonl'] as const) {
      const file = join(folder, `orders.${format}`);
      const { size } = await stat(file);
      const reader = format === 'csv' ? 'read_csv' : 'read_json';
      const bare = () => copy(workspace, `${reader}(${literal(file)})`, join(folder, 'bare.parquet'));
      const full = () => copy(workspace, `${reader}(${literal(file)}, sample_size=-1)`, join(folder, 'full.parquet'));
      await bare();
      const times = { source: [] as number[], bare: [] as number[], full: [] as number[] };
      const cpu = { source: [] as number[], bare: [] as number[] };
      for (let round = 0; round < rounds; round += 1) {
        const before = cpuSeconds();
        times.source.push(await timed(() => throughSource(workspace, folder, format, rows)));
        const between = cpuSeconds();
        times.bare.push(await timed(bare));
        cpu.source.push(between - before);
        cpu.bare.push(cpuSeconds() - between);
        times.full.push(await timed(full));
      }
      const ratio = (others: number[]) => median(times.source.map((time, round) => (others[round] as number) / time));
      measurements.push(
        { what: `${format}: size`, value: size / 1e6, unit: 'MB' },
        { what: `${format} → Parquet`, value: rows / (median(times.source) / 1000), unit: 'rows/s' },
        {
          what: `${format}: to a bare COPY`,
          value: ratio(times.bare),
          unit: 'ratio',
          target: `at least ${MIN_RATIO}`,
          met: ratio(times.bare) >= MIN_RATIO,
        },
        {
          what: `${format}: to a bare COPY, by processor time`,
          value: median(cpu.source.map((time, round) => (cpu.bare[round] as number) / time)),
          unit: 'ratio',
        },
        { what: `${format}: to a COPY that looks at all rows first`, value: ratio(times.full), unit: 'ratio' },
      );
    }
    measurements.push({ what: 'peak memory', value: process.resourceUsage().maxRSS / 1024, unit: 'MiB' });
    return measurements;
  } finally {
    workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Tells less of other programs on the machine than the clock does. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function throughSource(
  workspace: Workspace,
  folder: string,
  format: FileFormat,
  expected: number,
): Promise<void> {
  const source = createFilesystemSource(
    filesystemConnectionModel.parse({ type: 'filesystem', name: 'bench', bucket_url: folder }),
    { projectDirectory: folder },
  );
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
