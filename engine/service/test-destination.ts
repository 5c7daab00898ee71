import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { testDatabricksDestination } from '../connectors.ts';
import { IngestError, isIngestError, messageOf, throwIfCancelled } from '../errors.ts';
import { parseLocation } from '../object-stores/location.ts';
import { openObjectStore } from '../object-stores/open-object-store.ts';
import { proveStore } from '../object-stores/prove-store.ts';
import { reachStore } from '../object-stores/reach-store.ts';
import { namesBelow } from '../object-stores/small-objects.ts';
import { withResults } from '../results/open-results.ts';
import type { TestStage } from '../sources/source.ts';
import type { DatabricksDestination, DestinationConfig, FilesystemDestination } from '../spec/destination.ts';

export interface TestDestinationOptions {
  /** Relative paths start here: where the runs' files go. */
  baseDirectory: string;
  signal: AbortSignal;
  /** The project's destinations: Databricks stages its files in one of them. */
  destinations?: Readonly<Record<string, DestinationConfig>>;
}

/** Stages of a destination's test, as a source's. A place on this computer needs no network, and nothing is written there; into a bucket a probe object is. */
export async function* testDestination(
  destination: DestinationConfig,
  options: TestDestinationOptions,
): AsyncGenerator<TestStage> {
  if (destination.type === 'databricks') {
    yield* testDatabricksDestination(destination, options);
    return;
  }
  if (
    destination.type === 'filesystem' &&
    parseLocation(destination.bucket_url, options.baseDirectory).kind !== 'local'
  ) {
    yield* testBucket(destination, options);
    return;
  }
  const place = placeOf(destination, options.baseDirectory);
  for (const stage of ['dns', 'tcp', 'tls', 'login'] as const)
    yield { stage, status: 'skipped', durationMs: 0, detail: 'Not needed on this computer.' };
  let exists = false;
  const permission = await timed('permission', async () => {
    exists = await canBeWritten(place, destination.type === 'duckdb');
    return exists ? `Can be written: ${place}` : `Will be made by the first run: ${place}`;
  });
  yield permission;
  if (permission.status === 'failed') return;
  throwIfCancelled(options.signal);
  if (!exists) {
    yield { stage: 'first_read', status: 'skipped', durationMs: 0, detail: 'There is nothing in it yet.' };
    return;
  }
  yield await timed('first_read', () =>
    withResults(destination, options, async ({ reader }) => {
      const { length } = reader.tables;
      return length === 1 ? 'Holds one table.' : `Holds ${length} tables.`;
    }),
  );
  throwIfCancelled(options.signal);
}

async function timed(stage: TestStage['stage'], work: () => Promise<string>): Promise<TestStage> {
  const start = performance.now();
  const durationMs = () => performance.now() - start;
  try {
    const detail = await work();
    return { stage, status: 'passed', durationMs: durationMs(), detail };
  } catch (error) {
    const { code, message, hint } = isIngestError(error)
      ? error
      : new IngestError('DESTINATION_UNUSABLE', messageOf(error), { hint: 'Choose another place.' });
    return {
      stage,
      status: 'failed',
      durationMs: durationMs(),
      detail: message,
      error: { code, message, ...(hint === undefined ? {} : { hint }) },
    };
  }
}

async function* testBucket(
  destination: FilesystemDestination,
  { baseDirectory, signal }: TestDestinationOptions,
): AsyncGenerator<TestStage> {
  const place = { section: 'destinations', name: destination.name } as const;
  const open = () => openObjectStore(destination.bucket_url, destination, { baseDirectory, place });
  const store = yield* reachStore(open, signal);
  if (store === null) return;
  try {
    const permission = await timed('permission', async () => {
      await proveStore(store, signal);
      return `Wrote, read and removed an object in ${store.location}; conditional writes are honoured.`;
    });
    throwIfCancelled(signal);
    yield permission;
    if (permission.status === 'failed') return;
    yield await timed('first_read', async () => {
      const { folders } = await namesBelow(store, '', signal);
      return folders.length === 0 ? 'There is nothing in it yet.' : `Holds ${folders.slice(0, 10).join(', ')}.`;
    });
    throwIfCancelled(signal);
  } finally {
    await store.close();
  }
}

function placeOf(destination: Exclude<DestinationConfig, DatabricksDestination>, directory: string): string {
  if (destination.type === 'duckdb') return path.resolve(directory, destination.path);
  const url = destination.bucket_url;
  return url.startsWith('file:') ? fileURLToPath(url) : path.resolve(directory, url);
}

/** Is it there? Where it is not, the first folder above it that is there must take it. */
async function canBeWritten(place: string, file: boolean): Promise<boolean> {
  for (let at = place; ; at = path.dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found === null && at !== path.dirname(at)) continue;
    const wanted = at === place && file ? 'file' : 'folder';
    if (found === null || found.isFile() !== (wanted === 'file')) {
      throw new IngestError('DESTINATION_UNUSABLE', `${at} is no ${wanted}.`, { hint: 'Choose another place.' });
    }
    await access(at, constants.W_OK).catch((error: unknown) => {
      throw new IngestError('DESTINATION_READ_ONLY', `${at} cannot be written.`, {
        hint: 'Choose another place, or ask for the right to write there.',
        cause: error,
      });
    });
    return at === place;
  }
}
