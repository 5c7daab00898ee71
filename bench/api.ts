import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { PER_PAGE, read } from './api-read.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const MEMORY_FACTOR = 5;
/** What five times the records may take: of the reading's own memory, and together with DuckDB, which settles in its first few files. */
const READING_GROWTH = 1.15;
const GROWTH = 1.6;

/**
 * An API's pages fetched, parsed and dropped, against the same pages read by the source (spooled, schema inferred) and written to Parquet by DuckDB.
 * The server is a process of its own. Pairs are interleaved; the median of their ratios counts.
 * Memory is that of a process which does nothing but one read: of 200,000 records, and of five times as many.
 */
export async function bench(options: BenchOptions): Promise<Measurement[]> {
  const pages = Math.ceil((options.rows ?? 300_000) / PER_PAGE);
  const rows = pages * PER_PAGE;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-api-'));
  const server = await startServer(pages);
  try {
    const { url } = server;
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
      ...(await memory(Math.min(pages, 200))),
    ];
  } finally {
    server.process.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function memory(pages: number): Promise<Measurement[]> {
  const small = await peaks(pages);
  const large = await peaks(pages * MEMORY_FACTOR);
  const at = (count: number) => `at ${(count * PER_PAGE).toLocaleString('en-US')} records`;
  const growth = (what: string, one: number, other: number, most: number): Measurement[] => [
    { what: `${what} ${at(pages)}`, value: one, unit: 'MiB' },
    {
      what: `${what} ${at(pages * MEMORY_FACTOR)}`,
      value: other,
      unit: 'MiB',
      target: `<= ${most} of that`,
      met: other <= most * one,
    },
  ];
  return [
    ...growth('memory until the last page', small[0], large[0], READING_GROWTH),
    ...growth('memory with DuckDB', small[1], large[1], GROWTH),
  ];
}

/** MiB that a read of so many pages takes at most, in a process of its own: until its last page came, and at all. */
async function peaks(pages: number): Promise<[reading: number, all: number]> {
  const server = await startServer(pages);
  try {
    const reader = fork(fileURLToPath(new URL('api-read.ts', import.meta.url)), [server.url, String(pages)]);
    const [[value]] = await Promise.all([once(reader, 'message'), once(reader, 'exit')]);
    return value as [number, number];
  } finally {
    server.process.kill();
  }
}

async function startServer(pages: number): Promise<{ url: string; process: ChildProcess }> {
  const server = fork(fileURLToPath(new URL('api-server.ts', import.meta.url)), [String(pages), String(PER_PAGE)]);
  const [port] = (await once(server, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, process: server };
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
