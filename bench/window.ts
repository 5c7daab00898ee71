import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { rememberProject } from '../engine/service/recent-projects.ts';
import { buildApp, hasElectron, launchApp } from '../tests/helpers/electron-app.ts';
import { writeProject } from '../tests/helpers/project.ts';
import { buildPage, startWindowHost, withFolder } from '../tests/helpers/window-page.ts';
import { projectDocument } from '../tests/renderer/project-document.ts';
import type { Measurement } from './main.ts';
import { median } from './median.ts';

const USABLE_TARGET_MS = 1000;
const BUNDLE_TARGET_KB = 600;
const NAME = 'shop-of-many-tables';

/**
 * The application's own page: when it is usable, and what is sent for it.
 * Usable: the first screen is drawn, the engine has answered, and a project it knows can be pressed; from the start of the navigation, nothing cached.
 */
export async function measureWindow({ rows, rounds }: { rows: number; rounds: number }): Promise<Measurement[]> {
  const pageFolder = await buildPage();
  const { folder, remove } = await withFolder();
  try {
    await writeProject(path.join(folder, 'documents', NAME), manyJobs(rows));
    const { usable, opened } = await openings(pageFolder, folder, rounds);
    const { code, fonts } = await sizes(pageFolder);
    const jobs = rows.toLocaleString('en-US');
    return [
      {
        what: `page usable after navigation starts, median of ${rounds}`,
        value: median(usable),
        unit: 'ms',
        target: `at most ${USABLE_TARGET_MS} ms`,
        met: median(usable) <= USABLE_TARGET_MS,
      },
      { what: `project of ${jobs} jobs pressed until its grid takes keys, median`, value: median(opened), unit: 'ms' },
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
  } finally {
    await remove();
    await rm(pageFolder, { recursive: true, force: true });
  }
}

function manyJobs(rows: number): Parameters<typeof writeProject>[1] {
  return {
    jobs: Array.from({ length: rows }, (_, row) => ({
      source_type: 'postgresql',
      source_name: 'shop',
      table_name: `table_${row}`,
      load_type: 'INCREMENTAL',
      enabled: 'Y',
      watermark_column: 'updated_at',
      primary_key: 'id',
    })),
    config:
      '[sources.shop]\ntype = "postgresql"\nhost = "db"\ndatabase = "shop"\nusername = "reader"\npassword = "x"\n',
  };
}

/** Milliseconds from navigation to the first screen, and from pressing a project to its grid. */
async function openings(
  pageFolder: string,
  folder: string,
  rounds: number,
): Promise<{ usable: number[]; opened: number[] }> {
  const directory = path.join(folder, 'documents', NAME);
  await rememberProject(
    { userDataDirectory: path.join(folder, 'user-data') },
    { ...projectDocument(), directory, name: NAME },
  );
  const host = await startWindowHost(pageFolder, folder);
  const usable: number[] = [];
  const opened: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const { page, context } = await host.open({}, watchForUse);
      usable.push(await usableAt(page));
      const pressed = performance.now();
      await page.getByRole('button', { name: directory }).click();
      await page.getByRole('gridcell').first().waitFor({ timeout: 60_000 });
      await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
      opened.push(performance.now() - pressed);
      await context.close();
    }
  } finally {
    await host.close();
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
