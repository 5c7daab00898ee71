/**
 * A run in a process of its own: loads the packages of folders into a bucket, each again while another run is in its way.
 * Argument: JSON of {@link ChildTask}. Prints `loaded <id>` after each, and at the end `done <peak resident MiB>`.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { packageManifestModel } from '../../engine/load/load-package.ts';
import { withRetry } from '../../engine/retry.ts';
import { openTestStore, type Place } from './stores.ts';

export interface ChildTask {
  place: Place;
  /** For temporary files. */
  root: string;
  /** Of packages whose manifest.json the test wrote. */
  folders?: string[];
  /** Loads without the target's lock, as if somebody had broken it. */
  withoutLock?: boolean;
  /** Uploads one object of so many bytes in place of packages. */
  upload?: number;
}

const task: ChildTask = JSON.parse(process.argv[2] ?? '{}');
const { signal } = new AbortController();
const store = await openTestStore(task.place);
const target = { schema: 'raw', table: 'orders' };

async function load(folders: readonly string[]): Promise<void> {
  const tempDirectory = join(task.root, `child-${process.pid}`);
  const workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory });
  const destination = createObjectStoreDestination(
    { name: 'dest', schema: 'raw' },
    { store, workspace, tempDirectory },
  );
  await destination.open(signal);
  const owner = { runId: `run-${process.pid}`, pid: process.pid, host: hostname() };
  const lock = task.withoutLock ? null : await destination.lock(target, owner);
  for (const folder of folders) {
    const manifest = packageManifestModel.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
    const again = { signal, attempts: 20, firstWait: 1, longestWait: 50 };
    await withRetry(async () => {
      const known = new Set((await destination.describeTables(target)).map(({ name }) => name));
      const missing = manifest.tables.filter(({ name }) => !known.has(name));
      const creations = missing.map(({ name, columns }) => ({ kind: 'create_table' as const, table: name, columns }));
      return await destination.load({ folder, manifest }, creations, signal);
    }, again);
    process.stdout.write(`loaded ${manifest.load_id}\n`);
  }
  await lock?.release();
  await destination.close();
  workspace.close();
}

async function upload(bytes: number): Promise<void> {
  const chunk = Buffer.alloc(256 * 1024, 'bounded ');
  const body = function* () {
    for (let left = bytes; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  };
  await store.write('large.bin', Readable.from(body()), bytes);
}

const before = process.resourceUsage().maxRSS;
if (task.folders) await load(task.folders);
if (task.upload) await upload(task.upload);
process.stdout.write(`done ${Math.round((process.resourceUsage().maxRSS - before) / 1024)}\n`);
await store.close();
