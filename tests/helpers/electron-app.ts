import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { _electron, type ElectronApplication } from 'playwright-core';
import { findChromium } from '../electron-standin/chromium.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** True where Electron's own binary was downloaded; it is used then. */
function hasElectron(): boolean {
  return existsSync(path.join(root, 'node_modules/electron/path.txt'));
}

/** Builds main, preload and page as `npm run build` does. */
export function buildApp(): void {
  const cli = path.join(root, 'node_modules/electron-vite/bin/electron-vite.js');
  execFileSync(process.execPath, [cli, 'build', '--logLevel', 'error'], { cwd: root, stdio: 'inherit' });
}

/**
 * Starts the built application: in Electron where its binary is there, else in the stand-in (tests/electron-standin).
 * @throws Error with the command to install what is missing
 */
export async function launchApp(): Promise<ElectronApplication> {
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
  return _electron.launch({ args: ['.'], cwd: root, env });
}
