import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp, launchApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { PROBES } from './security-probes.ts';

const root = path.resolve(import.meta.dirname, '../..');
const names = Object.keys(PROBES) as (keyof typeof PROBES)[];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  await buildApp();
  folder = await temporaryFolder();
});
afterAll(() => folder?.[Symbol.asyncDispose]());

const home = () => ({ HOME: folder.path, INGEST_STUDIO_USER_DATA: path.join(folder.path, 'data') });

async function open(from?: string): Promise<{ app: ElectronApplication; page: Page }> {
  const app = await launchApp(home(), from);
  const page = await app.firstWindow();
  await page.getByRole('main').waitFor();
  return { app, page };
}

describe('the security baseline, point by point', () => {
  let running: { app: ElectronApplication; page: Page };
  beforeAll(async () => {
    running = await open();
  });
  afterAll(() => running?.app.close());

  test.each(names)('%s', async (name) => {
    expect(await PROBES[name](running.app, running.page)).toEqual([]);
  });
});

/** Each is a fault of its own; the probe must name all of them. */
const PREFERENCES = [
  [/contextIsolation: true/, 'contextIsolation: false'],
  [/sandbox: true/, 'sandbox: false'],
  [/nodeIntegration: false/, 'nodeIntegration: true'],
  [/webSecurity: true/, 'webSecurity: false'],
].map(([take, put]) => ({
  probe: 'the window’s preferences are the safe ones' as const,
  take: take as RegExp,
  put: put as string,
}));

/** What somebody could take out of the built application, and the point that must then be found broken. */
const FAULTS: readonly { probe: keyof typeof PROBES; file?: string; take: RegExp; put: string }[] = [
  {
    probe: 'the page has the bridge and nothing else of ours',
    file: 'preload/index.cjs',
    take: /(\w+(?:\.\w+)*)\.contextBridge\.exposeInMainWorld\(/,
    put: '$1.contextBridge.exposeInMainWorld("ipc", { invoke: (...a) => $1.ipcRenderer.invoke(...a) }); $&',
  },
  {
    probe: 'the content security policy stops inline scripts and other origins',
    take: /"script-src 'self'"/,
    put: '"script-src * \'unsafe-inline\'"',
  },
  { probe: 'the protocol serves its folder only', take: /\w+\.startsWith\(\w+ \+ \w+\.sep\)/, put: 'true' },
  { probe: 'no second window, and only https goes to the system', take: /=== "https:"/, put: '!== ""' },
  { probe: 'the window stays on its page, and takes no webview', take: /"will-navigate"/, put: '"will-navigate-not"' },
  {
    probe: 'every permission is denied',
    take: /setPermissionCheckHandler\(\(\) => false\)/,
    put: 'setPermissionCheckHandler(() => true)',
  },
  ...PREFERENCES,
  { probe: 'every page is sandboxed', take: /\w+\.enableSandbox\(\);/, put: '' },
  {
    probe: 'a call from a page that is not ours is refused',
    take: /function assertOwnSender\([^)]*\) \{/,
    put: '$& return;',
  },
];

const hasElectron = existsSync(path.join(root, 'node_modules/electron/path.txt'));

// The stand-in runs whatever bundle it is given; what a real Electron makes of these faults is the same.
describe.runIf(!hasElectron)('each point is found broken once its guard is taken out', () => {
  async function build(name: string, faults: readonly Omit<(typeof FAULTS)[number], 'probe'>[]): Promise<string> {
    const copy = path.join(folder.path, name);
    await mkdir(copy);
    await cp(path.join(root, 'out/main'), path.join(copy, 'out/main'), { recursive: true });
    await cp(path.join(root, 'out/preload'), path.join(copy, 'out/preload'), { recursive: true });
    await cp(path.join(root, 'out/renderer'), path.join(copy, 'out/renderer'), { recursive: true });
    await cp(path.join(root, 'package.json'), path.join(copy, 'package.json'));
    await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    for (const { file = 'main/index.js', take, put } of faults) {
      const target = path.join(copy, 'out', file);
      const text = await readFile(target, 'utf8');
      expect(text, `${take} stands in ${file}`).toMatch(take);
      await writeFile(target, text.replace(take, put));
    }
    return copy;
  }

  test('all of them, each by its own probe', async () => {
    const { app, page } = await open(await build('faulty', FAULTS));
    try {
      const found: Record<string, string[]> = {};
      for (const name of names) found[name] = await PROBES[name](app, page);
      for (const { probe } of FAULTS) expect(found[probe], probe).not.toEqual([]);
      expect(found['the window’s preferences are the safe ones']).toHaveLength(PREFERENCES.length);
    } finally {
      await app.close();
    }
  });

  test('popups', async () => {
    const { app, page } = await open(await build('popups', [{ take: /action: "deny"/, put: 'action: "allow"' }]));
    try {
      const probe = PROBES['no second window, and only https goes to the system'];
      expect(await probe(app, page)).toContain('window.open led to a second window');
    } finally {
      await app.close();
    }
  });
});
