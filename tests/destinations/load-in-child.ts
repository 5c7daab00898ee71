/**
 * A run to be killed: opens a destination, says `opened`, and loads the packages of a folder one after the other, saying `loaded <id>` after each.
 * Arguments: kind, root, then package folders whose manifest.json was written by the test.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { packageManifestModel } from '../../engine/load/load-package.ts';
import { createDestination } from './kinds.ts';

const [kind = '', root = '', ...folders] = process.argv.slice(2);
const workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory: join(root, 'child-spill') });
const destination = await createDestination(kind, root, workspace);
const { signal } = new AbortController();
await destination.open(signal);
await destination.lock({ schema: 'raw', table: 'orders' }, { runId: 'killed-run', pid: process.pid, host: hostname() });
process.stdout.write('opened\n');
for (const folder of folders) {
  const manifest = packageManifestModel.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
  const there = (await destination.describeTables({ schema: 'raw', table: 'orders' })).map(({ name }) => name);
  const missing = manifest.tables.filter(({ name }) => !there.includes(name));
  const creations = missing.map(({ name, columns }) => ({ kind: 'create_table' as const, table: name, columns }));
  await destination.load({ folder, manifest }, creations, signal);
  process.stdout.write(`loaded ${manifest.load_id}\n`);
}
process.stdout.write('waiting\n');
setInterval(() => undefined, 60_000);
