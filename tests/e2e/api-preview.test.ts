import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RestApi, startRestApi } from '../servers/rest-api.ts';
import { apiProject, charges, chargesApi, ordersApi, TOKEN } from './api-preview-shop.ts';
import { closeBrowser, goTo, openWindow, type StudioWindow, seriousFindings } from './connections-window.ts';

let api: RestApi;
beforeAll(async () => {
  const fat = Buffer.from(
    `{"next":null,"data":[${`{"id":1,"text":"${'x'.repeat(10_000)}"},`.repeat(10_000)}{"id":2,"text":"last"}]}`,
  );
  api = await startRestApi({
    '/v1/charges': chargesApi(charges(730), TOKEN),
    '/v1/orders': ordersApi(4321),
    '/v1/events': () => ({
      body: { events: [{ id: 1, 'odd key': { "it's": 1 } }], total: 9, paging: { next_cursor: 'c2' } },
    }),
    '/v1/huge': () => ({ body: fat }),
    '/v1/slow': () => ({ hang: true }),
    '/v2/items': () => ({ body: { items: [{ item_id: 7 }], next: null } }),
  });
});
afterAll(async () => {
  await api.close();
  await closeBrowser();
});

async function openApi(job: string, options: { colorScheme?: 'dark' } = {}): Promise<StudioWindow> {
  const studio = await openWindow({ project: apiProject(api.url), ...options });
  await goTo(studio.page, 'API preview');
  await choose(studio.page, job);
  return studio;
}

async function choose(page: Page, job: string): Promise<void> {
  const field = page
    .getByRole('textbox', { name: 'Job' })
    .or(page.getByRole('combobox', { name: 'Job' }))
    .first();
  await field.click();
  await page.getByRole('option', { name: `stripe_api.${job}` }).click();
}

async function preview(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Preview( again)?$/ }).click();
  await page.getByRole('list', { name: 'Pages' }).waitFor();
}

const shots = process.env['API_SHOTS'];
async function shoot(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

test('five pages, their records, request, response, schema and what comes next; no secret reaches the window', async () => {
  await using studio = await openApi('charges');
  const { page } = studio;
  await page.getByText('Nothing was asked yet').waitFor();
  await shoot(page, 'empty');
  await preview(page);
  expect(await page.getByRole('list', { name: 'Pages' }).getByRole('button').allTextContents()).toEqual([
    ...[1, 2, 3, 4, 5].map((number) => expect.stringMatching(`Page ${number}200100 records\\d+ ms`)),
    'Page 6not asked',
  ]);
  await page.getByText('Stopped after page 5: the preview’s limit').waitFor();
  await page.getByText(/The API has more: has_more is true/).waitFor();
  await page.getByText('1–100 of 100 on this page, 500 fetched').waitFor();
  const grid = page.getByRole('grid', { name: 'Records of page 1' });
  expect(await grid.getAttribute('aria-rowcount')).toBe('101');
  await shoot(page, 'light');

  await page.getByRole('button', { name: /^Page 3/ }).click();
  await page.getByRole('tab', { name: 'Request' }).click();
  await page
    .getByText(/starting_after=ch_/)
    .first()
    .waitFor();
  await shoot(page, 'request');
  await page.getByRole('tab', { name: /^Response/ }).click();
  await page.getByRole('treeitem', { name: /has_more: true/ }).waitFor();
  await shoot(page, 'response');
  await page.getByRole('tab', { name: /^Schema/ }).click();
  await page.getByRole('cell', { name: 'payment_method_details' }).waitFor();
  await page.getByRole('button', { name: 'Next request' }).click();
  await page.getByText('A run asks next').waitFor();
  await shoot(page, 'paginator');
  expect(studio.received.join('')).not.toContain(TOKEN);
  expect(studio.problems).toEqual([]);
});

test('detection with its evidence goes into the request, and from there into the job as one step of undo', async () => {
  await using studio = await openApi('orders');
  const { page } = studio;
  await preview(page);
  await page.getByText('The server caps a page at 100 records').waitFor();
  await page.getByText(/4,321 records, 44 requests at/).waitFor();
  const detected = page.getByRole('region', { name: 'Detected' });
  await detected.getByText('Asked for 200, got exactly 100 on 5 of 5 pages').waitFor();
  await detected.getByText(/ISO times, oldest first, no nulls in 500 records/).waitFor();
  await shoot(page, 'detected');
  await detected.getByRole('button', { name: 'Apply Page size: 100' }).click();
  await detected.getByRole('button', { name: 'Apply Incremental field: updated_at' }).click();
  await detected.getByRole('button', { name: 'Apply Primary key: order_id' }).click();
  await detected.getByRole('button', { name: 'Apply Records in all: meta.total' }).click();
  expect(await page.getByRole('textbox', { name: 'Page size' }).inputValue()).toBe('100');
  await page.getByText('4 changes not in the job yet').waitFor();
  await preview(page);
  await page.getByText('The server caps a page at 100 records').waitFor({ state: 'detached' });
  expect(api.requests.at(-1)?.url).toBe('/v1/orders?limit=100&offset=400');
  await page.getByRole('button', { name: 'Apply to job' }).click();
  await page.getByText('Request applied to orders').first().waitFor();
  expect(await readFile(path.join(studio.folder, '.dlt', 'config.toml'), 'utf8')).toContain(
    'total_path = "meta.total"',
  );
  await page.getByText('4 changes not in the job yet').waitFor({ state: 'detached' });
  await goTo(page, 'Jobs');
  const row = page.getByRole('row').filter({ hasText: 'orders' }).first();
  await row.getByText('order_id').waitFor();
  await page.keyboard.press('Control+z');
  await row.getByText('order_id').waitFor({ state: 'detached' });
  // The option that has no column goes back with it, and comes again.
  const config = () => readFile(path.join(studio.folder, '.dlt', 'config.toml'), 'utf8');
  expect(await config()).not.toContain('total_path');
  await page.keyboard.press('Control+y');
  await row.getByText('order_id').waitFor();
  expect(await config()).toContain('total_path = "meta.total"');
});

test('a clicked value gives its path and becomes a setting', async () => {
  await using studio = await openApi('events');
  const { page } = studio;
  await preview(page);
  await page.getByText(/One page was read/).waitFor();
  await page.getByRole('tab', { name: /^Response/ }).click();
  await page.getByRole('treeitem', { name: /next_cursor/ }).click();
  const popover = page.getByRole('dialog', { name: 'Path $.paging.next_cursor' });
  await shoot(page, 'path');
  await popover.getByRole('button', { name: 'Copy path' }).click();
  await popover.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('$.paging.next_cursor');
  await popover.getByRole('button', { name: 'Use as cursor' }).click();
  await page.getByText('2 changes not in the job yet').waitFor();
  expect(await page.getByRole('textbox', { name: 'Cursor path' }).inputValue()).toBe('paging.next_cursor');
  // By keyboard: down to the record, open what has an odd key, take its path.
  const tree = page.getByRole('tree');
  await tree.focus();
  await page.keyboard.press('Home');
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'Enter'])
    await page.keyboard.press(key);
  await page.getByRole('dialog', { name: "Path $.events[0]['odd key']['it\\'s']" }).waitFor();
  await page.keyboard.press('Escape');
});

test('a page of 100 MB leaves the window alive, and what was left out is said', async () => {
  await using studio = await openApi('huge');
  const { page } = studio;
  await page.evaluate(() => {
    const state = { longest: 0, last: performance.now() };
    (window as never as { gaps: typeof state }).gaps = state;
    const tick = () => {
      const now = performance.now();
      state.longest = Math.max(state.longest, now - state.last);
      state.last = now;
      requestAnimationFrame(tick);
    };
    tick();
  });
  await preview(page);
  await page.getByText(/1–100 of 10,001 on this page/).waitFor();
  await page.getByRole('tab', { name: /^Response/ }).click();
  await page.getByRole('treeitem', { name: /data: \[10,001 entries\]/ }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('tree').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('End');
  await page
    .getByText(/more, not brought into this window/)
    .last()
    .waitFor();
  await shoot(page, 'huge');
  expect(studio.received.join('').length).toBeLessThan(8_000_000);
  const { longest } = await page.evaluate(() => (window as never as { gaps: { longest: number } }).gaps);
  expect(longest).toBeLessThan(2000);
});

test('errors are whole and can be copied; a preview can be cancelled', async () => {
  await using studio = await openApi('missing');
  const { page } = studio;
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  const card = page.getByRole('alert').filter({ hasText: 'The API could not be previewed' });
  await card.waitFor();
  await shoot(page, 'error');
  await card.getByRole('button', { name: 'Copy' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('API_NOT_FOUND');
  await choose(page, 'slow');
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await page.getByText('Asking the API …').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('The preview was cancelled').waitFor();
});

test('a recording is saved without secrets and replayed when the API is gone', async () => {
  await using studio = await openApi('charges');
  const { page } = studio;
  await preview(page);
  await page.getByRole('button', { name: 'Save recording' }).click();
  const file = await page.getByRole('textbox', { name: /File/ }).inputValue();
  expect(path.dirname(file)).toBe(studio.folder);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Recording saved').first().waitFor();
  expect(await readFile(file, 'utf8')).not.toContain(TOKEN);
  const asked = api.requests.length;
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
  await page.getByText('Replayed from a recording').waitFor();
  expect(api.requests).toHaveLength(asked);
  await shoot(page, 'replayed');
  // Another size was never recorded.
  await page.getByRole('textbox', { name: 'Value of limit' }).fill('7');
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
  await page
    .getByRole('alert')
    .getByText(/The recording holds no answer to GET \/v1\/charges/)
    .first()
    .waitFor();
  await shoot(page, 'replay-missing');
});

test('a cURL command becomes a connection and a job; its token is masked and never in a file', async () => {
  await using studio = await openApi('charges');
  const { page } = studio;
  // Another address than the connection's at hand, though the same server.
  const url = api.url.replace('127.0.0.1', 'localhost');
  await page.getByRole('button', { name: 'From cURL' }).click();
  await page
    .getByRole('textbox', { name: 'Command' })
    .fill(`curl '${url}/v2/items?page=1&state=open' -H 'Authorization: Bearer curl-token-9' \\\n  -H 'X-Team: data'`);
  await page.getByText('go to the keychain, never into a file').waitFor();
  await shoot(page, 'curl');
  await page.getByRole('button', { name: 'Add connection and job' }).click();
  await page.getByText('items added').first().waitFor();
  await preview(page);
  await page.getByRole('grid', { name: 'Records of page 1' }).waitFor();
  const asked = api.requests.filter(({ path: at }) => at === '/v2/items');
  expect(asked[0]?.headers.authorization).toBe('Bearer curl-token-9');
  expect(asked[0]?.headers['x-team']).toBe('data');
  expect(asked[0]?.query.get('state')).toBe('open');
  expect(await readFile(path.join(studio.folder, '.dlt', 'config.toml'), 'utf8')).not.toContain('curl-token-9');
  expect(studio.received.join('')).not.toContain('curl-token-9');
});

test('a POST has its body in an editor that says what is wrong and where', async () => {
  await using studio = await openApi('events');
  const { page } = studio;
  await page
    .getByRole('textbox', { name: 'Method' })
    .or(page.getByRole('combobox', { name: 'Method' }))
    .first()
    .click();
  await page.getByRole('option', { name: 'POST' }).click();
  const body = page.getByRole('textbox', { name: 'Body' });
  await body.fill('{"query": {"state": "open"}}');
  await page.getByRole('button', { name: 'Format' }).click();
  expect(await body.inputValue()).toBe('{\n  "query": {\n    "state": "open"\n  }\n}');
  await body.fill('{"query":\n  {"state": "open"');
  await page.getByText(/^Line 2, column 19: .*the last body that was right is sent$/).waitFor();
  await preview(page);
  const asked = api.requests.filter(({ path: at }) => at === '/v1/events').at(-1);
  expect(asked).toMatchObject({ method: 'POST', body: { query: { state: 'open' } } });
});

test('in a narrow window everything can still be reached', async () => {
  await using studio = await openApi('orders');
  const { page } = studio;
  await page.setViewportSize({ width: 1024, height: 700 });
  await preview(page);
  await page.getByRole('button', { name: 'Set page size to 100' }).click();
  await page.getByText('1 change not in the job yet').waitFor();
  await page.getByRole('gridcell').first().click();
  await page.getByRole('dialog', { name: 'Path $.items[0].order_id' }).waitFor();
  await page.keyboard.press('Escape');
  await shoot(page, 'narrow');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(wide).toBe(false);
});

test('axe finds nothing serious, in light and dark', async () => {
  await using studio = await openApi('orders');
  const { page } = studio;
  await preview(page);
  for (const tab of [/^Records/, /^Response/, 'Paginator']) {
    await page.getByRole('tab', { name: tab }).click();
    expect(await seriousFindings(page)).toEqual([]);
  }
});
