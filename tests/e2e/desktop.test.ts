import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectFileText } from '../../engine/bundle/project-file.ts';
import type { Bridge, CallName, Input, Output, WireReply } from '../../engine/contract.ts';
import { buildApp, launchApp } from '../helpers/electron-app.ts';
import { silentServer } from '../helpers/silent-server.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

declare global {
  interface Window {
    readonly ingestStudio: Bridge;
    heard: { name: string; data: unknown }[];
    menu: string[];
  }
}

const SAMPLE = path.resolve(import.meta.dirname, '../../resources/sample');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let app: ElectronApplication;
let page: Page;

/** Starts the application with a home of its own. */
async function start(home = path.join(folder.path, 'home')): Promise<void> {
  await mkdir(home, { recursive: true });
  const config = path.join(home, '.config');
  app = await launchApp({ HOME: home, XDG_CONFIG_HOME: config, INGEST_STUDIO_USER_DATA: path.join(home, 'data') });
  page = await app.firstWindow();
  await page.getByRole('main').waitFor();
  await listen();
}

const listen = () =>
  page.evaluate(() => {
    window.heard = [];
    window.menu = [];
    window.ingestStudio.on((name, data) => window.heard.push({ name, data }));
    window.ingestStudio.onMenu((action) => window.menu.push(action));
  });

beforeAll(async () => {
  await buildApp();
  folder = await temporaryFolder();
  await start();
});
afterAll(async () => {
  await app?.close();
  await folder?.[Symbol.asyncDispose]();
});

let last = 0;
async function reply(name: string, input?: unknown): Promise<WireReply> {
  last += 1;
  return page.evaluate(([id, call, value]) => window.ingestStudio.call(id as string, call as string, value), [
    `call-${last}`,
    name,
    input,
  ] as const);
}
async function call<Name extends CallName>(name: Name, input: Input<Name>): Promise<Output<Name>> {
  const answer = await reply(name, input);
  if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.value as Output<Name>;
}

const enginePid = () =>
  app.evaluate(({ utilityProcess }) => (utilityProcess as unknown as { pids(): number[] }).pids()[0]!);

async function project(name: string): Promise<string> {
  const directory = path.join(folder.path, name);
  await mkdir(directory, { recursive: true });
  await cp(SAMPLE, directory, { recursive: true, filter: (file) => !file.endsWith('.ts') });
  return directory;
}

test('the window reaches the engine, which is another process than the main one', async () => {
  expect(await call('app.about', undefined)).toMatchObject({ host: 'desktop', version: expect.stringMatching(/^\d/) });
  const document = await call('project.open_sample', undefined);
  expect(document.directory).toBe(path.join(folder.path, 'home/Documents/Ingest Studio sample'));
  expect(document.sheets.SourceConfig?.rows.length).toBeGreaterThan(3);
  const main = await app.evaluate(() => process.pid);
  expect(await enginePid()).not.toBe(main);
});

test('the main process never loads DuckDB', async () => {
  const bundle = await readFile(path.resolve(import.meta.dirname, '../../out/main/index.js'), 'utf8');
  expect(bundle).not.toMatch(/duckdb|exceljs/i);
  await call('project.open_sample', undefined);
  const loaded = await app.evaluate(() => process.report.getReport() as unknown as { sharedObjects: string[] });
  expect(loaded.sharedObjects.filter((file) => /duckdb/i.test(file))).toEqual([]);
});

test('nonsense from the page is refused, and the engine goes on', async () => {
  const nonsense: [string, unknown][] = [
    ['nonsense', undefined],
    ['__proto__', {}],
    ['project.open', undefined],
    ['project.open', { directory: 7 }],
    ['project.save', { directory: 'x', edits: 'all' }],
    ['run.start', []],
    ['settings.set', { max_workers: -1, nonsense: true }],
  ];
  for (const [name, input] of nonsense) {
    const code = expect.stringMatching(/^CALL_(UNKNOWN|INPUT_INVALID)$/);
    expect(await reply(name, input), name).toMatchObject({ ok: false, error: { code } });
  }
  const odd = await page.evaluate(async () => {
    const { call } = window.ingestStudio as unknown as { call(...args: unknown[]): Promise<{ ok: boolean }> };
    return Promise.all([call(), call(1, 2, 3), call(null, {}, []), call('same', 'app.about'), call({}, 'app.about')]);
  });
  expect(odd.map(({ ok }) => ok)).toEqual([false, false, false, true, false]);
  await page.evaluate(() => {
    const bridge = window.ingestStudio as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of ['cancel', 'showFolder', 'setUnsaved']) bridge[name]!({ x: [1] }, null, 7);
  });
  expect(await call('app.about', undefined)).toMatchObject({ host: 'desktop' });
});

test('an engine that is killed in the middle of a call is started again, and that is said', async () => {
  const directory = await project('killed');
  await call('project.open', { directory, env: null });
  await using server = await silentServer();
  const connection = {
    name: 'slow',
    type: 'postgresql',
    values: { host: '127.0.0.1', port: server.port, database: 'd', username: 'u', ssl_mode: 'disable' },
    secrets: {},
  };
  const waiting = reply('connection.test', { directory, env: null, connection, previous_name: null });
  await server.asked;
  const first = await enginePid();
  process.kill(first, 'SIGKILL');
  expect(await waiting).toMatchObject({
    ok: false,
    error: {
      code: 'ENGINE_STOPPED',
      message: expect.stringContaining('stopped unexpectedly'),
      hint: expect.any(String),
    },
  });
  await expect
    .poll(() => page.evaluate(() => window.heard.map(({ name }) => name)), { timeout: 10_000 })
    .toContain('engine.restarted');
  expect(await call('project.open', { directory, env: null })).toMatchObject({ directory });
  expect(await enginePid()).not.toBe(first);
});

test('an engine that is killed in the middle of a run leaves the project intact; the next run is whole', async () => {
  const directory = await project('killed-run');
  const workbook = () => readFile(path.join(directory, 'ingestion_config.xlsx'));
  const before = await workbook();
  await call('project.open', { directory, env: null });
  const start = { directory, env: null, rows: null, destination: null };
  await call('run.start', start);
  await expect
    .poll(() => page.evaluate(() => window.heard.filter(({ name }) => name === 'run.event').length), {
      timeout: 20_000,
    })
    .toBeGreaterThan(3);
  const first = await enginePid();
  process.kill(first, 'SIGKILL');
  await expect.poll(enginePid, { timeout: 10_000 }).not.toBe(first);
  const { run_id } = await call('run.start', start);
  const status = async () => (await call('run.get', { directory, run_id })).summary.status;
  await expect.poll(status, { timeout: 40_000, interval: 200 }).toBe('SUCCESS');
  const runs = await call('run.list', { directory });
  expect(runs.filter((run) => run.status === 'RUNNING')).toEqual([]);
  expect(await workbook()).toEqual(before);
});

test('calls that are made while the engine is down wait for it', async () => {
  await expect.poll(enginePid).toBeGreaterThan(0);
  const first = await enginePid();
  process.kill(first, 'SIGKILL');
  // From now on the main process knows.
  await expect.poll(enginePid).not.toBe(first);
  expect(await call('app.about', undefined)).toMatchObject({ host: 'desktop' });
});

test('events reach the window: a file that changes outside', async () => {
  const directory = await project('watched');
  await call('project.open', { directory, env: null });
  await writeFile(path.join(directory, '.dlt/config.toml'), '# changed\n');
  await expect
    .poll(() => page.evaluate(() => window.heard.map(({ name }) => name)), { timeout: 10_000 })
    .toContain('project.changed_on_disk');
});

test('a page that is loaded anew finds its project again, with what it had not saved', async () => {
  const directory = await project('reloaded');
  const { fingerprint } = await call('project.open', { directory, env: null });
  const edits = [{ kind: 'set' as const, sheet: 'SourceConfig', row: 2, column: 0, text: 'unsaved' }];
  await call('project.keep_recovery', { directory, fingerprint, edits });
  await page.reload();
  await page.getByRole('main').waitFor();
  await listen();
  expect((await call('project.open', { directory, env: null })).recovery).toMatchObject({ fits: true, edits });
});

test('a workbook that is dropped onto the window is opened', async () => {
  const directory = await project('dropped');
  await page.evaluate(
    (file) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['x'], file));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    path.join(directory, 'ingestion_config.xlsx'),
  );
  await page.getByRole('banner').getByText('dropped').waitFor();
});

test('a project’s file that is double-clicked while the application runs opens its folder', async () => {
  const directory = await project('clicked');
  await writeFile(path.join(directory, 'Shop.ingest'), projectFileText());
  const other = await project('by-mac');
  await writeFile(path.join(other, 'Shop.ingest'), projectFileText());
  // Another start of the application hands over its arguments: the switches of Chromium, and paths from its own folder.
  await app.evaluate(
    ({ app }, cwd) => app.emit('second-instance', {}, ['electron', '--some-switch', '.', 'Shop.ingest'], cwd, null),
    directory,
  );
  await page.getByRole('banner').getByText('clicked').waitFor();
  const prevented = await app.evaluate(
    ({ app }, file) => {
      let stopped = false;
      app.emit('open-file', { preventDefault: () => (stopped = true) }, file);
      return stopped;
    },
    path.join(other, 'Shop.ingest'),
  );
  expect(prevented).toBe(true);
  await page.getByRole('banner').getByText('by-mac').waitFor();
  // Without a path it only shows the window.
  await app.evaluate(({ app }) => app.emit('second-instance', {}, ['electron', '.'], '/', null));
  await page.getByRole('banner').getByText('by-mac').waitFor();
});

test('the menu’s commands are heard in the window', async () => {
  // The projects that were opened before may still be on their way: a person would click again, too.
  const click = () => app.evaluate(({ Menu }) => Menu.getApplicationMenu()!.getMenuItemById('project.save')!.click());
  await expect
    .poll(async () => {
      await click();
      return await page.evaluate(() => [...new Set(window.menu)]);
    })
    .toEqual(['project.save']);
});

test('dialogs are the system’s; a title that is no text does no harm', async () => {
  await app.evaluate(({ dialog }) => {
    const asked: unknown[] = [];
    Object.assign(globalThis, { asked });
    dialog.showOpenDialog = async (...args: unknown[]) => {
      asked.push(args.at(-1));
      return { canceled: false, filePaths: ['/data/in'] };
    };
    dialog.showSaveDialog = async (...args: unknown[]) => {
      asked.push(args.at(-1));
      return { canceled: true, filePath: '' };
    };
  });
  const picked = await page.evaluate(async () => [
    await window.ingestStudio.pickFolder('Open'),
    await window.ingestStudio.pickFile('Open', ['xlsx', '../x', 7 as never]),
    await window.ingestStudio.pickFolder({} as never),
    await window.ingestStudio.pickSaveFile('Save', '../../etc/passwd'),
  ]);
  expect(picked).toEqual(['/data/in', '/data/in', '/data/in', null]);
  expect(await app.evaluate(() => (globalThis as unknown as { asked: unknown }).asked)).toEqual([
    { title: 'Open', properties: ['openDirectory', 'createDirectory'] },
    { title: 'Open', properties: ['openFile'], filters: [{ name: '*.xlsx', extensions: ['xlsx'] }] },
    { title: '', properties: ['openDirectory', 'createDirectory'] },
    { title: 'Save', defaultPath: 'passwd' },
  ]);
});

test('a folder is shown, a program never started', async () => {
  await app.evaluate(({ shell }) => {
    const shown: string[] = [];
    Object.assign(globalThis, { shown });
    shell.showItemInFolder = (file: string) => void shown.push(file);
  });
  const directory = await project('shown');
  await page.evaluate((given) => {
    for (const one of ['relative', `${given}/ingestion_config.xlsx`, '/nowhere', '', given])
      window.ingestStudio.showFolder(one);
  }, directory);
  await expect
    .poll(() => app.evaluate(() => (globalThis as unknown as { shown: string[] }).shown))
    .toEqual([directory]);
});

test('a window with unsaved edits asks before it closes: cancel keeps it, save is asked of the page', async () => {
  await app.evaluate(({ dialog }) => {
    const answers = [2, 0];
    Object.assign(globalThis, { answers });
    dialog.showMessageBox = async () => ({ response: answers.shift() ?? 2, checkboxChecked: false });
  });
  // With a project that has nothing to save, the page would close the window as soon as it is asked.
  await app.evaluate(({ Menu }) => Menu.getApplicationMenu()!.getMenuItemById('project.close')!.click());
  await page.getByRole('banner').getByText('by-mac').waitFor({ state: 'hidden' });
  await page.evaluate(() => window.ingestStudio.setUnsaved(true));
  // Goes the same way: when it is answered, the other was heard.
  await call('app.about', undefined);
  const windows = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
  const close = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.close());
  await expect
    .poll(async () => {
      await close();
      return app.evaluate(() => (globalThis as unknown as { answers: number[] }).answers.length);
    })
    .toBeLessThan(2);
  expect(await windows()).toBe(1);
  await expect
    .poll(async () => {
      await close();
      return page.evaluate(() => window.menu);
    })
    .toContain('project.save_and_close');
  expect(await windows()).toBe(1);
  const closed = page.waitForEvent('close');
  await page.evaluate(() => window.ingestStudio.closeWindow());
  await closed;
});

test('the window opens where it was closed, unless no screen shows that place any more', async () => {
  const home = path.join(folder.path, 'home');
  const file = path.join(home, '.config/ingest-studio/window-state.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1, width: 1280, height: 820 });
  const reopen = async (state: object) => {
    await app.close().catch(() => undefined);
    await writeFile(file, JSON.stringify(state));
    await start(home);
    return app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getNormalBounds());
  };
  const state = { version: 1, x: 40, y: 30, width: 900, height: 700, maximized: false };
  expect(await reopen(state)).toEqual({ x: 40, y: 30, width: 900, height: 700 });
  expect(await reopen({ ...state, x: 5000 })).toMatchObject({ width: 1280, height: 820 });
});
