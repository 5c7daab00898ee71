/**
 * `npm start`: builds the application and opens its window. Electron downloads its binary when it is first needed;
 * where that cannot be had, this says so and what to use instead.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const electron = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'));

/** Null where there is none. */
function findBinary(): string | null {
  const pathFile = path.join(electron, 'path.txt');
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : 'electron';
  const binary = path.join(folder ?? path.join(electron, 'dist'), name);
  return existsSync(binary) ? binary : null;
}

function run(script: string, args: string[]): boolean {
  return spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

if (findBinary() === null) {
  console.error('Electron is not on this computer yet: downloading it …');
  run(path.join(electron, 'install.js'), []);
}

const binary = findBinary();
if (binary === null) {
  console.error(`
The window cannot be opened: Electron's binary could not be downloaded.
  what to do: check the connection or the proxy (ELECTRON_GET_USE_PROXY=1, HTTPS_PROXY), or name a mirror in ELECTRON_MIRROR,
              then run npm start again. A copy that is already here is named in ELECTRON_OVERRIDE_DIST_PATH.
  meanwhile:  the same window in your browser: npm run ui
              and everything without a window, too: npm run demo, npm run -s ingest -- --help`);
  process.exitCode = 1;
} else if (run(path.join(root, 'node_modules/electron-vite/bin/electron-vite.js'), ['build', '--logLevel', 'warn'])) {
  const child = spawn(binary, ['.', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.exitCode = 1;
}
