import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PreflightReport } from '../../engine/preflight/preflight-report.ts';
import { copySample } from '../../resources/sample/demo.ts';
import { cli } from '../cli/cli-process.ts';
import { tempFolder } from '../cli/cli-project.ts';

let root: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder: root, remove } = await tempFolder());
  await copySample(root);
});
afterAll(() => remove());

const preflight = (...args: string[]) => cli(['-c', root, 'preflight', ...args]);

test('all enabled jobs of APIs and files are looked at, in workbook order; nothing is made', async () => {
  const before = (await readdir(root)).sort();
  const { code, stdout } = await preflight('--json');
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as PreflightReport;
  expect(report.summary).toEqual({ ready: 12, attention: 0, fails: 0 });
  expect(report.jobs.map(({ row }) => row)).toEqual(report.jobs.map(({ row }) => row).toSorted((a, b) => a - b));
  expect(report.jobs.every(({ columns }) => columns.every(({ verdict }) => verdict === 'new'))).toBe(true);
  // lists of an API's records are tables of their own
  expect(new Set(report.jobs.flatMap(({ columns }) => columns.map(({ table }) => table)))).toContain('orders__lines');
  expect((await readdir(root)).sort()).toEqual(before);
});

test('the text says what is read from where, what happens to columns, and what to do', async () => {
  expect((await cli(['-c', root, 'run', '--job', 'stores', '--job', 'orders'])).code).toBe(0);
  const ready = await preflight('orders');
  expect(ready.code).toBe(0);
  expect(ready.stdout).toMatch(/shop\.orders → raw\.orders\s+ready/);
  expect(ready.stdout).toMatch(/next run: what is new \(merge\): updatedAt from 2026-\S+ \(the last load, /);
  expect(ready.stdout).toContain('GET http://127.0.0.1');
  expect(ready.stdout).toContain('1 job into duckdb: 1 ready, 0 to look at, 0 would fail. Nothing was written.');

  await rm(path.join(root, 'data', 'stores.csv'));
  const failing = await preflight('stores', 'orders');
  expect(failing.code).toBe(1);
  expect(failing.stdout).toMatch(/files\.stores → raw\.stores\s+would fail/);
  expect(failing.stdout).toContain('code: FILES_NONE_MATCH');
  expect(failing.stdout).toContain('what to do: Check file_glob');
  expect(failing.stdout).toContain('2 jobs into duckdb: 1 ready, 0 to look at, 1 would fail');
  // without sources there is nothing that fails
  expect((await preflight('stores', '--no-source')).code).toBe(0);
});

test('arguments that make no sense are refused', async () => {
  for (const args of [['nobody'], ['--look-back', 'soon'], ['--destination', 'mars']]) {
    const { code, stderr } = await preflight(...args);
    expect(code, args.join(' ')).toBe(2);
    expect(stderr).toContain('what to do:');
  }
});
