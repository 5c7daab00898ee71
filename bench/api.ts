import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { identifier, literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { createRestSource } from '../engine/sources/rest/rest-source.ts';
import { apiConnectionModel } from '../engine/spec/connection.ts';
import { resourceOptionsModel } from '../engine/spec/resource.ts';
import { makeJob } from '../tests/helpers/pipeline.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const PER_PAGE = 1000;

/**
 * An API's pages fetched, parsed and dropped, against the same pages read by the source (spooled, schema inferred) and written to Parquet by DuckDB.
 * The server is a process of its own. Pairs are interleaved; the median of their ratios counts.
 */
export async function bench(options: BenchOptions): Promise<Measurement[]> {
  const pages = Math.ceil((options.rows ?? 300_000) / PER_PAGE);
  const rows = pages * PER_PAGE;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-api-'));
  const server = fork(fileURLToPath(new URL('api-server.ts', import.meta.url)), [String(pages), String(PER_PAGE)]);
  try {
    const [port] = (await once(server, 'message')) as [number];
    const url = `http://127.0.0.1:${port}`;
    await drop(url, pages);
    await read(url, pages, path.join(folder, 'warm-up'));
    const drops: number[] = [];
    const reads: number[] = [];
    for (let round = 0; round < (options.rounds ?? 5); round += 1) {
      drops.push(await timed(() => drop(url, pages)));
      reads.push(await timed(() => read(url, pages, path.join(folder, String(round)))));
    }
    const ratio = median(reads.map((time, round) => (drops[round] as number) / time));
    const rate = (times: number[]) => Math.round(rows / (median(times) / 1000));
    return [
      { what: 'API: fetched, parsed and dropped', value: rate(drops), unit: 'records/s' },
      { what: 'API → Parquet', value: rate(reads), unit: 'records/s' },
      { what: 'API → Parquet to dropped', value: ratio, unit: 'ratio', target: '>= 0.65', met: ratio >= 0.65 },
      { what: 'peak memory of the process', value: process.resourceUsage().maxRSS / 1024, unit: 'MiB' },
    ];
  } finally {
    server.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The least that a client must do. */
async function drop(url: string, pages: number): Promise<void> {
  const agent = new Agent();
  let records = 0;
  for (let page = 1; page <= pages + 1; page += 1) {
    const response = await request(`${url}/orders?page=${page}&per_page=${PER_PAGE}`, { dispatcher: agent });
    const body = JSON.parse(await response.body.text()) as { data: unknown[] };
    records += body.data.length;
  }
  await agent.close();
  if (records !== pages * PER_PAGE) throw new Error(`${records} records came`);
}

async function read(url: string, pages: number, folder: string): Promise<void> {
  const spoolDirectory = path.join(folder, 'spool');
  await mkdir(spoolDirectory, { recursive: true });
  const workspace = await Workspace.open({
    memoryLimitMiB: 512,
    threads: os.availableParallelism(),
    tempDirectory: path.join(folder, 'duckdb'),
  });
  const connection = await workspace.connect();
  const source = createRestSource(apiConnectionModel.parse({ type: 'api', name: 'bench', base_url: url }));
  const job = makeJob({
    source_type: 'api',
    table_name: 'orders',
    pagination_type: 'page_number',
    page_size: PER_PAGE,
    options: resourceOptionsModel.parse({}),
  });
  const reading = source.read(
    { job, types: 'native', incremental: null, sourceState: null, sampleRows: null },
    {
      workspace,
      spoolDirectory,
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    },
  );
  let records = 0;
  for (let number = 0; ; number += 1) {
    const next = await reading.next();
    if (next.done) break;
    const list = next.value.columns
      .map(({ name, landedType }) => `CAST(${identifier(name)} AS ${landedType}) AS ${identifier(name)}`)
      .join(', ');
    await connection.run(
      `COPY (SELECT ${list} FROM ${next.value.from}) TO ${literal(path.join(folder, `${number}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`,
    );
    records += next.value.rows ?? 0;
    await next.value.release();
  }
  await source.close();
  workspace.close();
  if (records !== pages * PER_PAGE) throw new Error(`${records} records came`);
}
