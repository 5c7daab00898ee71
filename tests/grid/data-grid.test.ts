import type { BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GridPages, serveGridPage } from './open-grid-page.ts';
import type {} from './test-grid.ts';

/**
 * The grid in a real Chromium, driven as a person drives it. Columns: name, source, disposition, sql, enabled, size; 1000 rows.
 * One page for all tests, each with a grid of its own on it.
 */
let pages: GridPages;
let page: Page;
let context: BrowserContext;
let problems: string[];

beforeAll(async () => {
  pages = await serveGridPage();
  ({ page, context, problems } = await pages.open());
});
afterAll(() => pages?.[Symbol.asyncDispose]());
beforeEach(() => visit(''));
afterEach(() => expect(problems.splice(0)).toEqual([]));

const COLUMNS = ['name', 'source', 'disposition', 'sql', 'enabled', 'size'];
/** By the id of the row: `r0` is the first one saved. */
const cellOf = (rowId: string, column: string): Locator =>
  page.locator(`[data-row-id="${rowId}"] [data-column="${column}"]`);
const cell = (row: number, column: string): Locator => cellOf(`r${row}`, column);
const press = async (...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key);
};
const values = (column: string, from: number, to: number) =>
  page.evaluate(
    ([name, start, end]) =>
      window.testGrid.store
        .rows()
        .slice(start, end + 1)
        .map((row) => row[name] ?? ''),
    [column, from, to] as const,
  );
const editLabels = () => page.evaluate(() => window.testGrid.edits.map(({ label }) => label));
const setClipboard = (text: string) => page.evaluate((value) => navigator.clipboard.writeText(value), text);
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
const paste = async (text: string) => {
  await setClipboard(text);
  await press('Control+v');
};
const copy = async () => {
  await press('Control+c');
  return (await clipboard()).replaceAll('\r\n', '\n');
};
/** `row:column` of the active cell, as screen readers are told. */
const active = () =>
  page.evaluate(async () => {
    // A cell far away is drawn in the frame after the key.
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    const id = document.activeElement?.getAttribute('aria-activedescendant');
    const found = id == null ? null : document.getElementById(id);
    return `${found?.closest('[role=row]')?.getAttribute('data-row-id')}:${found?.getAttribute('data-column')}`;
  });
const setView = (change: object) =>
  page.evaluate((more) => window.testGrid.setView({ ...window.testGrid.view, ...more }), change);
const shownIds = (count: number) =>
  page.evaluate((many) => window.testGrid.handle.current?.visibleRowIds().slice(0, many), count);
const visit = async (query: string, { width = 1100, height = 700 }: { width?: number; height?: number } = {}) => {
  const size = page.viewportSize();
  if (size?.width !== width || size.height !== height) await page.setViewportSize({ width, height });
  await page.mouse.move(0, 0);
  await page.evaluate((fixture) => window.mountGrid(fixture), query);
};

test('roles, counts and names are those of an ARIA grid', async () => {
  const grid = page.getByRole('grid', { name: 'Jobs' });
  expect(await grid.getAttribute('aria-rowcount')).toBe('1002');
  expect(await grid.getAttribute('aria-colcount')).toBe('7');
  expect(await page.getByRole('columnheader', { name: 'disposition' }).getAttribute('aria-colindex')).toBe('4');
  expect(await page.locator('[data-row-id=r3]').getAttribute('aria-rowindex')).toBe('6');
  expect(await page.getByRole('rowheader', { name: /, 5$/ }).count()).toBe(1);
  await cell(3, 'sql').click();
  expect(await cell(3, 'sql').getAttribute('aria-selected')).toBe('true');
  expect(await page.getByRole('gridcell', { selected: true }).count()).toBe(1);
  expect(await active()).toBe('r3:sql');
});

test('a range grown with Shift is copied as TSV', async () => {
  await cell(1, 'name').click();
  await press('Shift+ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowRight');
  expect(await copy()).toBe('job_1\tpostgres\njob_2\tpostgres\njob_3\tpostgres');
  const html = await page.evaluate(async () => {
    const [item] = await navigator.clipboard.read();
    return await (await item?.getType('text/html'))?.text();
  });
  expect(html).toContain('job_1');
});

test('twenty arrows are not too many', async () => {
  await cell(0, 'name').click();
  for (let count = 0; count < 20; count += 1) await press('ArrowDown');
  expect(await copy()).toBe('job_20');
});

test('a paste from Excel blanks nothing below', async () => {
  await cell(1, 'name').click();
  await paste('aaa\tmysql\r\nbbb\toracle\r\n');
  expect(await values('name', 0, 4)).toEqual(['job_0', 'aaa', 'bbb', 'job_3', 'job_4']);
  expect(await values('source', 0, 4)).toEqual(['postgres', 'mysql', 'oracle', 'postgres', 'postgres']);
  expect(await editLabels()).toEqual(['Paste 4 cells']);
  expect(await copy()).toBe('aaa\tmysql\nbbb\toracle');
});

test('quoted lines are one cell, and are copied as one', async () => {
  await cell(1, 'sql').click();
  await paste('"select ""x""\nfrom t"\tfalse\r\n');
  expect(await values('sql', 1, 2)).toEqual(['select "x"\nfrom t', 'select 2']);
  expect(await values('enabled', 1, 1)).toEqual(['false']);
  await cell(1, 'sql').click();
  expect(await copy()).toBe('"select ""x""\nfrom t"');
});

test('one value fills a range, a block repeats', async () => {
  await cell(10, 'source').click();
  await press('Shift+ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown');
  await paste('kafka');
  expect(await values('source', 9, 14)).toEqual(['postgres', 'kafka', 'kafka', 'kafka', 'kafka', 'postgres']);
  await paste('a\nb');
  expect(await values('source', 10, 13)).toEqual(['a', 'b', 'a', 'b']);
});

test('rows are added past the end, in one step of undo', async () => {
  await cell(0, 'name').click();
  await press('Control+End', 'Home');
  await paste('last\nnew_1\nnew_2\r\n');
  expect(await values('name', 998, 1002)).toEqual(['job_998', 'last', 'new_1', 'new_2']);
  expect(await editLabels()).toEqual(['Paste 3 cells']);
  expect(await copy()).toBe('last\nnew_1\nnew_2');
  await press('Control+z');
  expect(await values('name', 998, 1002)).toEqual(['job_998', 'job_999']);
  await press('Control+y');
  expect(await values('name', 1000, 1001)).toEqual(['new_1', 'new_2']);
});

test('cut takes the texts away', async () => {
  await cell(2, 'name').click();
  await press('Control+x');
  expect(await clipboard()).toBe('job_2');
  expect(await values('name', 2, 2)).toEqual(['']);
});

test('Delete clears the range; undo brings it back in one step', async () => {
  await cell(4, 'source').click();
  await press('Shift+ArrowDown', 'Delete');
  expect(await values('source', 3, 6)).toEqual(['postgres', '', '', 'postgres']);
  await press('Control+z');
  expect(await values('source', 3, 6)).toEqual(['postgres', 'postgres', 'postgres', 'postgres']);
  expect(await active()).toBe('r4:source');
});

test('typing replaces, Enter goes down, Tab right, Escape keeps what was', async () => {
  await cell(6, 'name').click();
  await page.keyboard.type('hello');
  await press('Enter');
  expect(await values('name', 5, 7)).toEqual(['job_5', 'hello', 'job_7']);
  expect(await active()).toBe('r7:name');
  await page.keyboard.type('x');
  await press('Tab');
  expect(await active()).toBe('r7:source');
  await page.keyboard.type('gone');
  await press('Escape');
  expect(await values('source', 7, 7)).toEqual(['postgres']);
  await page.keyboard.type('to the left');
  await press('ArrowLeft');
  expect(await active()).toBe('r7:name');
  expect(await values('source', 7, 7)).toEqual(['to the left']);
});

test('F2 keeps the text and gives it the arrows; Alt+Enter starts a line; a click elsewhere keeps the edit', async () => {
  await cell(8, 'sql').click();
  await press('F2');
  const field = page.locator('textarea');
  expect(await field.inputValue()).toBe('select 8');
  await press('ArrowLeft');
  await page.keyboard.type('!');
  await press('End', 'Alt+Enter');
  await page.keyboard.type('from t');
  await cell(14, 'sql').click();
  expect(await values('sql', 8, 8)).toEqual(['select !8\nfrom t']);
  expect(await editLabels()).toHaveLength(1);
});

test('Ctrl+Enter writes into the whole range', async () => {
  await cell(2, 'size').click();
  await press('Shift+ArrowDown', 'Shift+ArrowDown');
  await page.keyboard.type('7');
  await press('Control+Enter');
  expect(await values('size', 1, 5)).toEqual(['', '7', '7', '7', '']);
});

test('Ctrl+arrow, Home, End, page keys and their Shift forms', async () => {
  await cell(0, 'name').click();
  await press('Control+End');
  expect(await active()).toBe('r999:size');
  await cellOf('r999', 'size').waitFor();
  await press('Control+Home');
  expect(await active()).toBe('r0:name');
  await press('Control+ArrowDown');
  expect(await active()).toBe('r999:name');
  await press('Control+ArrowUp', 'End');
  expect(await active()).toBe('r0:size');
  await press('Home', 'PageDown');
  const [, row] = /r(\d+)/.exec(await active()) ?? [];
  expect(Number(row)).toBeGreaterThan(15);
  await press('Control+Home', 'Shift+End');
  expect(await copy()).toBe('job_0\tpostgres\tappend\tselect 0\ttrue\t');
});

test('the fill handle continues a series and copies with Ctrl', async () => {
  const drag = async (to: number, column: string) => {
    const handle = await page.locator('[data-fill-handle]').boundingBox();
    const target = await cell(to, column).boundingBox();
    if (handle === null || target === null) throw new Error('nothing to drag');
    await page.mouse.move(handle.x + 4, handle.y + 4);
    await page.mouse.down();
    await page.mouse.move(target.x + 20, target.y + 6, { steps: 5 });
    await page.mouse.move(target.x + 20, target.y + 12);
    await page.mouse.up();
  };
  await cell(2, 'name').click();
  await drag(5, 'name');
  expect(await values('name', 1, 6)).toEqual(['job_1', 'job_2', 'job_3', 'job_4', 'job_5', 'job_6']);
  expect(await editLabels()).toEqual([]);
  await cell(2, 'sql').click();
  await drag(4, 'sql');
  expect(await values('sql', 2, 5)).toEqual(['select 2', 'select 3', 'select 4', 'select 5']);
  await cell(2, 'disposition').click();
  await page.keyboard.type('t9');
  await press('Enter', 'ArrowUp');
  await drag(4, 'disposition');
  expect(await values('disposition', 2, 5)).toEqual(['t9', 't10', 't11', 'append']);
  await press('Control+z');
  expect(await values('disposition', 2, 4)).toEqual(['t9', 'append', 'append']);
  await cell(2, 'disposition').click();
  await page.keyboard.down('Control');
  await drag(4, 'disposition');
  await page.keyboard.up('Control');
  expect(await values('disposition', 2, 5)).toEqual(['t9', 't9', 't9', 'append']);
});

test('Ctrl+D fills down', async () => {
  await cell(3, 'name').click();
  await press('Shift+ArrowDown', 'Shift+ArrowDown', 'Control+d');
  expect(await values('name', 3, 6)).toEqual(['job_3', 'job_3', 'job_3', 'job_6']);
});

test('a drop-down filters while typing; Enter takes the proposal, Escape then Enter the text', async () => {
  await cell(3, 'disposition').dblclick();
  await page.getByRole('option').first().waitFor();
  expect(await page.getByRole('option').allTextContents()).toEqual(['append', 'replace', 'merge']);
  await page.getByRole('option', { name: 'merge' }).click();
  expect(await values('disposition', 3, 3)).toEqual(['merge']);
  await press('ArrowDown');
  await page.keyboard.type('rep');
  expect(await page.getByRole('option').allTextContents()).toEqual(['replace']);
  await press('Enter');
  expect(await values('disposition', 4, 4)).toEqual(['replace']);
  await page.keyboard.type('rep');
  await press('Escape', 'Enter');
  expect(await values('disposition', 5, 5)).toEqual(['rep']);
  await page.keyboard.type('upsert');
  await press('Enter');
  expect(await values('disposition', 6, 6)).toEqual(['upsert']);
  await cell(7, 'source').click();
  await page.keyboard.type('or');
  await press('ArrowDown', 'Enter');
  expect(await values('source', 7, 7)).toEqual(['oracle']);
  await page.keyboard.type('or');
  await press('Enter');
  expect(await values('source', 8, 8)).toEqual(['or']);
});

test('a wrong value stays, is marked and explained, and can be mended from the popover', async () => {
  await cell(1, 'name').click();
  await paste('bad name!');
  const wrong = cell(1, 'name');
  expect(await wrong.getAttribute('aria-invalid')).toBe('true');
  const described = await wrong.getAttribute('aria-describedby');
  expect(await page.locator(`[id="${described}"]`).textContent()).toBe('"bad name!": use a-z, 0-9 and _');
  expect(await page.getByRole('rowheader', { name: /Invalid, not saved, 3/ }).count()).toBe(1);
  await page.getByRole('button', { name: 'Fix it' }).click();
  expect(await values('name', 1, 1)).toEqual(['fixed']);
  expect(await wrong.getAttribute('aria-invalid')).toBeNull();
});

test('check boxes: Space for a range, a click for one', async () => {
  await cell(2, 'enabled').click({ position: { x: 4, y: 12 } });
  await press('Shift+ArrowDown', 'Shift+ArrowDown', 'Space');
  expect(await values('enabled', 1, 5)).toEqual(['true', 'false', 'false', 'false', 'true']);
  await cell(8, 'enabled').locator('[data-check]').click();
  expect(await values('enabled', 8, 8)).toEqual(['false']);
  await cell(9, 'enabled').click({ position: { x: 4, y: 12 } });
  await page.keyboard.type('maybe');
  await press('Enter');
  expect(await cell(9, 'enabled').textContent()).toContain('maybe');
});

test('an input method composes in the cell', async () => {
  await cell(2, 'name').click();
  const client = await context.newCDPSession(page);
  await client.send('Input.imeSetComposition', { text: 'に', selectionStart: 1, selectionEnd: 1 });
  expect(await page.locator('[data-editing] textarea').isVisible()).toBe(true);
  await client.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await client.send('Input.insertText', { text: '日本' });
  await page.keyboard.type('1');
  await press('Enter');
  expect(await values('name', 1, 3)).toEqual(['job_1', '日本1', 'job_3']);
});

test('after a sort a paste goes to the rows that are seen, and the saved order stays', async () => {
  await setView({ sort: [{ columnId: 'name', descending: true }] });
  expect(await shownIds(3)).toEqual(['r999', 'r998', 'r997']);
  expect(await page.getByRole('columnheader', { name: 'name' }).getAttribute('aria-sort')).toBe('descending');
  await cell(999, 'name').click();
  await paste('first\nsecond');
  expect(await values('name', 997, 999)).toEqual(['job_997', 'second', 'first']);
  expect(await shownIds(3)).toEqual(['r999', 'r998', 'r997']);
  await press('Control+z');
  expect(await values('name', 998, 999)).toEqual(['job_998', 'job_999']);
  await page.evaluate(() => window.testGrid.handle.current?.moveRows('down'));
  expect(await page.evaluate(() => window.testGrid.messages)).toEqual([
    'Rows cannot be moved while they are sorted: clear the sort first.',
  ]);
});

test('after a filter Delete and delete rows reach only what is seen', async () => {
  await setView({ filters: { name: { values: null, text: '99' } } });
  expect(await shownIds(20)).toEqual([
    'r99',
    'r199',
    'r299',
    'r399',
    'r499',
    'r599',
    'r699',
    'r799',
    'r899',
    'r990',
    'r991',
    'r992',
    'r993',
    'r994',
    'r995',
    'r996',
    'r997',
    'r998',
    'r999',
  ]);
  await cell(99, 'source').click();
  await press('Shift+ArrowDown', 'Delete');
  expect(await values('source', 98, 100)).toEqual(['postgres', '', 'postgres']);
  expect(await values('source', 199, 200)).toEqual(['', 'postgres']);
  await press('Control+-');
  expect(await page.evaluate(() => window.testGrid.store.rowIds().length)).toBe(998);
  expect(await values('name', 98, 100)).toEqual(['job_98', 'job_100', 'job_101']);
});

test('the column menu sorts and filters by keys and pointer', async () => {
  await cell(0, 'name').click();
  await press('Control+Shift+L');
  const menu = page.getByRole('dialog', { name: 'Column name' });
  await menu.getByRole('button', { name: 'Sort Z to A' }).click();
  expect(await shownIds(1)).toEqual(['r999']);
  await page.getByRole('columnheader', { name: 'sql' }).hover();
  await page.getByRole('button', { name: 'Sort, filter and arrange sql' }).click();
  await page.getByRole('textbox', { name: 'sql contains' }).fill('select 12');
  await page.getByRole('checkbox', { name: /^select 12 ?1$/ }).uncheck();
  await page.keyboard.press('Escape');
  await menu.waitFor({ state: 'detached' });
  await page.getByRole('columnheader', { name: 'sql' }).hover();
  await page.getByRole('button', { name: 'Sort, filter and arrange sql' }).click();
  await page.getByRole('textbox', { name: 'sql contains' }).fill('select 12');
  await page.keyboard.press('Enter');
  expect(await shownIds(20)).toEqual([
    'r129',
    'r128',
    'r127',
    'r126',
    'r125',
    'r124',
    'r123',
    'r122',
    'r121',
    'r120',
    'r12',
  ]);
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
});

test('columns are resized by dragging, fitted by a double click, hidden and frozen', async () => {
  const header = page.getByRole('columnheader', { name: 'name' });
  const handle = header.locator('[data-resize]');
  const box = await handle.boundingBox();
  if (box === null) throw new Error('no handle');
  await page.mouse.move(box.x + 3, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + 63, box.y + 10, { steps: 4 });
  await page.mouse.up();
  expect((await header.boundingBox())?.width).toBe(210);
  await handle.dblclick();
  const fitted = (await header.boundingBox())?.width ?? 0;
  expect(fitted).toBeGreaterThan(40);
  expect(fitted).toBeLessThan(90);
  await setView({ hidden: ['source'] });
  expect(await page.getByRole('columnheader', { name: 'source' }).count()).toBe(0);
  await cell(1, 'name').click();
  await paste('a\tmerge');
  expect(await values('disposition', 1, 1)).toEqual(['merge']);
  expect(await values('source', 1, 1)).toEqual(['postgres']);

  await page.setViewportSize({ width: 420, height: 500 });
  await setView({ frozenThrough: 'name', hidden: [], widths: {} });
  const left = async () => (await cell(1, 'name').boundingBox())?.x;
  const before = await left();
  await press('End');
  expect(await left()).toBe(before);
  expect(await cell(1, 'size').isVisible()).toBe(true);
  const size = await cell(1, 'size').boundingBox();
  expect((size?.x ?? 0) + (size?.width ?? 0)).toBeLessThanOrEqual(421);
});

test('rows are moved by the gutter and by keys, and undone', async () => {
  const gutter = (row: number) => page.locator(`[data-row-id=r${row}] [role=rowheader]`);
  await gutter(1).click();
  await page.keyboard.down('Shift');
  await gutter(2).click();
  await page.keyboard.up('Shift');
  const from = await gutter(2).boundingBox();
  const to = await gutter(5).boundingBox();
  if (from === null || to === null) throw new Error('no gutter');
  await page.mouse.move(from.x + 20, from.y + 12);
  await page.mouse.down();
  await page.mouse.move(to.x + 20, to.y + 20, { steps: 6 });
  await page.mouse.up();
  expect(await values('name', 0, 6)).toEqual(['job_0', 'job_3', 'job_4', 'job_5', 'job_1', 'job_2', 'job_6']);
  expect(await page.evaluate(() => window.testGrid.handle.current?.selection().rowIds)).toEqual(['r1', 'r2']);
  await press('Alt+Shift+ArrowUp');
  expect(await values('name', 0, 6)).toEqual(['job_0', 'job_3', 'job_4', 'job_1', 'job_2', 'job_5', 'job_6']);
  await press('Control+z', 'Control+z');
  expect(await values('name', 0, 3)).toEqual(['job_0', 'job_1', 'job_2', 'job_3']);
});

test('rows are inserted, duplicated and deleted from the menu and by keys', async () => {
  await cell(1, 'name').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Insert row below' }).click();
  expect(await values('name', 0, 3)).toEqual(['job_0', 'job_1', '', 'job_2']);
  expect(await active()).toBe('n1:name');
  await cell(0, 'name').click();
  await press('Control+Shift+D');
  expect(await values('name', 0, 2)).toEqual(['job_0', 'job_0', 'job_1']);
  await press('Control+-');
  expect(await values('name', 0, 2)).toEqual(['job_0', 'job_1', '']);
  await press('Control+Shift++');
  expect(await values('name', 0, 3)).toEqual(['job_0', '', 'job_1', '']);
});

test('find goes round and shows its place; replace all is one step', async () => {
  await cell(0, 'name').click();
  await press('Control+f');
  await page.keyboard.type('job_99');
  await page.getByText('11 cells').waitFor();
  await press('Enter');
  await page.getByText('1 of 11').waitFor();
  await press('Enter');
  expect(await copyFromHandle()).toEqual(['r990', 'name']);
  await press('Escape', 'Control+h');
  await page.getByRole('textbox', { name: 'Find' }).fill('JOB_99');
  await page.getByRole('textbox', { name: 'Replace with' }).fill('task_');
  await page.getByRole('button', { name: 'Replace all' }).click();
  expect(await values('name', 990, 991)).toEqual(['task_0', 'task_1']);
  expect(await editLabels()).toEqual(['Replace “JOB_99”']);
});
const copyFromHandle = () =>
  page.evaluate(() => {
    const found = window.testGrid.handle.current?.selection().active;
    return [found?.rowId, found?.columnId];
  });

test('a drag past the edge scrolls along', async () => {
  await cell(2, 'name').scrollIntoViewIfNeeded();
  const box = await cell(2, 'name').boundingBox();
  if (box === null) throw new Error('no cell');
  await page.mouse.move(box.x + 10, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + 10, 690, { steps: 3 });
  await page.waitForFunction(() => (document.querySelector('[data-grid-viewport]')?.scrollTop ?? 0) > 400);
  await page.mouse.up();
  const rows = await page.evaluate(() => window.testGrid.handle.current?.selection().rowIds.length);
  expect(rows).toBeGreaterThan(30);
});

test('only the rows and columns in view are drawn', async () => {
  await visit('fixture=jobs&rows=10000&validate=off', { width: 900, height: 600 });
  expect(await page.getByRole('row').count()).toBeLessThan(50);
  const drawn = await page.locator('[data-row-id=r2] [role=gridcell]').count();
  expect(drawn).toBeLessThan(16);
  expect(await page.getByRole('columnheader').count()).toBeGreaterThan(25);
  await cell(2, 'table_name').click();
  await press('Control+End');
  await page.locator('[data-row-id=r9999]').waitFor();
});

test('a key draws no row, one that scrolls by a row draws that one', async () => {
  await cell(0, 'name').click();
  await page.evaluate(() => {
    const drawn: string[] = [];
    const observer = new MutationObserver((changes) => {
      for (const { type, target, attributeName } of changes) {
        if (type !== 'attributes') drawn.push('text');
        else if (attributeName === 'data-row-id') drawn.push((target as HTMLElement).dataset['rowId'] ?? '');
      }
    });
    const body = document.querySelector('[role=rowgroup]:has([data-row-id])') as Element;
    observer.observe(body, {
      subtree: true,
      attributes: true,
      attributeFilter: ['data-row-id', 'style'],
      childList: true,
    });
    Object.assign(window, { drawn });
  });
  const drawn = async () => {
    await active();
    return await page.evaluate(() => (window as unknown as { drawn: string[] }).drawn.splice(0));
  };
  const lastSeen = await page.evaluate(() => {
    const view = document.querySelector('[data-grid-viewport]') as Element;
    return Math.floor((view.clientHeight - 46) / 24) - 1;
  });
  for (let row = 0; row < lastSeen; row += 1) await press('ArrowDown');
  await press('ArrowUp', 'ArrowRight', 'ArrowLeft', 'ArrowDown');
  expect(await active()).toBe(`r${lastSeen}:name`);
  expect(await drawn()).toEqual([]);
  for (let row = 0; row < 12; row += 1) await press('ArrowDown');
  await drawn();
  await press('ArrowDown', 'ArrowDown');
  expect((await drawn()).filter((change) => change !== 'text')).toHaveLength(2);
});

test('drawn rows stand in the order in which they are shown, once scrolling rests', async () => {
  const drawnIds = () =>
    page.evaluate(() => [...document.querySelectorAll('[data-row-id]')].map((row) => row.getAttribute('data-row-id')));
  await cell(0, 'name').click();
  await press('PageDown', 'PageDown', 'PageDown', 'ArrowUp', 'PageUp');
  const first = Number((await active()).match(/\d+/)?.[0]);
  await expect
    .poll(async () => {
      const ids = await drawnIds();
      return ids.every((id, place) => id === `r${Number(ids[0]?.slice(1)) + place}`);
    })
    .toBe(true);
  expect(await drawnIds()).toContain(`r${first}`);
  await press('Control+End', 'Control+Home');
  await expect.poll(async () => (await drawnIds()).slice(0, 3)).toEqual(['r0', 'r1', 'r2']);
  await page.setViewportSize({ width: 1100, height: 1000 });
  await expect.poll(async () => (await drawnIds()).length).toBeGreaterThan(40);
});

test('a cell of 32,000 characters is edited and stays whole', async () => {
  const text = `select '${'x'.repeat(31_980)}'`;
  await cell(1, 'sql').click();
  await paste(text);
  await press('F2');
  const field = page.locator('textarea');
  expect((await field.inputValue()).length).toBe(text.length);
  expect((await field.boundingBox())?.height).toBeLessThan(300);
  await page.keyboard.type(';');
  await press('Enter');
  expect(await values('sql', 1, 1)).toEqual([`${text};`]);
});

test('read-only: everything can be seen and copied, nothing changed', async () => {
  await visit('readonly');
  await cell(1, 'name').click();
  await page.keyboard.type('x');
  await press('Delete', 'F2', 'Control+d');
  await paste('y');
  await press('Control+-');
  await cell(3, 'enabled').locator('[data-check]').click();
  expect(await editLabels()).toEqual([]);
  await cell(1, 'name').click();
  expect(await copy()).toBe('job_1');
  expect(await page.getByRole('grid').getAttribute('aria-readonly')).toBe('true');
});

test('Tab leaves the grid at its end, and the caller gets the keys that the grid does not use', async () => {
  await cell(0, 'name').click();
  await press('Control+End', 'Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('After the grid');
  await press('Shift+Tab');
  expect(await active()).toBe('r999:size');
});

test('no finding of axe in light and dark, with a range, a list, a menu and the find bar open', async () => {
  const { createRequire } = await import('node:module');
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.addScriptTag({ path: axe });
  for (const scheme of ['light', 'dark']) {
    await visit(`fixture=jobs&scheme=${scheme}`, { width: 1000, height: 640 });
    const audit = () =>
      page.evaluate(async () => {
        const { violations } = await (window as unknown as { axe: typeof import('axe-core') }).axe.run({
          // What floats hangs under the body, outside of all landmarks.
          rules: { region: { enabled: false } },
        });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
      });
    await cell(5, 'load_type').click();
    await page.getByRole('button', { name: 'Fix it' }).waitFor();
    expect(await audit()).toEqual([]);
    await press('Shift+ArrowDown', 'Control+h');
    expect(await audit()).toEqual([]);
    await press('Escape');
    await cell(4, 'load_type').dblclick();
    await page.getByRole('option').first().waitFor();
    expect(await audit()).toEqual([]);
    await press('Escape', 'Escape', 'Control+Shift+L');
    await page.getByRole('dialog').waitFor();
    expect(await audit()).toEqual([]);
    await press('Escape', 'Shift+F10');
    await page.getByRole('menu').waitFor();
    expect(await audit()).toEqual([]);
  }
});

test('nothing moves for those who asked for that', async () => {
  await visit('fixture=jobs', { width: 1000, height: 600 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const running = page.locator('[data-status=running]').first();
  expect(await running.evaluate((icon) => getComputedStyle(icon).animationName)).toBe('none');
  await page.emulateMedia({ reducedMotion: null });
});

test('every column can be reached by keys alone', async () => {
  await cell(0, 'name').click();
  const seen: string[] = [];
  for (const _column of COLUMNS) {
    seen.push(await active());
    await press('ArrowRight');
  }
  expect(seen).toEqual(COLUMNS.map((column) => `r0:${column}`));
});
