import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { startWindowHost, type WindowHost } from '../helpers/window-page.ts';
import { goTo } from './connections-window.ts';

const root = path.resolve(import.meta.dirname, '../..');
/** With `IMAGES=1` the README's pictures are made anew. */
const IMAGES = process.env['IMAGES'] === '1' ? path.join(root, 'docs/images') : null;
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 900, height: 700 };
/** 1280 × 900 at 200 %. */
const ZOOMED = { width: 640, height: 450 };
const SCHEMES = ['light', 'dark'] as const;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let host: WindowHost;

beforeAll(async () => {
  await buildApp();
  home = await temporaryFolder();
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  host = await startWindowHost(path.join(root, 'out/renderer'), home.path, version);
});
afterAll(async () => {
  await host?.close();
  await home?.[Symbol.asyncDispose]();
});

/** What axe calls serious or critical in the whole window. */
async function findings(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 3)
            .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`)
            .join(' | ')}`,
      );
  });
}

/** Words that are cut without a sign, and pictures without a name. */
async function cutOrUnnamed(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const seen = (element: Element) => element.getClientRects().length > 0 && element.clientWidth > 2;
    const cut = [...document.querySelectorAll('.mantine-Button-label, [role=toolbar] > h1, [role=toolbar] button')]
      .filter((element) => seen(element) && getComputedStyle(element).textOverflow !== 'ellipsis')
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `cut: ${element.textContent}`);
    const bars = [...document.querySelectorAll('[role=toolbar]')]
      .filter((bar) => seen(bar) && bar.scrollWidth > bar.clientWidth + 1)
      .map((bar) => `wider than its place: ${bar.getAttribute('aria-label')}`);
    const unnamed = [...document.querySelectorAll('[role=img]')]
      .filter((image) => (image.getAttribute('aria-label') ?? '') === '')
      .map((image) => `unnamed: ${image.outerHTML.slice(0, 120)}`);
    const ticks = [...document.querySelectorAll('thead [style*="--from"]')].map((tick) => tick.getBoundingClientRect());
    const overlaps = ticks.filter((tick, at) => at > 0 && tick.left < (ticks[at - 1]?.right ?? 0)).length;
    return [...cut, ...bars, ...unnamed, ...(overlaps > 0 ? ['times of the axis lie over each other'] : [])];
  });
}

/** No picture shows where it was taken: paths of this machine become those of an analyst's. */
async function hidePlaces(page: Page): Promise<void> {
  await page.evaluate((place) => {
    const shown = (text: string) =>
      text.replaceAll(`${place}/documents/`, 'D:/Data/').replaceAll(`${place}/`, 'D:/Data/');
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      const text = shown(node.nodeValue ?? '');
      if (text !== node.nodeValue) node.nodeValue = text;
    }
    for (const input of document.querySelectorAll('input')) {
      if (input.value.includes(place)) input.value = shown(input.value);
    }
  }, home.path);
}

/** Looks at the screen at hand in both colours and all sizes. */
async function lookAt(page: Page, name: string): Promise<string[]> {
  const found: string[] = [];
  // Nothing is pointed at: not the button that brought us here either.
  await page.mouse.move(WIDE.width, 0);
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForFunction(
      (wanted) => document.documentElement.getAttribute('data-mantine-color-scheme') === wanted,
      colorScheme,
    );
    for (const size of [ZOOMED, NARROW, WIDE]) {
      await page.setViewportSize(size);
      const place = `${name}, ${colorScheme}, ${size.width} × ${size.height}`;
      // A frame for what follows the size by itself.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wider > 0) found.push(`${place}: the page is ${wider} px wider than the window`);
      // Words are the same in both colours, and colours in all sizes.
      if (colorScheme === 'light') found.push(...(await cutOrUnnamed(page)).map((finding) => `${place}: ${finding}`));
      if (size === ZOOMED || (colorScheme === 'dark' && size === NARROW)) continue;
      found.push(...(await findings(page)).map((finding) => `${place}: ${finding}`));
    }
    if (IMAGES !== null) {
      await hidePlaces(page);
      const file = path.join(IMAGES, `window-${name}-${colorScheme}.png`);
      await page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  return found;
}

test('every screen, in light and dark, wide and narrow: axe finds nothing serious, the page never scrolls sideways, the console is empty', async () => {
  const { page, problems } = await host.open({ viewport: WIDE, reducedMotion: 'reduce' });
  // By the debugger: the page's own policy lets no other script in.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const found: string[] = [];
  const look = async (name: string) => found.push(...(await lookAt(page, name)));

  await look('welcome');

  await page.getByRole('button', { name: 'Open sample' }).click();
  await page.getByRole('grid', { name: 'Jobs' }).waitFor();
  await page.keyboard.press('Control+Shift+Enter');
  await page.getByText('Run succeeded').first().waitFor({ timeout: 45_000 });
  // A dialog comes before news.
  await page.keyboard.press('F1');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  const covered = await page
    .getByText('Run succeeded')
    .first()
    .evaluate((news) => {
      const { left, top } = news.getBoundingClientRect();
      return document.elementFromPoint(left + 4, top + 4) !== news;
    });
  expect(covered).toBe(true);
  await page.keyboard.press('Escape');
  await page.getByRole('contentinfo').getByText('4 workers').waitFor();
  await page.getByRole('grid', { name: 'Jobs' }).getByText('orders', { exact: true }).first().click();
  await page.getByRole('region', { name: 'News' }).getByRole('button', { name: 'Dismiss' }).click();
  await look('jobs');
  await page.keyboard.press('Control+e');
  await page.getByRole('complementary', { name: 'Job orders' }).getByText('GET http', { exact: false }).waitFor();
  await look('drawer');
  await page.getByRole('button', { name: 'Preflight selected' }).click();
  await page.getByRole('dialog', { name: 'Preflight' }).getByText('All 11 columns fit the live table.').waitFor();
  await look('preflight');
  await page.keyboard.press('Escape');
  await page.getByRole('complementary', { name: 'Job orders' }).getByRole('button', { name: 'Close' }).click();

  await goTo(page, 'Connections');
  await page.getByRole('button', { name: /^shop/ }).first().click();
  const tested = page.getByRole('region', { name: 'Connection test' });
  await tested.getByRole('button', { name: 'Test', exact: true }).click();
  await tested.getByText('Passed', { exact: true }).first().waitFor();
  await look('connections');

  await goTo(page, 'Discover');
  await page.getByRole('heading', { name: 'Discover', level: 1 }).waitFor();
  await page.getByRole('combobox', { name: 'Connection' }).click();
  await page.getByRole('option', { name: /^files/ }).click();
  await page.getByRole('button', { name: 'List its files' }).click();
  await page.getByRole('button', { name: 'Look again' }).waitFor();
  await page.getByRole('treegrid').getByText('sensors/*.parquet').click();
  await look('discover');

  await goTo(page, 'API preview');
  await page.getByRole('heading', { name: 'API preview', level: 1 }).waitFor();
  await page
    .getByRole('combobox', { name: 'Job' })
    .or(page.getByRole('textbox', { name: 'Job' }))
    .first()
    .click();
  await page.getByRole('option', { name: 'shop.products' }).click();
  await page.getByRole('button', { name: /^Preview( again)?$/ }).click();
  await page.getByRole('list', { name: 'Pages' }).waitFor();
  await look('api');

  await goTo(page, 'Runs');
  await page.getByText('12 of 12').waitFor();
  await look('runs');
  await page
    .getByRole('button', { name: /^Open run/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'shop.orders' }).click();
  await page.getByRole('region', { name: 'shop.orders' }).getByText('into raw.orders').waitFor();
  await look('run');

  await goTo(page, 'Results');
  await page
    .getByRole('button', { name: /^orders/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'raw.orders', level: 1 }).waitFor();
  await page.getByText('2 distinct').first().waitFor();
  expect(await page.getByRole('textbox', { name: 'Query' }).inputValue()).toContain('FROM raw.orders');
  await look('results');

  await goTo(page, 'Export');
  await page.getByText('Nothing blocks it').waitFor();
  await page.getByRole('button', { name: 'Export 3 files' }).click();
  await page.getByText('Nothing has changed').waitFor();
  await page.getByRole('region', { name: 'News' }).getByRole('button', { name: 'Dismiss' }).click();
  await look('export');

  await goTo(page, 'Quality');
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  await look('quality');

  await goTo(page, 'Settings');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await look('settings');

  await goTo(page, 'Jobs');
  await page.getByRole('grid', { name: 'Jobs' }).waitFor();
  await page.keyboard.press('Control+k');
  await page
    .getByRole('dialog', { name: 'All commands' })
    .getByRole('listbox', { name: 'Commands and jobs' })
    .waitFor();
  await look('palette');
  await page.keyboard.press('Escape');

  // A menu that stays open while its boxes are ticked, by keyboard too.
  const columns = page.getByRole('button', { name: 'Columns' });
  await columns.click();
  const menu = page.getByRole('menu', { name: 'Columns' });
  await menu.getByRole('menuitemradio', { name: 'In groups', checked: true }).waitFor();
  found.push(...(await findings(page)).map((finding) => `columns: ${finding}`));
  const tags = menu.getByRole('menuitemcheckbox', { name: 'tags', exact: true });
  const before = await tags.getAttribute('aria-checked');
  await tags.focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => tags.getAttribute('aria-checked')).toBe(before === 'true' ? 'false' : 'true');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await menu.getByRole('menuitemradio', { name: 'As in the workbook', checked: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('F1');
  await page.getByRole('dialog').waitFor();
  await look('shortcuts');
  await page.keyboard.press('Escape');

  // What is wrong, and what a save would change.
  await page.getByRole('gridcell', { name: 'INCREMENTAL', exact: true }).first().click();
  await page.keyboard.type('INCREMENT');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await page.keyboard.press('F8');
  await page.getByRole('button', { name: 'Change to INCREMENTAL' }).first().waitFor();
  await look('issues');
  await page.keyboard.press('Control+s');
  await page.getByRole('dialog', { name: 'Save these changes?' }).waitFor();
  await look('review');

  expect(found).toEqual([]);
  expect(problems).toEqual([]);
}, 240_000);
