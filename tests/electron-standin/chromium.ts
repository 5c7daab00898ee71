import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
];
const MAC_APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
];

/**
 * The installed Chromium, Chrome or Edge; `CHROMIUM_PATH` overrules.
 * @throws Error with the command that installs one
 */
export function findChromium(): string {
  const given = process.env['CHROMIUM_PATH'];
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const candidates =
    given === undefined
      ? [...folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))), ...MAC_APPLICATIONS]
      : [given];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    'The window tests need Chromium, Chrome or Edge and found none. Debian, Ubuntu: apt-get install -y chromium. ' +
      'Elsewhere install Chrome, or name a binary in CHROMIUM_PATH.',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Browser {
  process: ChildProcess;
  /** Address of its DevTools. */
  url: string;
  /** Kills it and removes its profile. */
  dispose(): void;
}

const SWITCHES = [
  '--headless',
  '--no-startup-window',
  '--remote-debugging-port=0',
  // The pipe is unused: through it the browser notices when this process is gone, however it ended.
  '--remote-debugging-pipe',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-extensions',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
  '--password-store=basic',
  '--use-mock-keychain',
  '--force-color-profile=srgb',
  '--disable-features=HttpsUpgrades,MediaRouter,OptimizationHints,PaintHolding',
  // Nothing but this machine can be reached.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/** Starts a browser without a window and with a profile of its own. */
export async function startChromium(): Promise<Browser> {
  const profile = mkdtempSync(path.join(tmpdir(), 'electron-standin-'));
  const child = spawn(findChromium(), [...SWITCHES, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  for (const pipe of child.stdio) pipe?.on('error', () => undefined);
  const dispose = () => {
    child.kill('SIGKILL');
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    } catch {
      // A browser that is still ending may write once more; the system clears its temporary folder.
    }
  };
  const url = await new Promise<string>((resolve, reject) => {
    const said: string[] = [];
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`Chromium stopped (${code}):\n${said.join('\n')}`)));
    createInterface({ input: child.stderr! }).on('line', (line) => {
      said.push(line);
      const address = /^DevTools listening on (ws:\/\/.*)$/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
  return { process: child, url, dispose };
}
