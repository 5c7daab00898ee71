import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../helpers/postgres-server.ts';
import { fillShop, shopFiles, shopProject } from './connections-project.ts';
import { closeBrowser, goTo, openWindow, type StudioWindow, seriousFindings } from './connections-window.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await fillShop(server);
});
afterAll(async () => {
  await closeBrowser();
  await server?.stop();
});

async function openDiscover(options: Partial<Parameters<typeof openWindow>[0]> = {}): Promise<StudioWindow> {
  const studio = await openWindow({
    project: shopProject(server),
    prepare: shopFiles,
    environment: { SOURCES__SHOP__PASSWORD: server.password },
    ...options,
  });
  studio.page.setDefaultTimeout(15_000);
  await goTo(studio.page, 'Discover');
  return studio;
}

async function look(page: Page, what: 'List its tables' | 'List its files' = 'List its tables'): Promise<void> {
  await page.getByRole('button', { name: what }).click();
  await page.getByRole('button', { name: 'Look again' }).waitFor();
}

async function choose(page: Page, connection: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Connection' }).click();
  await page.getByRole('option', { name: connection }).click();
}

const row = (page: Page, name: string) =>
  page
    .getByRole('treegrid')
    .getByRole('row')
    .filter({ has: page.getByText(name, { exact: true }) });

/** The text cells of the jobs by header, from the workbook's row on. */
async function jobRows(page: Page, from: number): Promise<Record<string, string>[]> {
  return await page.evaluate((first) => {
    const headers = [...document.querySelectorAll('[role="columnheader"]')];
    const names = new Map(headers.map((header) => [header.getAttribute('aria-colindex'), header.textContent ?? '']));
    return [...document.querySelectorAll('[role="row"]')].slice(1).flatMap((line) => {
      const number = Number(line.querySelector('[role="rowheader"]')?.textContent?.replace(/\D/g, '') ?? 0);
      if (number < first) return [];
      const cells = [...line.querySelectorAll('[role="gridcell"]')];
      return [
        Object.fromEntries(
          cells.flatMap((cell) => {
            const text = cell.textContent?.trim() ?? '';
            return text === '' ? [] : [[names.get(cell.getAttribute('aria-colindex')) ?? '', text]];
          }),
        ),
      ];
    });
  }, from);
}

test('tables are listed with keys and proposals, ticked by keyboard, and become jobs in one step', async () => {
  await using studio = await openDiscover();
  const { page } = studio;
  await look(page);
  await row(page, 'orders').getByText('Is a job').waitFor();
  await row(page, 'customers').getByText('INCREMENTAL').waitFor();
  expect(await row(page, 'order_lines').textContent()).toContain('order_id, line');

  const grid = page.getByRole('treegrid');
  await page.getByRole('textbox', { name: 'Search' }).fill('customers');
  await expect.poll(() => page.getByRole('treegrid').getByRole('row').count()).toBe(2);
  await grid.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  const details = page.getByRole('complementary', { name: 'Details of customers' });
  await details.getByText('updated_at: time of the last change, indexed').waitFor();
  await details.getByText('As the database declares it').waitFor();

  await page.getByRole('textbox', { name: 'Search' }).fill('price');
  await row(page, 'Price list 2026').waitFor();
  await row(page, 'customers').waitFor({ state: 'detached' });
  await grid.focus();
  await page.keyboard.press('Control+A');
  await page.getByRole('textbox', { name: 'Search' }).fill('');
  await page.getByRole('checkbox', { name: 'Tick all 6' }).waitFor();
  expect(
    await page.getByRole('checkbox', { name: 'Tick all 6' }).evaluate((box: HTMLInputElement) => box.indeterminate),
  ).toBe(true);

  await page.getByRole('button', { name: 'Add 2 as jobs' }).click();
  await page.getByText('2 jobs added').first().waitFor();
  const jobs = page.getByRole('grid', { name: 'Jobs' });
  await jobs.getByRole('gridcell', { name: 'customers', exact: true }).waitFor();
  await jobs.getByRole('gridcell', { name: 'Price list 2026', exact: true }).waitFor();
  await jobs.getByRole('gridcell', { name: 'price_list_2026', exact: true }).waitFor();
  await page.getByText('Run 2 selected').waitFor();
  await page.keyboard.press('Control+Z');
  await expect.poll(() => jobs.getByRole('gridcell', { name: 'customers', exact: true }).count()).toBe(0);
  await expect.poll(() => jobs.getByRole('gridcell', { name: 'price_list_2026', exact: true }).count()).toBe(0);
  await page.keyboard.press('Control+Y');
  await jobs.getByRole('gridcell', { name: 'customers', exact: true }).waitFor();
  // What is a job now is marked as one.
  await goTo(page, 'Discover');
  await row(page, 'customers').getByText('Is a job').waitFor();
  await row(page, 'Price list 2026').getByText('Is a job').waitFor();
  expect(studio.problems).toEqual([]);
});

test('groups of files become jobs that read what is new', async () => {
  await using studio = await openDiscover();
  const { page } = studio;
  await choose(page, 'files');
  await look(page, 'List its files');
  await row(page, 'sales/**/*.csv').getByText('folder_date').waitFor();
  await row(page, 'sales/**/*.csv').getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Add 1 as a job' }).click();
  const jobs = page.getByRole('grid', { name: 'Jobs' });
  for (const text of ['sales/**/*.csv', 'csv', 'folder_date'])
    await jobs.getByRole('gridcell', { name: text, exact: true }).waitFor();
  const [added] = await jobRows(page, 6);
  expect(added).toMatchObject({
    source_type: 'filesystem',
    source_name: 'files',
    load_type: 'INCREMENTAL',
    file_format: 'csv',
  });
});

test('what cannot be looked into says why, and leads to the connection', async () => {
  await using studio = await openDiscover({ environment: { SOURCES__SHOP__PASSWORD: 'wrong-password' } });
  const { page } = studio;
  await page.getByRole('button', { name: 'List its tables' }).click();
  await page.getByText('shop could not be looked into').waitFor();
  await page.getByText('refused the password').first().waitFor();
  await page.getByRole('button', { name: 'Open the connection' }).click();
  await page.getByRole('heading', { name: 'shop', exact: true }).waitFor();
});

test('thousands of tables scroll, tick and search without being drawn', async () => {
  await server.query(`CREATE DATABASE many`);
  const many = await server.client({ database: 'many' });
  await many.query(
    `DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE TABLE t_%s (id int)', lpad(i::text, 4, '0')); END LOOP; END $$`,
  );
  await many.end();
  await using studio = await openDiscover({ project: shopProject({ ...server, database: 'many' }) });
  const { page } = studio;
  await look(page);
  await page.getByText('3000 found').waitFor();
  expect(await page.getByRole('treegrid').getByRole('row').count()).toBeLessThan(100);
  await page.getByRole('treegrid').focus();
  await page.keyboard.press('End');
  await row(page, 't_3000').waitFor();
  await page.getByRole('checkbox', { name: 'Tick all 3000' }).check();
  await page.getByRole('button', { name: 'Add 3000 as jobs' }).waitFor();
  await page.getByRole('textbox', { name: 'Search' }).fill('t_2999');
  await expect.poll(() => page.getByRole('treegrid').getByRole('row').count()).toBe(2);
});

test('axe finds nothing serious, in light and dark', async () => {
  await using studio = await openDiscover();
  const { page } = studio;
  await page.getByRole('button', { name: 'List its tables' }).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  await look(page);
  await page.getByRole('treegrid').focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'Space']) await page.keyboard.press(key);
  expect(await seriousFindings(page)).toEqual([]);
});
