import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keychainUnavailable } from '../../engine/secrets/keychain.ts';
import { type PostgresServer, startPostgres } from '../helpers/postgres-server.ts';
import { SqlServer } from '../servers/sql-server/sql-server.ts';
import { fillShop, shopFiles, shopProject } from './connections-project.ts';
import { closeBrowser, goTo, openWindow, type StudioWindow, seriousFindings } from './connections-window.ts';

const PLANTED = 'Tr0ub4dor-&-planted';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await fillShop(server);
  await server.query(`CREATE USER reader PASSWORD '${PLANTED}'; GRANT USAGE ON SCHEMA shop TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA shop TO reader`);
});
afterAll(async () => {
  await closeBrowser();
  await server?.stop();
});

const testPanel = (page: Page) => page.getByRole('region', { name: 'Connection test' });
const verdict = (page: Page, words: string) => testPanel(page).getByText(words, { exact: true }).first().waitFor();
const pick = (page: Page, name: string) => page.locator(`[data-key="${name}"]`).click();

async function openConnections(options: Partial<Parameters<typeof openWindow>[0]> = {}): Promise<StudioWindow> {
  const studio = await openWindow({ project: shopProject(server), prepare: shopFiles, ...options });
  studio.page.setDefaultTimeout(15_000);
  await goTo(studio.page, 'Connections');
  await studio.page.locator('[data-key="shop"]').waitFor();
  return studio;
}

/** Every file below these folders that holds a text. */
async function filesWith(text: string, ...folders: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
      const file = path.join(folder, name);
      if ((await stat(file)).isFile() && (await readFile(file)).includes(text)) found.push(file);
    }
  }
  return found;
}

/** Markup, attributes and storage of the page; not what stands in a password field as its property. */
async function pageText(page: Page): Promise<string> {
  return await page.evaluate(
    () => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }),
  );
}

test('a pasted URL becomes a connection; a wrong password is explained, the right one passes, and stays secret', async () => {
  await using studio = await openConnections();
  const { page } = studio;
  const issues = page.getByRole('region', { name: 'Issues' });
  const hint = await issues
    .getByRole('button', { name: /password/ })
    .first()
    .getAttribute('title');
  expect(hint).toContain('Type it in the form of the connection in the window, which keeps it in the keychain.');
  await goTo(page, 'Jobs');
  await issues.getByRole('button', { name: 'Enter it' }).first().click();
  await page.getByRole('toolbar', { name: 'shop' }).waitFor();
  await page.getByRole('button', { name: 'New', exact: true }).click();
  const text = `postgresql://reader:wrong-${PLANTED}@127.0.0.1:${server.port}/postgres?sslmode=prefer`;
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  await page.getByRole('textbox', { name: /Paste a URL/ }).focus();
  await page.keyboard.press('Control+V');
  await page.getByRole('heading', { name: 'postgres', exact: true }).waitFor();
  expect(await page.getByRole('textbox', { name: 'Host' }).inputValue()).toBe('127.0.0.1');
  expect(await page.getByRole('textbox', { name: 'User name' }).inputValue()).toBe('reader');
  expect(await pageText(page)).not.toContain(PLANTED);

  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('crm');
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  await verdict(page, 'Failed at login');
  await testPanel(page).getByText('refused the password of user "reader"').first().waitFor();
  await testPanel(page).getByText('What to try').waitFor();
  await page.getByText('Saving never waits for a test').waitFor();

  await page.getByLabel('Password').fill(PLANTED);
  await testPanel(page).getByRole('button', { name: 'Test again' }).click();
  await verdict(page, 'Passed');
  await testPanel(page)
    .getByText(/^PostgreSQL 18/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('[data-key="crm"]').waitFor();
  await page.getByText('In keychain').waitFor();

  const config = await readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8');
  expect(config).toContain('[sources.crm]');
  expect(config).toContain('# Connections of the shop');
  expect(await filesWith(PLANTED, studio.folder, studio.userFolder)).toEqual([]);
  expect(await pageText(page)).not.toContain(PLANTED);
  expect(studio.received.filter((message) => message.includes(PLANTED))).toEqual([]);
  // A secret that is replaced is gone from the form once it is saved.
  await page.getByRole('button', { name: 'Replace Password' }).click();
  await page.getByLabel('Password').fill(PLANTED);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('In keychain').waitFor();
  // What was saved is what is used: no password is in the form any more.
  await testPanel(page).getByRole('button', { name: 'Test again' }).click();
  await verdict(page, 'Passed');
  expect(studio.problems).toEqual([]);
});

test('a test of a server that never answers is cancelled at once', async () => {
  const sockets = new Set<Socket>();
  const silent: Server = createServer((socket) => {
    sockets.add(socket);
    // Says nothing, but sees the other side go.
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  try {
    await using studio = await openConnections({ project: shopProject({ host: '127.0.0.1', port, username: 'u' }) });
    const { page } = studio;
    await page.getByLabel('Password').fill(PLANTED);
    await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
    await testPanel(page).getByText('Waiting for an answer …').waitFor();
    await expect.poll(() => testPanel(page).getByText(`127.0.0.1:${port}`).count()).toBe(1);
    // The window is not held up meanwhile.
    await page.getByRole('tab', { name: 'Security' }).click();
    await page.getByText('Encryption', { exact: true }).first().waitFor();
    await testPanel(page).getByRole('button', { name: 'Cancel' }).click();
    await verdict(page, 'Cancelled');
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test('a sign-in in the browser: the window shows the page to open, copies its link, and cancels it', async () => {
  await using sqlServer = await SqlServer.start();
  const config = `[sources.shop]
type = "azure_sql"
host = "127.0.0.1"
port = ${sqlServer.port}
database = "appdb"
encrypt = false
authentication = "browser"
username = "ada@example.com"

[destinations.dry_run]
type = "duckdb"
path = "output/dry_run.duckdb"
`;
  const job = { source_type: 'azure_sql', source_name: 'shop', schema_name: 'dbo', table_name: 'orders' };
  await using studio = await openConnections({
    project: { jobs: [{ ...job, load_type: 'FULL' }], settings: {}, config },
  });
  const { page } = studio;
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in to Microsoft Entra ID' });
  await dialog.getByText('sign in there as ada@example.com for connection shop').waitFor();
  const link = dialog.getByRole('link', { name: 'Open the sign-in page' });
  const address = (await link.getAttribute('href')) ?? '';
  expect(address).toMatch(
    /^https:\/\/login\.microsoftonline\.com\/organizations\/oauth2\/v2\.0\/authorize\?.*login_hint=ada%40example\.com/,
  );
  expect(await link.getAttribute('target')).toBe('_blank');
  expect(await seriousFindings(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Copy link' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(address);
  await dialog.getByRole('button', { name: 'Cancel', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  await verdict(page, 'Failed at login');
  await testPanel(page).getByText('shop was not signed in: it was cancelled.').first().waitFor();
  expect(studio.problems).toEqual([]);
});

test('a new name goes to its jobs, its section and its secret as one step of undo; a copy has no secrets; deleting names the jobs and is undone', async () => {
  await using studio = await openConnections();
  const { page } = studio;
  const config = () => readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('shop_eu');
  await page.getByLabel('Password').fill(PLANTED);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('[data-key="shop_eu"]').waitFor();
  await page.getByText('2 jobs follow the new name').first().waitFor();
  expect(await readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8')).toContain('[sources.shop_eu]');
  await page.getByRole('button', { name: 'Used by 2 jobs' }).waitFor();

  await goTo(page, 'Jobs');
  const cells = page.getByRole('gridcell', { name: 'shop_eu', exact: true });
  await expect.poll(() => cells.count()).toBe(2);
  await page.keyboard.press('Control+Z');
  await expect.poll(() => cells.count()).toBe(0);
  await page.getByText('Undone: Rename connection shop to shop_eu').first().waitFor();
  // What was entered with the new name is what counts now, and that is said: no step holds what was there before.
  await page.getByText('The secrets of shop stay as you entered them').first().waitFor();
  expect(await config()).toContain('[sources.shop]');
  expect(await config()).not.toContain('shop_eu');
  await goTo(page, 'Connections');
  await pick(page, 'shop');
  await page.getByText('In keychain').waitFor();
  await goTo(page, 'Jobs');
  await page.keyboard.press('Control+Y');
  await expect.poll(() => cells.count()).toBe(2);
  expect(await config()).toContain('[sources.shop_eu]');

  await goTo(page, 'Connections');
  await pick(page, 'shop_eu');
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Duplicate' }).click();
  await expect.poll(() => page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('shop_eu_copy');
  await page.getByRole('button', { name: 'Discard' }).click();

  await pick(page, 'shop_eu');
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete shop_eu?' });
  await dialog.getByText('2 jobs read from it').waitFor();
  expect(await dialog.getByRole('listitem').allTextContents()).toEqual(['row 2  orders', 'row 3  gone']);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.locator('[data-key="shop_eu"]').waitFor({ state: 'detached' });
  expect(await config()).not.toContain('shop_eu');
  await page.getByText('shop_eu deleted').first().waitFor();
  await page.getByRole('navigation', { name: 'Menus' }).getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('menuitem', { name: /^Undo/ }).click();
  await page.getByText('The secrets of shop_eu were forgotten with it', { exact: false }).first().waitFor();
  expect(await config()).toContain(`port = ${server.port}`);
  await page.locator('[data-key="shop_eu"]').waitFor();
  expect(await filesWith(PLANTED, studio.folder, studio.userFolder)).toEqual([]);
  expect(studio.received.filter((message) => message.includes(PLANTED))).toEqual([]);
});

test('values from elsewhere are named with their place, never shown', async () => {
  await using studio = await openConnections({ environment: { SOURCES__SHOP__PASSWORD: server.password } });
  const { page } = studio;
  await page.getByText('In SOURCES__SHOP__PASSWORD').waitFor();
  expect(await page.getByRole('button', { name: 'Replace Password' }).count()).toBe(0);
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  await verdict(page, 'Passed');
  await testPanel(page).getByText('Environment variable SOURCES__SHOP__PASSWORD').waitFor();
  expect(await pageText(page)).not.toContain(server.password);
  expect(studio.received.filter((message) => message.includes(server.password))).toEqual([]);
});

test('without a keychain nothing is written, and the window says so', async () => {
  const keychain = {
    name: 'no keychain',
    get: () => Promise.reject(keychainUnavailable('no keychain', 'there is none.')),
    set: () => Promise.reject(keychainUnavailable('no keychain', 'there is none.')),
  };
  await using studio = await openConnections({ keychain });
  const { page } = studio;
  await page.getByText('Secrets cannot be kept on this computer').waitFor();
  const issue = page
    .getByRole('region', { name: 'Issues' })
    .getByRole('button', { name: /password/ })
    .first();
  await expect
    .poll(() => issue.getAttribute('title'))
    .toMatch(/\nSet the environment variable SOURCES__SHOP__PASSWORD/);
  const before = await readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8');
  await page.getByLabel('Password').fill(PLANTED);
  await page.getByRole('textbox', { name: 'Port' }).fill('5999');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('(KEYCHAIN_NOT_AVAILABLE)').waitFor();
  expect(await readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8')).toBe(before);
  expect(await filesWith(PLANTED, studio.folder, studio.userFolder)).toEqual([]);
  // What was typed is still there.
  expect(await page.getByRole('textbox', { name: 'Port' }).inputValue()).toBe('5999');
});

test('what is wrong is said on its tab and in its place, and does not keep anybody from saving', async () => {
  await using studio = await openConnections();
  const { page } = studio;
  await page.getByRole('textbox', { name: 'Port' }).fill('99999');
  await page.getByText('Use at most 65535').waitFor();
  await page.getByRole('tab', { name: /General.*has an error/ }).waitFor();
  await page.getByRole('tab', { name: 'Advanced' }).click();
  await page.getByRole('textbox', { name: /Connect within/ }).fill('soon');
  await page.getByText('Must be a number').waitFor();
  await page.getByRole('tab', { name: /Advanced.*has an error/ }).waitFor();
  // A draft survives going elsewhere, and nothing loses it without a question.
  await goTo(page, 'Jobs');
  const asked = () => page.evaluate(() => !dispatchEvent(new Event('beforeunload', { cancelable: true })));
  expect(await asked()).toBe(true);
  await page.getByRole('banner').getByText('1 unsaved change').waitFor();
  await page.getByRole('navigation', { name: 'Menus' }).getByRole('button', { name: 'File' }).click();
  await page.getByRole('menuitem', { name: 'Close project' }).click();
  const dialog = page.getByRole('dialog', { name: 'There are unsaved changes' });
  await dialog.getByText('The connection shop is filled in and not saved.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await goTo(page, 'Connections');
  expect(await page.getByRole('textbox', { name: 'Port' }).inputValue()).toBe('99999');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect.poll(() => readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8')).toContain('port = 99999');
  await expect.poll(asked).toBe(false);
  // Ctrl+S saves the form at hand.
  await page.getByRole('tab', { name: 'General' }).click();
  await page.getByRole('textbox', { name: 'Port' }).fill('6002');
  await page.keyboard.press('Control+S');
  await expect.poll(() => readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8')).toContain('port = 6002');
});

test('saving sends what the form changed; what somebody else changed meanwhile stays', async () => {
  await using studio = await openConnections();
  const { page } = studio;
  const file = path.join(studio.folder, '.dlt/config.toml');
  await page.getByRole('textbox', { name: 'Port' }).fill('6001');
  await writeFile(file, (await readFile(file, 'utf8')).replace('database = "postgres"', 'database = "elsewhere"'));
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect.poll(() => readFile(file, 'utf8')).toContain('port = 6001');
  expect(await readFile(file, 'utf8')).toContain('database = "elsewhere"');
});

test('an API, a folder and destinations are tested as well, all at once', async () => {
  await using studio = await openConnections({
    environment: { SOURCES__SHOP__PASSWORD: server.password, SOURCES__CATALOGUE__AUTH__TOKEN: PLANTED },
  });
  const { page } = studio;
  await page.getByRole('button', { name: /^Test all \d connections$/ }).click();
  for (const name of ['shop', 'catalogue', 'files', 'destinations.dry_run', 'destinations.lake']) {
    await page.locator(`[data-key="${name}"]`).getByRole('img', { name: 'last test passed' }).waitFor();
  }
  await pick(page, 'destinations.lake');
  await testPanel(page)
    .getByText(/Will be made by the first run/)
    .waitFor();
  expect(studio.problems).toEqual([]);
});

test('a header that is a secret goes to the keychain, the others to the file', async () => {
  await using studio = await openConnections();
  const { page } = studio;
  await pick(page, 'catalogue');
  for (const [name, value] of [
    ['Accept-Language', 'de'],
    ['X-Session-Token', PLANTED],
  ] as const) {
    await page.getByRole('button', { name: 'Add', exact: true }).first().click();
    await page.getByRole('textbox', { name: 'Headers: name' }).last().fill(name);
    await page.getByLabel(new RegExp(`Headers: .*value of ${name}`)).fill(value);
  }
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const config = () => readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8');
  await expect.poll(config).toContain('Accept-Language');
  expect(await config()).not.toContain('X-Session-Token');
  expect(await filesWith(PLANTED, studio.folder, studio.userFolder)).toEqual([]);
  expect(await pageText(page)).not.toContain(PLANTED);
  await expect.poll(() => page.getByRole('textbox', { name: 'Headers: name' }).count()).toBe(2);
});

test('axe finds nothing serious, in light and dark', async () => {
  await using studio = await openConnections();
  const { page } = studio;
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByLabel('Password').fill('wrong');
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  await verdict(page, 'Failed at login');
  expect(await seriousFindings(page)).toEqual([]);
  await pick(page, 'catalogue');
  await page.getByRole('tab', { name: /Sign-in/ }).click();
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByRole('button', { name: 'New', exact: true }).click();
  await page.getByRole('heading', { name: 'New connection' }).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
});

test('everything can be done by keyboard, and in a narrow window', async () => {
  await using studio = await openConnections({ viewport: { width: 900, height: 700 } });
  const { page } = studio;
  await page.locator('[data-key="shop"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'catalogue', exact: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'files', exact: true }).waitFor();
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).focus();
  await page.keyboard.press('Enter');
  await verdict(page, 'Passed');
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
});
