/**
 * `npm run package`: installers of this system in `dist/`, with a list of everything in them (`dist/sbom.cdx.json`).
 * Signing comes from the environment (electron-builder.yml says the names). UPDATES_URL, the address of a folder of releases, makes installers
 * that look there for newer ones; without it no application looks for updates.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

/** Runs a program of this package and ends with its exit code where it fails. */
function run(script: string, ...args: string[]): void {
  const { status } = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

const binary = path.join(root, 'node_modules/electron/path.txt');
if (!existsSync(binary)) {
  // Where it fails, what to do is said below.
  spawnSync(process.execPath, [path.join(root, 'node_modules/electron/install.js')], { cwd: root, stdio: 'inherit' });
}
if (!existsSync(binary)) {
  console.error(`Electron's binary is not here and could not be downloaded: there is nothing to make installers of.
  what to do: name a mirror in ELECTRON_MIRROR or a proxy (ELECTRON_GET_USE_PROXY=1, HTTPS_PROXY), then run npm run package again.`);
  process.exit(1);
}

run('electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn');
const updates = process.env['UPDATES_URL'];
run(
  'electron-builder/cli.js',
  '--publish',
  'never',
  ...(updates === undefined ? [] : ['-c.publish.provider=generic', `-c.publish.url=${updates}`]),
);

const sbom = spawnSync('npm', ['sbom', '--omit=dev', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: root,
  encoding: 'utf8',
  shell: process.platform === 'win32',
  maxBuffer: 64 << 20,
});
if (sbom.status !== 0) {
  console.error(`npm sbom failed: ${sbom.stderr}`);
  process.exit(1);
}
mkdirSync(path.join(root, 'dist'), { recursive: true });
writeFileSync(path.join(root, 'dist/sbom.cdx.json'), sbom.stdout);
