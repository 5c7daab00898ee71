import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { accessible, closeBrowser, goTo, openWindow } from '../e2e/connections-window.ts';
import type { ProjectTexts } from '../helpers/project.ts';

afterAll(closeBrowser);

const job = (table: string, more: Record<string, string> = {}) => ({
  source_type: 'filesystem',
  source_name: 'files',
  table_name: table,
  load_type: 'FULL',
  write_disposition: 'append',
  enabled: 'Y',
  file_format: 'csv',
  file_glob: `${table}.csv`,
  column_types: '',
  lag: '',
  ...more,
});

const PROJECT: ProjectTexts = {
  jobs: [job('orders', { column_types: 'id:bigint' }), job('stores'), job('missing')],
  config:
    '[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n',
};

const csv = (folder: string, name: string, text: string) => writeFile(path.join(folder, 'data', `${name}.csv`), text);

async function prepare(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'data'));
  await csv(folder, 'orders', 'id,quantity,day\n1,5,2026-01-01\n2,7,2026-01-02\n');
  await csv(folder, 'stores', 'id,city\n1,Berlin\n');
  await csv(folder, 'missing', 'id\n1\n');
}

test('a preflight shows what would fail and why, and one undoable edit takes over the way out', async () => {
  await using studio = await openWindow({ project: PROJECT, prepare });
  const { page, folder, problems } = studio;
  page.setDefaultTimeout(15_000);
  const grid = page.getByRole('grid', { name: 'Jobs' });
  await goTo(page, 'Jobs');
  await grid.waitFor();
  await page.keyboard.press('Control+Shift+Enter');
  await page.getByText('Run succeeded').first().waitFor({ timeout: 45_000 });

  // what a person did over night: words among the numbers, days as numbers, a new column, a file less
  await csv(folder, 'orders', 'id,quantity,day,note\n3,many,20260103,new\n');
  await rm(path.join(folder, 'data', 'missing.csv'));

  await goTo(page, 'Export');
  await page.getByRole('button', { name: 'Preflight all enabled jobs' }).click();
  const dialog = page.getByRole('dialog', { name: 'Preflight' });
  await dialog.getByText('1 ready').waitFor();
  const orders = dialog.getByRole('article', { name: 'files.orders' });
  await orders.getByText('Would fail').waitFor();
  await orders.getByText('Conflict').waitFor();
  await orders.getByText('The column will be widened from BIGINT to VARCHAR.').waitFor();
  await orders.getByText('The column will be added as VARCHAR.').waitFor();
  await dialog.getByText('2 would fail').waitFor();
  await dialog.getByText('No file below', { exact: false }).waitFor();
  await accessible(page, 'preflight');
  const stores = dialog.getByRole('article', { name: 'files.stores' });
  expect(await stores.getByText('Next run will read').isVisible()).toBe(false);
  await stores.getByRole('button', { name: 'files.stores' }).click();
  await stores.getByText('All 2 columns fit the live table.').waitFor();

  await orders.getByRole('button', { name: 'Keep day:date' }).click();
  // the row is looked at again as it stands now
  await orders.getByText('Look at this first').waitFor();
  await page.keyboard.press('Escape');
  await goTo(page, 'Jobs');
  await grid.getByText('id:bigint, day:date').waitFor();
  await page.keyboard.press('Control+z');
  await grid.getByText('id:bigint', { exact: true }).waitFor();

  // the toolbar and the palette ask for the selected rows
  await grid.getByText('stores', { exact: true }).first().click();
  await page.getByRole('button', { name: 'Preflight selected' }).click();
  await dialog.getByText('All 2 columns fit the live table.').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('preflight all');
  await page.keyboard.press('Enter');
  await dialog.getByRole('article', { name: 'files.missing' }).waitFor();
  expect(problems).toEqual([]);
}, 120_000);
