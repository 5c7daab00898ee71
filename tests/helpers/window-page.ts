import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build, type UserConfig } from 'vite';
import config from '../../electron.vite.config.ts';
import type { EventData, EventName } from '../../engine/contract.ts';
import type { SecretStore } from '../../engine/secrets/secret-store.ts';
import { createEngineService } from '../../engine/service/engine-service.ts';
import { startWebHost, type WebHost } from '../../engine/web-host/web-host.ts';
import { findChromium } from '../electron-standin/chromium.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Where secrets go in tests of the window: nowhere. The keychain has tests of its own. */
const NO_SECRETS: SecretStore = {
  atHand: true,
  state: async () => ({ available: true, detail: 'Credential Manager', hint: null }),
  get: async () => null,
  set: async () => undefined,
  paths: async () => [],
};

/** Builds the page as `npm run build` does, into a folder of its own. */
export async function buildPage(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ingest-page-'));
  const { renderer } = config as { renderer: UserConfig };
  await build({
    ...renderer,
    base: './',
    configFile: false,
    logLevel: 'error',
    build: { ...renderer.build, outDir: folder, emptyOutDir: true },
  });
  return folder;
}

export interface WindowHost {
  /** Holds `documents` and `user-data`. */
  folder: string;
  browser: Browser;
  /** Opens a window: a page in a context of its own, signed in. `prepare` sees it before it goes anywhere. */
  open(
    options?: Parameters<Browser['newContext']>[0],
    prepare?: (page: Page) => Promise<void>,
  ): Promise<{ page: Page; context: BrowserContext; problems: string[] }>;
  /** Tells every window, as the engine would. */
  emit<Name extends EventName>(name: Name, data: EventData<Name>): void;
  close(): Promise<void>;
}

/** The real engine behind the web host, and a real Chromium. The window names `version`. */
export async function startWindowHost(pageFolder: string, folder: string, version = '0.0.0-test'): Promise<WindowHost> {
  let emit: WindowHost['emit'] = () => undefined;
  const host: WebHost = await startWebHost({
    pageFolder,
    port: 0,
    createService: (tell) => {
      emit = tell;
      return createEngineService({
        emit: tell,
        userDataDirectory: path.join(folder, 'user-data'),
        documentsDirectory: path.join(folder, 'documents'),
        sampleDirectory: path.join(root, 'resources/sample'),
        secretStore: NO_SECRETS,
        version,
        host: 'web',
        environment: {},
      });
    },
  });
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  return {
    folder,
    browser,
    emit: (name, data) => emit(name, data),
    async open(options = {}, prepare) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: host.origin });
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      await prepare?.(page);
      await page.goto(host.newUrl());
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      return { page, context, problems };
    },
    async close() {
      await browser.close();
      await host.close();
    },
  };
}

/** A folder that is gone afterwards. */
export async function withFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ingest-window-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
