/**
 * Adds to package-lock.json the packages of other systems that a registry mirror does not keep.
 * npm leaves those out when it writes the lockfile, and then `npm ci` refuses the lockfile everywhere. What is added has a version and
 * no checksum; a lockfile written against a whole registry needs nothing of this. Run after `npm install`: node .ci/complete-lockfile.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface Entry {
  version?: string;
  dev?: boolean;
  license?: string;
  optionalDependencies?: Record<string, string>;
  [field: string]: unknown;
}

const file = path.join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
const { packages } = lock;
const added: string[] = [];

for (const [parent, entry] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (packages[`${parent}/node_modules/${name}`] ?? packages[`node_modules/${name}`]) continue;
    const [, os, cpu, abi] = /(android|darwin|linux|win32)-(arm64|x64)(?:-(musl|gnu|msvc))?$/.exec(name) ?? [];
    if (os === undefined || cpu === undefined)
      throw new Error(`${name} of ${parent} is missing, and its name tells no system.`);
    packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(os === 'linux' ? { libc: [abi === 'musl' ? 'musl' : 'glibc'] } : {}),
      ...(entry.license === undefined ? {} : { license: entry.license }),
      optional: true,
      os: [os],
    };
    added.push(name);
  }
}

lock.packages = Object.fromEntries(
  Object.entries(packages).sort(([a], [b]) => (a === '' ? -1 : a.localeCompare(b, 'en'))),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'Nothing was missing.' : `Added:\n  ${added.join('\n  ')}`);
