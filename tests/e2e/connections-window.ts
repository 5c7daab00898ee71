import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Keychain } from '../../engine/secrets/keychain.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { createEngineService } from '../../engine/service/engine-service.ts';
import type { EngineServiceOptions } from '../../engine/service/service-context.ts';
import { startWebHost, type WebHost } from '../../engine/web-host/web-host.ts';
import { findChromium } from '../electron-standin/chromium.ts';
import { buildApp } from '../helpers/electron-app.ts';
import { type ProjectTexts, writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { memoryKeychain, SAMPLE } from '../service/service-harness.ts';

export interface WindowOptions {
  project: ProjectTexts;
  /** Puts files beside the workbook before the window opens. */
  prepare?(folder: string): Promise<void>;
  keychain?: Keychain;
  environment?: Record<string, string>;
  vault?: EngineServiceOptions['vault'];
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

/** The built page in a real Chromium, served by the web host with the real engine behind it. */
export interface StudioWindow extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** The project's folder. */
  folder: string;
  /** Where the person's own files are: settings and encrypted secrets. */
  userFolder: string;
  /** Everything that the engine sent to the page. */
  received: string[];
  /** Errors of the page's console. */
  problems: string[];
}

let browser: Promise<Browser> | null = null;

export async function closeBrowser(): Promise<void> {
  const open = browser;
  browser = null;
  await (await open)?.close();
}

/** Opens a project's Jobs screen; go on from there by the rail. */
export async function openWindow(options: WindowOptions): Promise<StudioWindow> {
  const pageFolder = process.env['STUDIO_PAGE'] ?? path.resolve(import.meta.dirname, '../../out/renderer');
  if (process.env['STUDIO_PAGE'] === undefined) await buildApp();
  const home = await temporaryFolder();
  const folder = path.join(home.path, 'retail-ingest');
  const userFolder = path.join(home.path, 'user');
  await mkdir(folder);
  await writeProject(folder, options.project);
  await options.prepare?.(folder);
  const host: WebHost = await startWebHost({
    pageFolder,
    port: 0,
    createService: (emit) =>
      createEngineService({
        emit,
        userDataDirectory: userFolder,
        documentsDirectory: path.join(home.path, 'Documents'),
        sampleDirectory: SAMPLE,
        secretStore: createSecretStore({ directory: userFolder, keychain: options.keychain ?? memoryKeychain() }),
        version: '1.0.0',
        host: 'web',
        environment: options.environment ?? {},
        openAtStart: folder,
        ...(options.vault === undefined ? {} : { vault: options.vault }),
      }),
  });
  browser ??= chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  const context = await (await browser).newContext({
    viewport: options.viewport ?? { width: 1440, height: 900 },
    colorScheme: options.colorScheme ?? 'light',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const received: string[] = [];
  const problems: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => received.push(String(payload)));
  });
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(host.url);
  return {
    page,
    context,
    folder,
    userFolder,
    received,
    problems,
    async [Symbol.asyncDispose]() {
      await context.close();
      await host.close();
      await home[Symbol.asyncDispose]();
    },
  };
}

/** Goes to a place of the rail. */
export async function goTo(page: Page, place: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Places' }).getByTitle(place, { exact: true }).click();
}

/** Where pictures go, if anywhere: to be looked at. */
export const SHOTS = process.env['SCREEN_SHOTS'];

/** No serious finding of axe, in light and dark. */
export async function accessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForFunction(
      (wanted) => document.documentElement.getAttribute('data-mantine-color-scheme') === wanted,
      colorScheme,
    );
    if (SHOTS !== undefined) await page.screenshot({ path: path.join(SHOTS, `${name}-${colorScheme}.png`) });
    expect(await seriousFindings(page), `${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** What axe calls serious or critical in the screen at hand, in light and dark; the shell around it has tests of its own. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // The page's policy takes scripts of its own origin only: axe comes in through the debugger.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const found: string[] = [];
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction(
      (wanted) => document.documentElement.getAttribute('data-mantine-color-scheme') === wanted,
      colorScheme,
    );
    found.push(...(await findingsOf(page)).map((finding) => `${colorScheme}: ${finding}`));
  }
  return found;
}

function findingsOf(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run('main', { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
      );
  });
}
