import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { accessible, closeBrowser, goTo, openWindow, SHOTS } from '../e2e/connections-window.ts';
import type { ProjectTexts } from '../helpers/project.ts';

afterAll(closeBrowser);

const PROJECT: ProjectTexts = {
  jobs: [
    {
      source_type: 'filesystem',
      source_name: 'files',
      table_name: 'orders',
      load_type: 'FULL',
      enabled: 'Y',
      file_format: 'csv',
      file_glob: 'orders.csv',
    },
  ],
  checks: [
    { enabled: 'Y', table: 'orders', type: 'row_count', name: 'enough orders', columns: '', min_rows: 100 },
    { enabled: 'Y', table: 'orders', type: 'uniqueness', name: 'buckets', columns: 'bucket' },
    { enabled: 'Y', table: 'orders', type: 'null_rate', name: 'names', columns: 'name', max_null_rate: '5%' },
  ],
  config:
    '[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n',
};

async function prepare(folder: string): Promise<void> {
  const rows = Array.from({ length: 200 }, (_, id) => `${id},${id % 3 === 0 ? '' : `name ${id}`},${id % 50}`);
  await mkdir(path.join(folder, 'data'));
  await writeFile(path.join(folder, 'data', 'orders.csv'), `order_id,name,bucket\n${rows.join('\n')}\n`);
}

test('checks are edited as jobs are, run, and show what they found; what was loaded suggests more', async () => {
  await using studio = await openWindow({ project: PROJECT, prepare });
  const { page, folder, problems } = studio;
  page.setDefaultTimeout(15_000);
  await goTo(page, 'Quality');
  const grid = page.getByRole('grid', { name: 'Checks' });
  await grid.getByText('enough orders').waitFor();
  await page.getByText('Run a job, or try it with a few rows').waitFor();

  await goTo(page, 'Jobs');
  await page.getByRole('grid', { name: 'Jobs' }).waitFor();
  await page.keyboard.press('Control+Shift+Enter');
  await page.getByText('Run succeeded').first().waitFor({ timeout: 45_000 });
  await goTo(page, 'Quality');
  await grid.getByText('Row count: 200 (expected: 100 - ∞)').waitFor();
  await grid.getByText('Uniqueness check for (bucket): 50 keys').waitFor();
  await grid.getByText('buckets', { exact: true }).click();
  const results = page.getByRole('region', { name: 'Results of the check' });
  await results.getByText('Failed (error)', { exact: true }).waitFor();
  await results.getByText('after a load', { exact: false }).waitFor();

  await goTo(page, 'Runs');
  await page
    .getByRole('button', { name: /^Open run/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'files.orders' }).click();
  const job = page.getByRole('region', { name: 'files.orders' });
  await job.getByText('Row count: 200 (expected: 100 - ∞)').waitFor();
  await job.getByText('orders: created with 5 columns').waitFor();
  await goTo(page, 'Quality');

  const suggested = page.getByRole('region', { name: 'Suggested checks' });
  await suggested.getByText('order_id has no duplicates in 200 rows').waitFor();
  await accessible(page, 'quality');
  await page.getByRole('button', { name: /^Add uniqueness of orders/ }).click();
  await suggested.getByText('order_id has no duplicates in 200 rows').waitFor({ state: 'detached' });
  await grid.getByText('order_id', { exact: true }).first().waitFor();
  expect(await page.getByText('4 checks').count()).toBe(1);

  // One step of undo takes the suggestion back, redo brings it again.
  await page.keyboard.press('Control+z');
  await suggested.getByText('order_id has no duplicates in 200 rows').waitFor();
  await page.keyboard.press('Control+y');
  await suggested.getByText('order_id has no duplicates in 200 rows').waitFor({ state: 'detached' });

  // A wrong word is marked, F8 goes to it, and its fix is one key.
  await grid.getByText('names', { exact: true }).click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('row_cuont');
  await page.keyboard.press('Enter');
  await page.keyboard.press('F8');
  const note = page.getByText('this type of check is not known').locator('visible=true');
  await note.first().waitFor();
  await page.keyboard.press('Control+.');
  await note.first().waitFor({ state: 'detached' });

  // Paste adds rows past the end, as one step.
  await page.evaluate(() =>
    navigator.clipboard.writeText('Y\torders\tnull_rate\tpasted one\tname\r\nY\torders\trow_count\tpasted two\r\n'),
  );
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.getByRole('button', { name: 'Add check' }).click();
  await page.keyboard.press('Home');
  await page.keyboard.press('Control+v');
  await grid.getByText('pasted two').waitFor();

  await page.getByRole('button', { name: 'Run all checks' }).click();
  const review = page.getByRole('dialog');
  await review.getByRole('button', { name: /^Save/ }).click();
  await page
    .getByText(/of 6 checks failed/)
    .first()
    .waitFor({ timeout: 30_000 });
  const opened = await openProject(folder, { environment: {} });
  expect(opened.project.checks.map(({ type, name }) => `${type} ${name}`)).toEqual([
    'row_count enough orders',
    'uniqueness buckets',
    'null_rate names',
    'uniqueness uniqueness_orders',
    'null_rate pasted one',
    'row_count pasted two',
  ]);
  await grid.getByText('enough orders').click();
  await results.getByText('2 results').or(page.getByText('2 results')).first().waitFor();
  await page.setViewportSize({ width: 640, height: 450 });
  if (SHOTS !== undefined) await page.screenshot({ path: path.join(SHOTS, 'quality-narrow.png') });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
  expect(problems).toEqual([]);
}, 120_000);

test('a workbook without a sheet for checks gets one, as one step of undo, and is saved with it', async () => {
  const { checks: _, ...project } = PROJECT;
  await using studio = await openWindow({ project, prepare });
  const { page, folder, problems } = studio;
  await goTo(page, 'Quality');
  const create = page.getByRole('button', { name: 'Create the sheet' });
  await create.waitFor();
  await accessible(page, 'quality-no-sheet');
  await create.click();
  await page.getByRole('grid', { name: 'Checks' }).waitFor();
  await page.keyboard.press('Control+z');
  await create.click();
  await page.getByRole('button', { name: 'Add check' }).first().click();
  await page.keyboard.press('Tab');
  await page.keyboard.type('orders');
  await page.keyboard.press('Tab');
  await page.keyboard.type('row_count');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+s');
  const review = page.getByRole('dialog');
  await review.getByText('Sheet DataQuality is made.').waitFor();
  await review.getByRole('button', { name: /^Save/ }).click();
  await expect.poll(async () => (await openProject(folder, { environment: {} })).files.checks?.rows.length).toBe(1);
  expect(problems).toEqual([]);
});
