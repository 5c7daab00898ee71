import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { withResults } from '../engine/results/open-results.ts';
import { profileTable } from '../engine/results/profile.ts';
import { type LogFilter, LogIndex } from '../engine/runs/log-index.ts';
import type { DestinationConfig } from '../engine/spec/destination.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const LINES = 1_000_000;
const ALL: LogFilter = { levels: [], job: null, text: null };
const PROFILE_RATIO = 2;
const never = new AbortController().signal;

/** What people look for in a log, from what is in no line to what is in every one. */
const FILTERS: [string, Partial<LogFilter>][] = [
  ['warnings and errors', { levels: ['WARNING', 'ERROR'] }],
  ['one job', { job: 'shop.orders_17' }],
  ['a word of one line', { text: 'Needle' }],
  ['a word of no line', { text: 'nowhere' }],
  ['a word of most lines', { text: 'get' }],
  ['a name of a job', { text: 'orders_17' }],
  ['a number', { text: '429' }],
  ['a word that only the rendering has', { text: 'rows' }],
  ['a word with its job before it', { text: 'orders_3: attempt' }],
  ['a word in the errors', { text: 'limit', levels: ['ERROR'] }],
];

/**
 * A run's log of a million lines: opened (indexed and its last page read) and filtered. A profile of 12 columns beside DuckDB's own SUMMARIZE
 * over the same table, in the same settings, in turns.
 */
export async function bench({ rows = LINES, rounds = 5 }: BenchOptions): Promise<Measurement[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ingest-bench-runs-'));
  try {
    return [...(await benchLog(folder, rows, rounds)), ...(await benchProfile(folder, rows * 2, rounds))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchLog(folder: string, lines: number, rounds: number): Promise<Measurement[]> {
  const file = path.join(folder, 'run.jsonl');
  await writeLog(file, lines);
  const { size } = await stat(file);
  // The file's pages are in the system's cache, as those of a run that has just ended are.
  await new LogIndex(file).page(ALL, 0, 500, never);
  const measurements: Measurement[] = [{ what: 'log: size', value: size / 1e6, unit: 'MB' }];
  const opening = await repeated(rounds, () => new LogIndex(file).page(ALL, Number.MAX_SAFE_INTEGER, 500, never));
  measurements.push(within('log: opens', opening, 1000));
  for (const [what, filter] of FILTERS) {
    const times: Times = { wall: [], cpu: [] };
    for (let round = 0; round < rounds; round += 1) {
      // Each time another index: answers are remembered.
      const index = new LogIndex(file);
      await index.page(ALL, 0, 1, never);
      await measured(times, () => index.page({ ...ALL, ...filter }, 0, 500, never));
    }
    measurements.push(within(`log: ${what}`, times, 300));
  }
  return measurements;
}

async function benchProfile(folder: string, rows: number, rounds: number): Promise<Measurement[]> {
  const destination: DestinationConfig = { type: 'duckdb', name: 'bench', path: 'bench.duckdb', schema: 'raw' };
  const workspace = await Workspace.open({ memoryLimitMiB: 1024, threads: 2, tempDirectory: path.join(folder, 'tmp') });
  const connection = await workspace.connect();
  await connection.run(`ATTACH ${literal(path.join(folder, 'bench.duckdb'))} AS made`);
  await connection.run('CREATE SCHEMA made.raw');
  await connection.run(`CREATE TABLE made.raw.orders AS SELECT range AS id, range % 20000 AS customer_id,
    CAST(hash(range) % 1000000 AS DECIMAL(18, 2)) / 100 AS amount, ['new', 'paid', 'sent', 'back'][1 + range % 4] AS status,
    TIMESTAMP '2020-01-01' + INTERVAL (range * 37) SECOND AS created_at, DATE '2020-01-01' + CAST(range % 2000 AS INTEGER) AS day,
    range % 3 = 0 AS active, CASE WHEN range % 17 = 0 THEN NULL ELSE CAST(range % 17 AS INTEGER) END AS quantity,
    'City ' || (range % 100) AS city, sqrt(range) AS ratio, 'some text, with a comma ' || (hash(range) % 50000) AS comment,
    'ord-' || range AS code FROM range(${rows})`);
  await connection.run('DETACH made');
  connection.close();
  workspace.close();

  const options = { baseDirectory: folder, signal: never };
  const ours: Times = { wall: [], cpu: [] };
  const theirs: Times = { wall: [], cpu: [] };
  for (let round = 0; round < rounds; round += 1) {
    await withResults(destination, options, (results) => measured(ours, () => profileTable(results, 'raw', 'orders')));
    await withResults(destination, options, ({ connection, table }) =>
      measured(theirs, () => connection.runAndReadAll(`SUMMARIZE SELECT * FROM ${table('raw', 'orders').from}`)),
    );
  }
  const ratio = (kind: keyof Times) =>
    median(ours[kind].map((value, round) => value / (theirs[kind][round] as number)));
  return [
    { what: `profile of ${rows} × 12`, value: median(ours.wall), unit: 'ms' },
    { what: 'SUMMARIZE of the same', value: median(theirs.wall), unit: 'ms' },
    {
      what: 'profile to SUMMARIZE',
      value: ratio('wall'),
      unit: 'ratio',
      target: `at most ${PROFILE_RATIO}`,
      met: ratio('wall') <= PROFILE_RATIO,
    },
    { what: 'profile to SUMMARIZE, by processor time', value: ratio('cpu'), unit: 'ratio' },
  ];
}

/** Milliseconds by the clock and of the processor, one of each a round. */
interface Times {
  wall: number[];
  cpu: number[];
}

async function repeated(rounds: number, work: () => Promise<unknown>): Promise<Times> {
  const times: Times = { wall: [], cpu: [] };
  for (let round = 0; round < rounds; round += 1) await measured(times, work);
  return times;
}

async function measured(times: Times, work: () => Promise<unknown>): Promise<void> {
  const before = process.cpuUsage();
  times.wall.push(await timed(work));
  const { user, system } = process.cpuUsage(before);
  times.cpu.push((user + system) / 1000);
}

/** Processor time stands beside it: it tells less of other programs on the machine. */
function within(what: string, { wall, cpu }: Times, most: number): Measurement {
  const value = median(wall);
  return {
    what: `${what} (${Math.round(median(cpu))} ms of the processor)`,
    value,
    unit: 'ms',
    target: `at most ${most}`,
    met: value <= most,
  };
}

/** As a run of 40 jobs over APIs leaves it: nine lines in ten are requests, the others progress, retries and warnings. */
async function writeLog(file: string, lines: number): Promise<void> {
  const stream = createWriteStream(file);
  let text = '';
  for (let line = 0; line < lines; line += 1) {
    text += `${JSON.stringify(eventOf(line, lines))}\n`;
    if (text.length > 1_000_000 || line === lines - 1) {
      if (!stream.write(text)) await once(stream, 'drain');
      text = '';
    }
  }
  stream.end();
  await once(stream, 'close');
}

function eventOf(line: number, lines: number): object {
  const at = Date.UTC(2026, 0, 31) + line;
  const job = `shop.orders_${line % 40}`;
  if (line === lines >> 1) return { at, level: 'INFO', type: 'log', job, message: 'The needle "in" the haystack' };
  if (line % 32 === 1) {
    const counts = { rows: line * 7, bytes: line * 811, pages: line >> 5 };
    return { at, level: 'DEBUG', type: 'job_progress', job, stage: 'extract', ...counts };
  }
  if (line % 32 === 3) {
    const problem = {
      code: 'HTTP_STATUS',
      message: `GET /v2/orders?page=${line} was answered with 429: too many requests`,
    };
    return { at, level: 'WARNING', type: 'job_retry', job, attempt: 1, wait_ms: 1250, ...problem };
  }
  if (line % 32 === 5) {
    const problem = {
      code: 'RATE_LIMIT',
      message: `The server's limit of ${line % 600} requests a minute is near`,
      hint: 'Lower rate_limit.',
    };
    return { at, level: line % 160 === 5 ? 'ERROR' : 'WARNING', type: 'job_warning', job, ...problem };
  }
  const message = `GET https://shop.example.com/v2/orders?page=${line}&per_page=100 → 200, 100 records in ${line % 311} ms`;
  return { at, level: line % 5 === 0 ? 'INFO' : 'DEBUG', type: 'log', job, message };
}
