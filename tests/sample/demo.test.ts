import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Terminal } from '../../engine/cli/terminal.ts';
import type { RunOutcome } from '../../engine/pipeline/run-project.ts';
import { type DemoResult, runDemo } from '../../resources/sample/demo.ts';
import { tempFolder } from '../cli/cli-project.ts';

let folder: string;
let remove: () => Promise<void>;
let result: DemoResult;
let printed = '';

beforeAll(async () => {
  ({ folder, remove } = await tempFolder());
  const stream = {
    write: (text: string) => {
      printed += text;
      return true;
    },
  };
  const terminal = new Terminal({ stdout: stream, stderr: stream, color: false, env: {} });
  result = await runDemo(path.join(folder, 'demo'), terminal, new AbortController().signal);
});
afterAll(() => remove());

const rows = ({ metrics }: RunOutcome) =>
  Object.fromEntries(metrics.jobs.map((job) => [job.table_name, job.rows_processed]));

test('the first run reads everything, into DuckDB and into Parquet alike', () => {
  const all = {
    countries: 24,
    products: 240,
    customers: 180,
    orders: 150,
    events: 400,
    reviews: 130,
    stores: 30,
    exchange_rates: 186,
    tickets: 60,
    sales: 240,
    sensor_readings: 432,
    inventory: 60,
  };
  expect(rows(result.first.duckdb)).toEqual(all);
  expect(rows(result.first.parquet)).toEqual(all);
  for (const { exitCode, metrics } of [...Object.values(result.first), ...Object.values(result.second)]) {
    expect(exitCode).toBe(0);
    expect(metrics.jobs.flatMap(({ warnings }) => warnings)).toEqual([]);
  }
});

test('the second run loads of incremental jobs only what is new', () => {
  const news = { customers: 5, orders: 5, events: 25, sales: 80, sensor_readings: 144, inventory: 12 };
  expect(rows(result.second.duckdb)).toMatchObject(news);
  expect(rows(result.second.parquet)).toMatchObject(news);
});

test('what landed is what the sources hold, by queries that share no code with the engine', () => {
  expect(result.totals.length).toBeGreaterThanOrEqual(19);
  for (const { what, source, duckdb, parquet } of result.totals) {
    expect({ what, duckdb, parquet }).toEqual({ what, duckdb: source, parquet: source });
  }
  expect(result.totals.find(({ what }) => what.startsWith('events: greatest'))?.source).toBe('9007199254741841');
});

test('what an analyst wants to see is printed: rows, watermarks, verdicts, and where everything lies', async () => {
  expect(printed).toMatch(/✔ SUCCESS +shop\.customers +raw\.customers +5 /);
  expect(printed).toContain('2026-01-31T15:44:00Z → 2026-02-01T09:12:00Z');
  expect(printed).toContain('next_cursor is null');
  expect(printed).toContain('does not run its checks yet');
  expect(printed).not.toContain('DIFFERS');
  for (const { metricsPath, logPath, location } of Object.values(result.second)) {
    expect(JSON.parse(await readFile(metricsPath, 'utf8')).summary.failed_jobs).toBe(0);
    expect(
      (await readFile(logPath as string, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .at(-1)?.type,
    ).toBe('run_finished');
    expect((await stat(location)).isDirectory() || location.endsWith('.duckdb')).toBe(true);
  }
});

test('nothing temporary stays behind', async () => {
  const left = await readdir(path.join(folder, 'demo', 'metadata'), { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile() && !/^(metrics|run|quality)_/.test(entry.name))).toEqual([]);
});

test('the sample is small enough to be copied around', async () => {
  const sample = path.join(import.meta.dirname, '..', '..', 'resources', 'sample');
  const files = (await readdir(sample, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map((file) => stat(path.join(file.parentPath, file.name)).then(({ size }) => size)),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(300_000);
});
