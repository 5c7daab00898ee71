import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkbook } from '../../engine/bundle/create-workbook.ts';
import { editWorkbook } from '../../engine/bundle/edit-workbook.ts';
import { readFingerprinted } from '../../engine/bundle/fingerprint.ts';
import { readProjectFiles } from '../../engine/bundle/read-project-files.ts';
import { readZip, unpackBudget, unpackPart } from '../../engine/bundle/zip.ts';
import { buildApp } from '../helpers/electron-app.ts';
import { startWindowHost, type WindowHost, withFolder } from '../helpers/window-page.ts';

let folder: Awaited<ReturnType<typeof withFolder>>;
let host: WindowHost;

beforeAll(async () => {
  folder = await withFolder();
  await buildApp();
  host = await startWindowHost(path.join(import.meta.dirname, '../../out/renderer'), folder.folder);
});
afterAll(async () => {
  await host?.close();
  await folder?.remove();
});

const grid = (page: Page) => page.getByRole('grid', { name: 'Jobs' });
/** A row by the workbook's number as the gutter shows it. */
const row = (page: Page, number: number) => page.locator(`[role=row]:has([role=rowheader][aria-label$=", ${number}"])`);
const at = (page: Page, number: number, column: string) => row(page, number).locator(`[data-column="${column}"]`);

async function openSample(): Promise<{ page: Page; problems: string[]; directory: string; close(): Promise<void> }> {
  const { page, problems, context } = await host.open();
  await page.getByRole('button', { name: 'Open sample' }).click();
  await grid(page).waitFor();
  const name =
    (await page
      .getByRole('banner')
      .getByRole('button', { name: /search or run/ })
      .textContent()) ?? '';
  const directory = path.join(folder.folder, 'documents', name.split(' — ')[0] as string);
  return { page, problems, directory, close: () => context.close() };
}

/** Waits until the window has nothing unsaved. */
const saved = (page: Page) => page.getByText('All changes saved').waitFor({ timeout: 60_000 });

async function save(page: Page): Promise<void> {
  await page.keyboard.press('Control+s');
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  await saved(page);
}

const workbookOf = (directory: string) => path.join(directory, 'ingestion_config.xlsx');

/** What is in the workbook's file, by part. */
async function partsOf(directory: string): Promise<Map<string, Buffer>> {
  const file = workbookOf(directory);
  const budget = unpackBudget();
  const parts = await readZip(await readFile(file), file);
  return new Map(parts.map((part) => [part.name, unpackPart(part, budget, file)]));
}

/** Jobs on disk by table: column → text. */
async function jobsOnDisk(directory: string): Promise<Map<string, Record<string, string>>> {
  const { jobs } = await readProjectFiles(directory, { env: undefined });
  const rows = (jobs?.rows ?? []).map(({ cells }) =>
    Object.fromEntries((jobs?.headers ?? []).map((header, index) => [header, cells[index] ?? ''])),
  );
  return new Map(rows.map((row) => [row['table_name'] as string, row]));
}

test('sample → edit by keys and by a paste from Excel → fix the issues → save: the workbook is right, the rest of it untouched', async () => {
  const { page, problems, directory, close } = await openSample();
  const before = await partsOf(directory);

  // By keys: an enum that is misspelt, on purpose.
  await at(page, 4, 'load_type').click();
  await page.keyboard.type('INCREMENT');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await page.getByText('1 error', { exact: true }).waitFor();

  // From Excel: two rows past the end, a multi-line cell in quotes, the trailing line break that Excel writes.
  await page.evaluate(() => navigator.clipboard.writeText('files\tnew_one\t\tFULL\r\nfiles\t"new\ntwo"\t\tFULL\r\n'));
  await page.getByRole('button', { name: 'Add job' }).click();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.type('filesystem');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+v');
  await page.getByText('15 jobs', { exact: false }).first().waitFor();

  // F8 goes through the issues, Ctrl+. fixes what can be fixed.
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('F8');
  await expect.poll(() => at(page, 4, 'load_type').getAttribute('aria-selected')).toBe('true');
  await page.keyboard.press('Control+.');
  await expect.poll(() => at(page, 4, 'load_type').textContent()).toContain('INCREMENTAL');
  await at(page, 16, 'table_name').click();
  await page.keyboard.press('Control+.');
  await expect.poll(() => at(page, 16, 'table_name').textContent()).toContain('new_two');
  await at(page, 16, 'source_type').click();
  await page.keyboard.type('filesystem');
  await page.keyboard.press('Enter');
  await at(page, 15, 'file_glob').click();
  await page.evaluate(() => navigator.clipboard.writeText('one.csv\tcsv\r\ntwo.csv\tcsv\r\n'));
  await page.keyboard.press('Control+v');
  await page.getByText('0 errors', { exact: true }).waitFor();

  await save(page);
  const jobs = await jobsOnDisk(directory);
  expect(jobs.get('new_one')).toMatchObject({ source_type: 'filesystem', source_name: 'files', file_glob: 'one.csv' });
  expect(jobs.get('new_two')).toMatchObject({ source_type: 'filesystem', load_type: 'FULL', file_format: 'csv' });
  expect(jobs.get('customers')).toMatchObject({ load_type: 'INCREMENTAL', primary_key: 'id' });
  expect(jobs.size).toBe(15);
  const after = await partsOf(directory);
  const others = [...before.keys()].filter((name) => !after.get(name)?.equals(before.get(name) as Buffer));
  // The sheet of the jobs and what must know of its rows; nothing else.
  expect(others.filter((name) => !/sheet1\.xml|table1\.xml|calcChain/.test(name))).toEqual([]);
  expect(problems).toEqual([]);
  await close();
});

test('undo goes on after another screen and after a save', async () => {
  const { page, directory, close } = await openSample();
  await at(page, 2, 'source_name').click();
  await page.keyboard.type('other');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+,');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.keyboard.press('Control+1');
  await grid(page).waitFor();
  await page.keyboard.press('Control+z');
  await saved(page);
  await expect.poll(() => at(page, 2, 'source_name').textContent()).toContain('shop');
  await page.keyboard.press('Control+Shift+z');
  await save(page);
  expect((await jobsOnDisk(directory)).get('countries')).toMatchObject({ source_name: 'other' });
  await page.keyboard.press('Control+z');
  await save(page);
  expect((await jobsOnDisk(directory)).get('countries')).toMatchObject({ source_name: 'shop' });
  await close();
});

test('a workbook that was written meanwhile is not overwritten: both versions are kept', async () => {
  const { page, directory, close } = await openSample();
  await at(page, 2, 'source_name').click();
  await page.keyboard.type('mine');
  await page.keyboard.press('Enter');
  const { fingerprint } = await readFingerprinted(workbookOf(directory));
  await editWorkbook(
    workbookOf(directory),
    [{ kind: 'set', sheet: 'SourceConfig', row: 3, column: 1, text: 'theirs' }],
    { expected: fingerprint },
  );
  await page.getByText('was changed outside', { exact: false }).waitFor();
  await page.keyboard.press('Control+s');
  const dialog = page.getByRole('dialog', { name: 'The project was changed outside' });
  await dialog.getByRole('button', { name: /^Compare/ }).click();
  await dialog.getByText('mine.countries', { exact: true }).waitFor();
  await dialog.getByRole('button', { name: /^Keep mine as a copy/ }).click();
  const copy = path.join(folder.folder, 'documents', 'my copy');
  await mkdir(copy, { recursive: true });
  await page.getByRole('textbox', { name: 'Folder' }).fill(copy);
  await page.getByRole('dialog').getByRole('button', { name: 'Choose' }).click();
  await page.getByRole('region', { name: 'News' }).getByText('Saved as a copy').waitFor();
  expect((await jobsOnDisk(copy)).get('countries')).toMatchObject({ source_name: 'mine' });
  expect((await jobsOnDisk(copy)).get('products')).toMatchObject({ source_name: 'shop' });
  expect((await jobsOnDisk(directory)).get('countries')).toMatchObject({ source_name: 'shop' });
  expect((await jobsOnDisk(directory)).get('products')).toMatchObject({ source_name: 'theirs' });
  // The person's own sheets are in the copy, too.
  const [original, copied] = await Promise.all([partsOf(directory), partsOf(copy)]);
  expect([...copied.keys()].sort()).toEqual([...original.keys()].sort());

  // A folder that vanishes under the window takes nothing along.
  await page.getByRole('region', { name: 'News' }).getByRole('button', { name: 'Dismiss' }).click();
  await at(page, 3, 'source_name').click();
  await page.keyboard.type('rescued');
  await page.keyboard.press('Enter');
  await rm(copy, { recursive: true });
  await page.getByText('The project’s files are gone.').waitFor();
  await page.getByRole('button', { name: 'Save a copy …' }).click();
  const rescue = path.join(folder.folder, 'documents', 'rescued');
  await mkdir(rescue);
  await page.getByRole('textbox', { name: 'Folder' }).fill(rescue);
  await page.getByRole('dialog').getByRole('button', { name: 'Choose' }).click();
  await page.getByRole('region', { name: 'News' }).getByText('Saved as a copy').waitFor();
  expect((await jobsOnDisk(rescue)).get('products')).toMatchObject({ source_name: 'rescued' });
  expect((await partsOf(rescue)).size).toBe(original.size);
  await close();
});

test('two windows on one project are told of each other; one that Excel holds is told, too, with the way out', async () => {
  const { page, directory, close } = await openSample();
  const { page: other, context } = await host.open();
  await other.getByTitle(directory).click();
  await grid(other).waitFor();
  for (const window of [page, other]) await window.getByText('Also open in another window.').waitFor();
  await at(page, 2, 'source_name').click();
  await page.keyboard.type('first');
  await page.keyboard.press('Enter');
  await save(page);
  await other.getByText('was changed outside', { exact: false }).waitFor();
  // Excel's own sign beside the workbook: the account's name, padded.
  await writeFile(path.join(directory, '~$ingestion_config.xlsx'), `\u0003Ana${' '.repeat(51)}`);
  await other.getByRole('button', { name: 'Read again' }).click();
  await expect.poll(() => at(other, 2, 'source_name').textContent()).toContain('first');
  await other.getByText('This project cannot be saved here.').waitFor();
  await at(other, 3, 'source_name').click();
  await other.keyboard.type('second');
  await other.keyboard.press('Enter');
  await other.keyboard.press('Control+s');
  const dialog = other.getByRole('dialog', { name: 'Something went wrong' });
  await dialog.getByText('This project cannot be saved').waitFor();
  await dialog.getByText('Save a copy in another folder', { exact: false }).waitFor();
  expect((await jobsOnDisk(directory)).get('products')).toMatchObject({ source_name: 'shop' });
  await context.close();
  await close();
});

test('what was not saved when the window was lost is offered again', async () => {
  const { page, directory, close } = await openSample();
  await at(page, 2, 'source_name').click();
  await page.keyboard.type('lost');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+Shift+d');
  // The copy is written a moment after the last change.
  const kept = path.join(folder.folder, 'user-data');
  await expect.poll(async () => (await readTree(kept)).includes('lost'), { timeout: 10_000 }).toBe(true);
  await page.close({ runBeforeUnload: false });
  await close();

  const { page: next, context } = await host.open();
  await next.getByTitle(directory).click();
  const dialog = next.getByRole('dialog', { name: 'Unsaved changes were found' });
  await dialog.getByRole('button', { name: /^Restore/ }).click();
  await expect.poll(() => at(next, 2, 'source_name').textContent()).toContain('lost');
  expect((await jobsOnDisk(directory)).get('countries')).toMatchObject({ source_name: 'shop' });
  await save(next);
  expect((await jobsOnDisk(directory)).get('countries')).toMatchObject({ source_name: 'lost' });
  await context.close();
});

async function readTree(directory: string): Promise<string> {
  const { readdir } = await import('node:fs/promises');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const texts = entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFile(path.join(entry.parentPath, entry.name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

test('the engine’s restart is told, and the edits stay', async () => {
  const { page, close } = await openSample();
  await at(page, 2, 'source_name').click();
  await page.keyboard.type('kept');
  await page.keyboard.press('Enter');
  host.emit('engine.restarted', { reason: 'It ended with code 9.' });
  await page.getByRole('alert').getByText('The engine stopped and was started again.').waitFor();
  await expect.poll(() => at(page, 2, 'source_name').textContent()).toContain('kept');
  await page.getByRole('alert').getByRole('button', { name: 'Dismiss' }).click();
  await close();
});

test('a job is edited as a form; what the next run reads follows', async () => {
  const { page, close } = await openSample();
  await at(page, 4, 'table_name').click();
  await page.keyboard.press('Control+e');
  const form = page.getByRole('complementary', { name: 'Job customers' });
  await form.getByText('GET http', { exact: false }).waitFor();
  await form.getByLabel('Page size').fill('25');
  await form.getByText('per_page=25', { exact: false }).waitFor();
  await form.getByLabel('Page size').fill('0');
  await form.getByText('use a whole number from 1 to 10000', { exact: false }).waitFor();
  await form.getByRole('button', { name: 'Change to 1', exact: true }).click();
  await expect.poll(() => form.getByLabel('Page size').inputValue()).toBe('1');
  await form.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await saved(page);
  await close();
});

test('selected jobs are run; their rows say how it went', async () => {
  const { page, close } = await openSample();
  await at(page, 8, 'table_name').click();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('region', { name: 'News' }).getByText('Run succeeded').waitFor({ timeout: 30_000 });
  await expect
    .poll(() => row(page, 8).locator('[role=rowheader]').getAttribute('aria-label'))
    .toContain('Last run succeeded');
  await page.keyboard.press('Control+e');
  const drawer = page.getByRole('complementary', { name: /^Job / });
  await drawer.getByRole('tab', { name: 'History' }).click();
  await drawer.getByRole('list', { name: 'Runs of this job' }).getByRole('button').first().click();
  await page.getByRole('table', { name: 'Jobs of this run' }).waitFor();
  await close();
});

test('50,000 rows open and are edited; a cell of 32,000 characters is kept', async () => {
  const directory = path.join(folder.folder, 'documents', 'large');
  await mkdir(path.join(directory, '.dlt'), { recursive: true });
  const jobs = Array.from({ length: 50_000 }, (_, index) => ({
    source_type: 'filesystem',
    source_name: 'files',
    table_name: `table_${index}`,
    load_type: 'FULL',
    enabled: 'Y',
    file_glob: '*.csv',
    file_format: 'csv',
  }));
  await createWorkbook(workbookOf(directory), { jobs });
  await writeFile(
    path.join(directory, '.dlt/config.toml'),
    '[sources.files]\ntype = "filesystem"\nbucket_url = "."\n\n[destinations.local]\ntype = "duckdb"\npath = "x.duckdb"\n',
  );
  const { page, problems, context } = await host.open();
  // The engine that reads the workbook lives in this process here, and holds it up for seconds.
  page.setDefaultTimeout(90_000);
  await page.keyboard.press('Control+o');
  await page.getByRole('textbox', { name: 'Folder' }).fill(directory);
  await page.getByRole('dialog').getByRole('button', { name: 'Open' }).click();
  await grid(page).waitFor({ timeout: 45_000 });
  await page.getByText('50,000 jobs', { exact: false }).first().waitFor();
  await at(page, 2, 'table_name').click();
  await page.keyboard.press('Control+ArrowDown');
  await at(page, 50_001, 'table_name').waitFor();
  const text = 'x'.repeat(32_000);
  await page.evaluate((long) => navigator.clipboard.writeText(long), text);
  await at(page, 50_001, 'file_glob').click();
  await page.keyboard.press('Control+v');
  await page.getByText('1 unsaved change', { exact: false }).waitFor();
  await save(page);
  expect((await jobsOnDisk(directory)).get('table_49999')?.['file_glob']).toBe(text);
  expect(problems).toEqual([]);
  await context.close();
}, 180_000);
