import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  buildApp();
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

test('the page asks the main process through the bridge', async () => {
  const version = await app.evaluate((electron) => electron.app.getVersion());
  await page.getByText(`Version ${version}`).waitFor();
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
      bridge: Object.keys(window.ingestStudio),
      frozen: Object.isFrozen(window.ingestStudio),
      leaked: names.filter((name) => name in window),
    };
  });
  expect(seen).toEqual({ bridge: ['about'], frozen: true, leaked: [] });
});

test('the content security policy stops an inline script and any other origin', async () => {
  const violations = await page.evaluate(async () => {
    const seen: string[] = [];
    const both = new Promise<void>((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => {
        seen.push(event.effectiveDirective);
        if (seen.length === 2) resolve();
      });
    });
    const script = document.createElement('script');
    script.textContent = 'window.pwned = 1';
    document.head.append(script);
    await fetch('https://example.com/').catch(() => undefined);
    await both;
    return [...seen.sort(), 'pwned' in window];
  });
  expect(violations).toEqual(['connect-src', 'script-src-elem', false]);
});

test('the protocol serves its folder and nothing outside it', async () => {
  const status = await page.evaluate(() => {
    const paths = ['/index.html', '/', '/missing.js', '/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/%00'];
    return Promise.all(paths.map(async (path) => (await fetch(path)).status));
  });
  expect(status).toEqual([200, 200, 404, 404, 404, 404]);
});

test('the page stays where it is; a link goes to the system browser, https only', async () => {
  await page.evaluate(() => {
    window.open('http://plain.example/');
    window.open('https://secure.example/help');
    location.href = 'https://elsewhere.example/';
  });
  await expect
    .poll(() => app.evaluate(({ shell }) => (shell as unknown as { opened?: string[] }).opened ?? []))
    .toEqual(['https://secure.example/help']);
  expect(new URL(page.url()).pathname).toBe('/index.html');
  expect(app.windows()).toHaveLength(1);
});

// The last one: it leaves the application's page.
test('a call from a page that is not ours is refused', async () => {
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.loadURL('data:text/html,elsewhere'));
  // The page is another connection than the main process: its news of the navigation may be late.
  await expect.poll(() => page.url()).toBe('data:text/html,elsewhere');
  await expect(page.evaluate(() => window.ingestStudio.about())).rejects.toThrow(
    'does not come from a page of Ingest Studio',
  );
});
