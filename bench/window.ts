import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { rememberProject } from '../engine/service/recent-projects.ts';
import { buildApp, hasElectron, launchApp } from '../tests/helpers/electron-app.ts';
import { writeProject } from '../tests/helpers/project.ts';
import { buildPage, startWindowHost, type WindowHost, withFolder } from '../tests/helpers/window-page.ts';
import { projectDocument } from '../tests/renderer/project-document.ts';
import type { Measurement } from './main.ts';
import { median, timed } from './median.ts';

const USABLE_TARGET_MS = 1000;
const BUNDLE_TARGET_KB = 600;
const NAME = 'shop-of-many-tables';

/** The application's own page behind the web host, and a project of many jobs that it knows. */
export interface ManyJobs extends AsyncDisposable {
  /** The built page. */
  pageFolder: string;
  /** Opens a window on the first screen; its project's button is called by the folder. */
  window: WindowHost['open'];
  directory: string;
  /** Opens a window with the jobs in its grid, which takes keys. */
  grid(): Promise<{ page: Page; context: BrowserContext }>;
}

export async function openManyJobs(rows: number): Promise<ManyJobs> {
  const pageFolder = await buildPage();
  const { folder, remove } = await withFolder();
  const directory = path.join(folder, 'documents', NAME);
  await writeProject(directory, manyJobs(rows));
  await rememberProject(
    { userDataDirectory: path.join(folder, 'user-data') },
    { ...projectDocument(), directory, name: NAME },
  );
  const host = await startWindowHost(pageFolder, folder);
  return {
    pageFolder,
    window: host.open,
    directory,
    grid: async () => {
      const { page, context } = await host.open();
      await pressProject(page, directory);
      return { page, context };
    },
    [Symbol.asyncDispose]: async () => {
      await host.close();
      await remove();
      await rm(pageFolder, { recursive: true, force: true });
    },
  };
}

async function pressProject(page: Page, directory: string): Promise<void> {
  await page.getByRole('button', { name: directory }).click();
  await page.getByRole('gridcell').first().waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
}

/**
 * The application's own page: when it is usable, and what is sent for it.
 * Usable: the first screen is drawn, the engine has answered, and a project it knows can be pressed; from the start of the navigation, nothing cached.
 */
export async function measureWindow(project: ManyJobs, rounds: number): Promise<Measurement[]> {
  const { usable, opened } = await openings(project, rounds);
  const { code, fonts } = await sizes(project.pageFolder);
  return [
    {
      what: `page usable after navigation starts, median of ${rounds}`,
      value: median(usable),
      unit: 'ms',
      target: `at most ${USABLE_TARGET_MS} ms`,
      met: median(usable) <= USABLE_TARGET_MS,
    },
    { what: 'a project of as many jobs pressed until its grid takes keys, median', value: median(opened), unit: 'ms' },
    {
      what: `start of the application ${hasElectron() ? 'in Electron' : 'under the stand-in'} until its window is usable`,
      value: median(await starts(rounds)),
      unit: 'ms',
    },
    {
      what: 'bundle of the page, scripts and styles, gzip',
      value: code / 1000,
      unit: 'kB',
      target: `at most ${BUNDLE_TARGET_KB} kB`,
      met: code <= BUNDLE_TARGET_KB * 1000,
    },
    { what: 'fonts of the page, as they are sent', value: fonts / 1000, unit: 'kB' },
  ];
}

/** Three kinds of jobs; all columns that are known say something somewhere, so that all are shown. */
function manyJobs(rows: number): Parameters<typeof writeProject>[1] {
  const common = { load_type: 'INCREMENTAL', enabled: 'Y', primary_key: 'id', tags: 'daily' };
  const details = {
    source_object: 'Table 0',
    target_schema: 'shop',
    write_disposition: 'merge',
    schema_contract: 'evolve',
    chunk_size: 50_000,
    column_types: 'id:bigint',
    description: 'kept',
    filter: 'id > 0',
    lag: '1h',
    columns: 'id, updated_at',
  };
  return {
    jobs: Array.from({ length: rows }, (_, row) => {
      const table_name = `table_${row}`;
      if (row % 5 === 4) {
        const files = { file_glob: `${table_name}/*.csv`, file_format: 'csv', incremental_mode: 'file_modified' };
        return { ...common, source_type: 'filesystem', source_name: 'landing', table_name, ...files };
      }
      if (row % 5 === 3) {
        const requests = { api_endpoint: `/v1/${table_name}`, pagination_type: 'cursor', page_size: 100 };
        const answers = { data_selector: 'data', watermark_column: 'updated' };
        return { ...common, source_type: 'api', source_name: 'billing', table_name, ...requests, ...answers };
      }
      const read = { schema_name: 'shop', watermark_column: 'updated_at', target_table: `shop_${row}` };
      const job = { ...common, source_type: 'postgresql', source_name: 'shop', table_name, ...read };
      return row % 50 === 0 ? { ...job, ...details } : job;
    }),
    config: [
      '[sources.shop]',
      'type = "postgresql"',
      'host = "db"',
      'database = "shop"',
      'username = "reader"',
      'password = "none of anybody"',
      '[destination.duckdb]',
      'path = "output.duckdb"',
      '[sources.landing]',
      'type = "filesystem"',
      'bucket_url = "landing"',
      '[sources.billing]',
      'type = "api"',
      'base_url = "https://billing.example"',
      '',
    ].join('\n'),
  };
}

/** Milliseconds from navigation to the first screen, and from pressing a project to its grid. */
async function openings(
  { window: open, directory }: ManyJobs,
  rounds: number,
): Promise<{ usable: number[]; opened: number[] }> {
  const usable: number[] = [];
  const opened: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { page, context } = await open({}, watchForUse);
    usable.push(await usableAt(page));
    opened.push(await timed(() => pressProject(page, directory)));
    await context.close();
  }
  return { usable, opened };
}

/** Notes when the project's button was painted, in milliseconds since the navigation began. */
async function watchForUse(page: Page): Promise<void> {
  await page.addInitScript((directory: string) => {
    const usable = new Promise<number>((resolve) => {
      const observer = new MutationObserver(() => {
        if (document.querySelector(`button[title$="${directory}"]`) === null) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
      });
      observer.observe(document, { childList: true, subtree: true, attributes: true });
    });
    Object.assign(window, { usable });
  }, NAME);
}

async function usableAt(page: Page): Promise<number> {
  return await page.evaluate(() => (window as unknown as { usable: Promise<number> }).usable);
}

/** Milliseconds from starting the application's process to a window whose engine has answered. */
async function starts(rounds: number): Promise<number[]> {
  await buildApp();
  const spent: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { folder, remove } = await withFolder();
    const start = performance.now();
    const app = await launchApp({ INGEST_STUDIO_USER_DATA: folder });
    try {
      const page = await app.firstWindow();
      await page.getByText('Nothing yet.').waitFor();
      spent.push(performance.now() - start);
    } finally {
      await app.close();
      await remove();
    }
  }
  return spent;
}

/** Bytes: scripts and styles as gzip makes them, fonts as they are, for they are compressed already. */
async function sizes(pageFolder: string): Promise<{ code: number; fonts: number }> {
  let code = 0;
  let fonts = 0;
  for (const name of await readdir(pageFolder, { recursive: true })) {
    const file = path.join(pageFolder, name);
    if (/\.(js|css)$/.test(name)) code += gzipSync(await readFile(file)).length;
    else if (name.endsWith('.woff2')) fonts += (await stat(file)).size;
  }
  return { code, fonts };
}
