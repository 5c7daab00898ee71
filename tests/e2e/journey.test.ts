import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { readProjectFiles } from '../../engine/bundle/read-project-files.ts';
import type { Metrics } from '../../engine/spec/metrics.ts';
import { buildApp, launchApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { startWindowHost } from '../helpers/window-page.ts';
import { goTo } from './connections-window.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** A window on its first screen. */
interface Opened extends AsyncDisposable {
  page: Page;
  /** Where the sample project goes. */
  documents: string;
  /** Errors of the page's console. */
  problems: string[];
}

function problemsOf(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return problems;
}

const HOSTS: Record<string, (folder: string) => Promise<Opened>> = {
  'the web host': async (folder) => {
    const host = await startWindowHost(path.join(root, 'out/renderer'), folder);
    const { page, problems } = await host.open();
    return { page, problems, documents: path.join(folder, 'documents'), [Symbol.asyncDispose]: () => host.close() };
  },
  'the desktop': async (folder) => {
    const app = await launchApp({
      HOME: folder,
      XDG_CONFIG_HOME: path.join(folder, '.config'),
      INGEST_STUDIO_USER_DATA: path.join(folder, 'data'),
    });
    const page = await app.firstWindow();
    page.setDefaultTimeout(15_000);
    const problems = problemsOf(page);
    return { page, problems, documents: path.join(folder, 'Documents'), [Symbol.asyncDispose]: () => app.close() };
  },
};

/** A cell by the workbook's row as the gutter shows it. */
function at(page: Page, row: number, column: string) {
  return page
    .locator('[role=row]')
    .filter({ has: page.locator('[role=rowheader]', { hasText: new RegExp(`^${row}$`) }) })
    .locator(`[data-column="${column}"]`);
}

/** Rows of every job, by `source.table`. */
function rowsByJob({ jobs }: Metrics): Record<string, number> {
  return Object.fromEntries(
    jobs.map(({ source_name, table_name, rows_processed }) => [`${source_name}.${table_name}`, rows_processed]),
  );
}

/** What a DuckDB of the test's own says about a copy of the file that a run has written. */
async function query(file: string, sql: string): Promise<(string | null)[][]> {
  await using folder = await temporaryFolder();
  const copy = path.join(folder.path, 'copy.duckdb');
  await copyFile(file, copy);
  await copyFile(`${file}.wal`, `${copy}.wal`).catch(() => undefined);
  const instance = await DuckDBInstance.create(copy);
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

beforeAll(buildApp);

test.each(Object.keys(HOSTS))(
  'sample → edit → fix → save → test → dry run → results → export → headless: on %s',
  async (name) => {
    await using folder = await temporaryFolder();
    await using opened = await HOSTS[name]!(folder.path);
    const { page, documents, problems } = opened;
    const directory = path.join(documents, 'Ingest Studio sample');

    await page.getByRole('button', { name: 'Open sample' }).click();
    const grid = page.getByRole('grid', { name: 'Jobs' });
    await grid.waitFor();

    // By keys: a load type that is cut short.
    await at(page, 4, 'load_type').click();
    await page.keyboard.type('INCREMENT');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.getByText('1 error', { exact: true }).waitFor();

    // From Excel: two rows past the end, a line break within a cell, a line break at the end. Two files that are there already, under other names.
    await page.evaluate(() =>
      navigator.clipboard.writeText('files\tbranches\t\tFULL\r\nfiles\t"day\nrates"\t\tFULL\r\n'),
    );
    await page.getByRole('button', { name: 'Add job' }).click();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.type('filesystem');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+v');
    await page.getByText('15 jobs', { exact: false }).first().waitFor();

    // F8 goes to the first issue, Ctrl+. fixes what has a ready fix; the rest is typed and pasted.
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('F8');
    await expect.poll(() => at(page, 4, 'load_type').getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('Control+.');
    await expect.poll(() => at(page, 4, 'load_type').textContent()).toContain('INCREMENTAL');
    await at(page, 16, 'table_name').click();
    await page.keyboard.press('Control+.');
    await expect.poll(() => at(page, 16, 'table_name').textContent()).toContain('day_rates');
    await at(page, 16, 'source_type').click();
    await page.keyboard.type('filesystem');
    await page.keyboard.press('Enter');
    await at(page, 15, 'file_glob').click();
    await page.evaluate(() => navigator.clipboard.writeText('stores.csv\tcsv\r\nexchange_rates.parquet\tparquet\r\n'));
    await page.keyboard.press('Control+v');
    await page.getByText('0 errors', { exact: true }).waitFor();

    await page.keyboard.press('Control+s');
    await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('All changes saved').waitFor();
    const saved = await readProjectFiles(directory, { env: undefined });
    expect(saved.jobs?.rows.length).toBe(15);

    await goTo(page, 'Connections');
    await page.getByRole('button', { name: /^shop/ }).first().click();
    const tested = page.getByRole('region', { name: 'Connection test' });
    await tested.getByRole('button', { name: 'Test', exact: true }).click();
    await tested.getByRole('button', { name: 'Test again' }).waitFor();
    await tested.getByText('Passed', { exact: true }).first().waitFor();

    await goTo(page, 'Jobs');
    await page.getByRole('button', { name: 'Other ways to run' }).click();
    await page.getByRole('menuitem', { name: 'Run all enabled jobs' }).click();
    await page.getByText('Run succeeded').first().waitFor({ timeout: 45_000 });
    await goTo(page, 'Runs');
    await page.getByText('14 of 14').waitFor();
    await page
      .getByRole('button', { name: /^Open run/ })
      .first()
      .click();
    const jobs = page.getByRole('table', { name: 'Jobs of this run' });
    await jobs.getByRole('button', { name: 'files.day_rates' }).waitFor();
    const lines = await jobs
      .locator('tbody tr')
      .evaluateAll((all) =>
        all.map((line) => [line.querySelector('button')?.textContent, line.querySelectorAll('td')[2]?.textContent]),
      );
    const shown = Object.fromEntries(lines.map(([job, rows]) => [job, Number(rows?.replaceAll(',', ''))]));
    expect(lines.length).toBe(14);
    expect(shown).toMatchObject({ 'files.branches': 30, 'files.day_rates': 186, 'shop.orders': 150 });

    // The window shows what DuckDB itself finds in the file.
    await goTo(page, 'Results');
    await page.getByRole('button', { name: /^branches/ }).click();
    await page.getByRole('heading', { name: 'raw.branches', level: 1 }).waitFor();
    await page.getByText('Rows 1–30 of 30').waitFor();
    await page.getByRole('button', { name: 'store_id', exact: true }).click();
    await page.getByText('sorted by store_id, least first').waitFor();
    const columns = ['store_id', 'name', 'postal_code', 'region', 'opened_on', 'note'];
    const rows = page.getByRole('table', { name: 'Rows of raw.branches' });
    const texts = () =>
      rows.evaluate((table, width) => {
        const lines = [...table.querySelectorAll('tbody tr')];
        return lines.map((line) => [...line.querySelectorAll('td')].slice(0, width).map((cell) => cell.textContent));
      }, columns.length);
    const file = path.join(directory, 'output/sample.duckdb');
    const expected = await query(file, `SELECT ${columns.join(', ')} FROM raw.branches ORDER BY store_id`);
    await expect.poll(texts).toEqual(expected.map((line) => line.map((value) => value ?? 'null')));

    await goTo(page, 'Export');
    await page.getByText('Nothing blocks it').waitFor();
    await page.getByRole('button', { name: 'Export 3 files' }).click();
    await page.getByText('Nothing has changed').waitFor();

    // On a machine that has only the engine, the bundle and the data. The environment has nothing of this project.
    const elsewhere = path.join(folder.path, 'elsewhere');
    await mkdir(elsewhere);
    await cp(`${directory}-bundle`, elsewhere, { recursive: true });
    await cp(path.join(directory, 'data'), path.join(elsewhere, 'data'), { recursive: true });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['engine/cli/main.ts', 'run', '-c', elsewhere, '--json'],
      { cwd: root, maxBuffer: 16 * 1024 * 1024 },
    );
    const headless = JSON.parse(stdout) as Metrics;
    expect(rowsByJob(headless)).toEqual(shown);
    expect(headless.jobs.map(({ status }) => status)).toEqual(headless.jobs.map(() => 'SUCCESS'));
    const counted = `SELECT 'branches', count(*) FROM raw.branches UNION ALL SELECT 'order lines', count(*) FROM raw.orders__lines ORDER BY 1`;
    expect(await query(path.join(elsewhere, 'output/sample.duckdb'), counted)).toEqual(await query(file, counted));
    expect(await readFile(path.join(elsewhere, 'bundle.json'), 'utf8')).not.toContain(directory);
    expect(problems).toEqual([]);
  },
  120_000,
);
