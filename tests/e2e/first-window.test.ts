import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHANNELS } from '../../electron/channels.ts';
import type { Bridge } from '../../engine/contract.ts';
import { buildApp, launchApp } from '../helpers/electron-app.ts';

declare global {
  interface Window {
    readonly ingestStudio: Bridge;
  }
}

let app: ElectronApplication;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  await buildApp();
  app = await launchApp();
  app.context().on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page = await app.firstWindow();
  await page.getByRole('heading', { level: 1 }).waitFor();
});
afterAll(() => app?.close());

test('a window opens and says what the application is', async () => {
  expect(await page.title()).toBe('Ingest Studio');
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Ingest Studio');
  expect(await page.getByRole('main').textContent()).toContain('hand the same files to the nightly run');
  expect(
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.isVisible())),
  ).toEqual([true]);
  expect(problems).toEqual([]);
});

test('the page asks the engine through the bridge', async () => {
  const version = await app.evaluate((electron) => electron.app.getVersion());
  const about = await page.evaluate(() => window.ingestStudio.call('about', 'app.about', undefined));
  expect(about).toMatchObject({ ok: true, value: { version, host: 'desktop' } });
});

test('the page has the bridge and nothing of Node or Electron', async () => {
  const seen = await page.evaluate(() => {
    const names = [
      'require',
      'process',
      'module',
      'Buffer',
      'ipcRenderer',
      'electron',
      '__electronAnswer',
      '__electronPost',
    ];
    return {
      bridge: Object.keys(window.ingestStudio).sort(),
      frozen: Object.isFrozen(window.ingestStudio),
      leaked: names.filter((name) => name in window),
    };
  });
  expect(seen).toEqual({
    bridge: [...Object.keys(CHANNELS), 'on', 'onMenu', 'onOpen'].sort(),
    frozen: true,
    leaked: [],
  });
});

test('the content security policy stops an inline script and any other origin', async () => {
  await page.evaluate(async () => {
    document.addEventListener('securitypolicyviolation', (event) => {
      document.body.dataset['violations'] = `${document.body.dataset['violations'] ?? ''} ${event.effectiveDirective}`;
    });
    const script = document.createElement('script');
    script.textContent = 'window.pwned = 1';
    document.head.append(script);
    await fetch('https://example.com/').catch(() => undefined);
  });
  const violations = () => page.evaluate(() => document.body.dataset['violations']?.trim().split(' ').sort());
  await expect.poll(violations, { timeout: 10_000 }).toEqual(['connect-src', 'script-src-elem']);
  expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
});

test('the protocol serves its folder and nothing outside it', async () => {
  const status = await page.evaluate(() => {
    const paths = ['/index.html', '/', '/missing.js', '/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/%00'];
    return Promise.all(paths.map(async (path) => (await fetch(path)).status));
  });
  expect(status).toEqual([200, 200, 404, 404, 404, 404]);
});

test('the page stays where it is; a link goes to the system browser, https only', async () => {
  await app.evaluate(({ BrowserWindow, shell }) => {
    const navigations: [url: string, prevented: boolean][] = [];
    const opened: string[] = [];
    Object.assign(globalThis, { navigations, opened });
    shell.openExternal = async (url) => {
      opened.push(url);
    };
    BrowserWindow.getAllWindows()[0]!.webContents.on('will-navigate', (event) => {
      navigations.push([event.url, event.defaultPrevented]);
    });
  });
  await page.evaluate(() => {
    window.open('http://plain.example/');
    window.open('https://secure.example/help');
    location.href = 'https://elsewhere.example/';
  });
  const outside = () =>
    app.evaluate(() => {
      const { opened, navigations } = globalThis as unknown as { opened: unknown; navigations: unknown };
      return { opened, navigations };
    });
  await expect.poll(outside, { timeout: 10_000 }).toEqual({
    opened: ['https://secure.example/help'],
    navigations: [['https://elsewhere.example/', true]],
  });
  expect(new URL(page.url()).pathname).toBe('/index.html');
  expect(app.windows()).toHaveLength(1);
});

// The last one: it leaves the application's page.
test('a call from a page that is not ours is refused', async () => {
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.loadURL('data:text/html,elsewhere'));
  // The page is another connection than the main process: its news of the navigation may be late.
  await expect.poll(() => page.url()).toBe('data:text/html,elsewhere');
  await expect(page.evaluate(() => window.ingestStudio.call('1', 'app.about', undefined))).rejects.toThrow(
    'does not come from a page of Ingest Studio',
  );
});
