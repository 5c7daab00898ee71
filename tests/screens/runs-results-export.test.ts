import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../helpers/electron-app.ts';
import { writeProject } from '../helpers/project.ts';
import { startWindowHost, type WindowHost, withFolder } from '../helpers/window-page.ts';
import { startSlowApi } from '../service/slow-api.ts';

/** Where pictures go, if anywhere: to be looked at. */
const SHOTS = process.env['SCREEN_SHOTS'];
const axe = path.join(import.meta.dirname, '../../node_modules/axe-core/axe.min.js');

let home: Awaited<ReturnType<typeof withFolder>>;
let host: WindowHost;

beforeAll(async () => {
  await buildApp();
  home = await withFolder();
  await mkdir(path.join(home.folder, 'documents'));
  host = await startWindowHost(path.join(import.meta.dirname, '../../out/renderer'), home.folder);
}, 120_000);
afterAll(async () => {
  await host.close();
  await home.remove();
});

const go = (page: Page, place: string) =>
  page.getByRole('navigation').getByRole('button', { name: place }).first().click();

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}

/** No serious finding of axe, in light and dark. */
async function accessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForFunction(
      (wanted) => document.documentElement.getAttribute('data-mantine-color-scheme') === wanted,
      colorScheme,
    );
    await shoot(page, `${name}-${colorScheme}`);
    // By the debugger: the page's own policy lets no other script in.
    await page.evaluate(await readFile(axe, 'utf8'));
    const found = await page.evaluate(async () => {
      const { axe } = window as unknown as {
        axe: {
          run(context: unknown): Promise<{
            violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
          }>;
        };
      };
      return (await axe.run(document.querySelector('main'))).violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .slice(0, 3)
              .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`)
              .join('\n')}`,
        );
    });
    expect(found, `${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Scrolls a long table until a row of it is drawn: a table that was just filled begins at its top. */
async function scrollTo(table: Locator, end: 'start' | 'end', row: Locator): Promise<void> {
  await expect
    .poll(
      async () => {
        await table.evaluate((element, to) => {
          const scroller = element.closest('.scroll') as HTMLElement;
          scroller.scrollTop = to === 'end' ? scroller.scrollHeight : 0;
        }, end);
        return row.count();
      },
      { timeout: 10_000 },
    )
    .toBe(1);
}

test('the sample: run, look at the run, its results and its export', async () => {
  const { page, context, problems } = await host.open();
  await page.getByText('Open sample').first().click();
  await page.getByRole('grid').waitFor();
  await go(page, 'Runs');
  await page.getByText('Nothing was run yet').waitFor();
  await page.getByRole('button', { name: 'Run all enabled jobs' }).click();
  await page.getByRole('button', { name: /^Open run/ }).click();
  await page.getByRole('toolbar', { name: 'Run' }).getByText('Succeeded').waitFor();
  expect(await page.getByRole('table', { name: 'Jobs of this run' }).getByRole('button').count()).toBe(12);
  await page.getByRole('button', { name: 'shop.orders' }).click();
  await page.getByRole('region', { name: 'shop.orders' }).getByText('into raw.orders').waitFor();
  await page.getByText('12 of 12 jobs (counts 60)').waitFor();
  const log = page.getByRole('log');
  await page.getByRole('textbox', { name: 'Filter the log' }).fill('created with');
  await log.getByText('orders: created with 8 columns').waitFor();
  await expect.poll(async () => await page.getByText(/^\d+ lines$/).textContent()).toBe('17 lines');
  await page.getByRole('button', { name: 'Copy diagnostics' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^Run \d{8}_.*: Succeeded/);

  await shoot(page, 'run-sample');
  await page.getByRole('region', { name: 'shop.orders' }).getByRole('button', { name: 'See rows' }).click();
  await page.getByRole('heading', { name: 'raw.orders', level: 1 }).waitFor();
  await page.getByText('Rows 1–100 of 150').waitFor();
  await page.getByText('2 distinct').first().waitFor();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('Rows 101–150 of 150').waitFor();
  await page.getByRole('button', { name: 'id', exact: true }).click();
  await page.getByText('sorted by id, least first').waitFor();
  await page.getByRole('button', { name: 'Copy as TSV' }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toMatch(/^id\tcustomer_id\t.*\r?\n10001\t/);
  await page.getByRole('button', { name: /^customers/ }).click();
  await page.getByRole('cell', { name: 'null' }).first().waitFor();

  const sql = page.getByRole('region', { name: 'SQL' });
  await sql.getByRole('textbox', { name: 'Query' }).fill('select count(*) as n from raw.orders -- all');
  await page.keyboard.press('Control+Enter');
  await sql.getByRole('cell', { name: '150' }).waitFor();
  await sql.getByRole('textbox', { name: 'Query' }).fill('drop table raw.orders');
  await page.keyboard.press('Control+Enter');
  await sql.getByText('The console only reads').waitFor();

  await shoot(page, 'results-sample');
  await go(page, 'Export');
  await page.getByText('Nothing blocks it').waitFor();
  await page.getByText('Nothing was exported into this folder yet').waitFor();
  await page.getByRole('button', { name: 'Export 3 files' }).click();
  await page.getByText('Nothing has changed').waitFor();
  const against = page.getByRole('textbox', { name: 'Compare with' });
  await against.fill('no-such-branch');
  await against.press('Enter');
  await page.getByText('It cannot be compared').waitFor();
  await shoot(page, 'export-compare');
  await against.fill('.');
  await against.press('Enter');
  await page.getByText('against .', { exact: true }).waitFor();
  await page.getByText('Nothing has changed').waitFor();
  await page.getByRole('button', { name: '.dlt/config.toml' }).click();
  await page.getByText('[sources.shop]', { exact: true }).waitFor();
  const bundle = path.join(home.folder, 'documents', 'Ingest Studio sample-bundle', 'bundle.json');
  expect(JSON.parse(await readFile(bundle, 'utf8'))).toMatchObject({
    format: 'ingest-studio-bundle',
    validation: { enabled_jobs: 12 },
  });

  await go(page, 'Runs');
  await page.getByText('12 of 12').waitFor();

  // A long history: only what is in sight is drawn.
  const metadata = path.join(home.folder, 'documents', 'Ingest Studio sample', 'metadata');
  const metrics = (await readdir(metadata)).find((name) => name.startsWith('metrics_')) as string;
  const text = await readFile(path.join(metadata, metrics), 'utf8');
  const id = /_(\d{8}_\d{6}_[0-9a-f]+)\.json$/.exec(metrics)?.[1] as string;
  for (let number = 1; number <= 900; number += 1) {
    const other = `20250101_000000_${number.toString(16).padStart(6, '0')}`;
    await writeFile(path.join(metadata, metrics.replace(id, other)), text.replaceAll(id, other));
  }
  await page.getByRole('button', { name: 'Refresh' }).click();
  // The engine tells the last 500.
  await page.getByRole('toolbar', { name: 'Runs' }).getByText('500 runs').waitFor();
  const runs = page.getByRole('table', { name: 'Runs, newest first' });
  await expect.poll(() => runs.getByRole('row').count()).toBeLessThan(120);
  expect(await runs.getAttribute('aria-rowcount')).toBe('501');
  await scrollTo(runs, 'end', runs.locator('tr[aria-rowindex="501"]'));
  await scrollTo(runs, 'start', runs.locator('tr[aria-rowindex="2"]'));
  expect(problems).toEqual([]);
  await context.close();
}, 120_000);

test('a run that fails in part goes on, is cancelled, and its failed job is run again', async () => {
  await using api = await startSlowApi();
  const folder = path.join(home.folder, 'slow');
  const job = { source_type: 'api', source_name: 'slow', page_size: 2, enabled: 'Y', load_type: 'FULL' };
  await writeProject(folder, {
    jobs: [
      { ...job, table_name: 'broken', pagination_type: 'single_page' },
      { ...job, table_name: 'items', pagination_type: 'page_number', api_endpoint: '/items' },
    ],
    config: `[sources.slow]\nbase_url = "${api.url}"\n[destinations.duckdb]\npath = "out.duckdb"\n`,
  });
  const { page, context } = await host.open();
  await page.keyboard.press('Control+o');
  await page
    .getByRole('textbox', { name: /folder/i })
    .first()
    .fill(folder);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Open/ }).last().click();
  await page.getByRole('grid').waitFor();
  await go(page, 'Runs');
  await page.getByRole('button', { name: 'Run all enabled jobs' }).click();
  await page.getByRole('button', { name: /^Open run/ }).click();
  await api.waiting;
  await page.getByText('Extracting').waitFor();
  await accessible(page, 'run-live');

  await page.getByRole('button', { name: 'Cancel run' }).click();
  const bar = page.getByRole('toolbar', { name: 'Run' });
  await bar.getByText('Cancelled').waitFor();
  await page.getByRole('button', { name: 'slow.broken' }).click();
  await page.getByRole('region', { name: 'slow.broken' }).getByText('This job failed').waitFor();
  await accessible(page, 'run-cancelled');

  await page.getByRole('button', { name: 'Retry failed (1)' }).click();
  await bar.getByText('Failed', { exact: true }).waitFor();
  expect(await page.getByRole('table', { name: 'Jobs of this run' }).getByRole('button').count()).toBe(1);
  await page.getByRole('button', { name: 'All runs' }).click();
  await page.getByText('1 failed').first().waitFor();
  await context.close();
}, 120_000);
