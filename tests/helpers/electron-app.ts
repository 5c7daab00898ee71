import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { _electron, type ElectronApplication } from 'playwright-core';
import { findChromium } from '../electron-standin/chromium.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** True where Electron's own binary was downloaded; it is used then. */
export function hasElectron(): boolean {
  return existsSync(path.join(root, 'node_modules/electron/path.txt'));
}

const SOURCES = ['electron', 'engine', 'renderer', 'electron.vite.config.ts', 'package.json'];

/** How long another suite's build may take, in milliseconds. */
const PATIENCE = 50_000;

/** Builds main, preload and page as `npm run build` does, unless they are up to date. One suite builds, the others wait for it. */
export async function buildApp(): Promise<void> {
  const out = path.join(root, 'out');
  const [stamp, lock] = [path.join(out, 'built'), path.join(out, 'building')];
  mkdirSync(out, { recursive: true });
  for (const until = Date.now() + PATIENCE; ; ) {
    if (isNewer(stamp)) return;
    try {
      mkdirSync(lock);
      break;
    } catch {
      // A build that was killed leaves its lock behind.
      if (Date.now() > until) rmSync(lock, { recursive: true, force: true });
      await delay(100);
    }
  }
  try {
    const begun = new Date();
    const cli = path.join(root, 'node_modules/electron-vite/bin/electron-vite.js');
    // Else the test runner's own `test` would build React's slower half, which nobody gets.
    const env = { ...process.env, NODE_ENV: 'production' };
    await promisify(execFile)(process.execPath, [cli, 'build', '--logLevel', 'error'], { cwd: root, env });
    writeFileSync(stamp, '');
    // What is saved while it builds is not in it.
    utimesSync(stamp, begun, begun);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Is the last build newer than every file that goes into it? */
function isNewer(stamp: string): boolean {
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = (file: string): number => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return 0;
    // A folder's own time tells of files that went.
    const inner = found.isDirectory() ? readdirSync(file).map((name) => newest(path.join(file, name))) : [];
    return Math.max(found.mtimeMs, ...inner);
  };
  return SOURCES.every((source) => newest(path.join(root, source)) < built);
}

/**
 * Starts the built application (or the one in another `folder`), with `variables` over the environment's: in Electron where its binary is there, else in the stand-in (tests/electron-standin).
 * @throws Error with the command to install what is missing
 */
export async function launchApp(variables: Record<string, string> = {}, folder = root): Promise<ElectronApplication> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  if (!hasElectron()) {
    if (process.platform === 'win32') {
      throw new Error(
        'The window tests need Electron here: npx install-electron (the stand-in runs on Linux and macOS).',
      );
    }
    findChromium();
    process.env['ELECTRON_OVERRIDE_DIST_PATH'] = path.join(root, 'tests/electron-standin');
  }
  return _electron.launch({ args: ['.'], cwd: folder, env: { ...env, ...variables } });
}
