import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { openDestinationReader } from '../connectors.ts';
import type { DestinationReader, ReadableTable } from '../destinations/reader.ts';
import { literal, literalList } from '../duckdb/sql.ts';
import { Workspace, type WorkspaceConnection } from '../duckdb/workspace.ts';
import { cancelled, IngestError, isIngestError, messageOf } from '../errors.ts';
import type { DestinationConfig } from '../spec/destination.ts';

const MEMORY_MIB = 512;

export interface OpenResultsOptions {
  /** Relative paths of the destination start here: where the runs' files go. */
  baseDirectory: string;
  signal: AbortSignal;
  /** Milliseconds for the whole of the task. Default 120,000. */
  timeLimit?: number;
  /** The task writes a file of its own making; what users write runs without. Default false. */
  writesFile?: boolean;
}

/** What a task can look at. */
export interface OpenResults {
  connection: WorkspaceConnection;
  reader: DestinationReader;
  /** @throws IngestError TABLE_NOT_FOUND */
  table(schema: string, table: string): ReadableTable;
}

/**
 * Opens a destination read-only for the time of a task: nothing stays open, so that runs never wait for people who look.
 * Inside, DuckDB itself refuses every file but the destination's, extensions, and settings.
 * @throws IngestError LOCKED, RESULTS_TIMEOUT, CANCELLED
 */
export async function withResults<Result>(
  destination: DestinationConfig,
  options: OpenResultsOptions,
  task: (results: OpenResults) => Promise<Result>,
): Promise<Result> {
  try {
    return await once(destination, options, task);
  } catch (error) {
    // A run replaced the files between the manifest and the query: the next look sees the new ones.
    if (isIngestError(error) || !/No files found|Cannot open file|No such file/i.test(messageOf(error))) throw error;
    return await once(destination, options, task);
  }
}

async function once<Result>(
  destination: DestinationConfig,
  options: OpenResultsOptions,
  task: (results: OpenResults) => Promise<Result>,
): Promise<Result> {
  const { signal, timeLimit = 120_000 } = options;
  const tooLong = AbortSignal.timeout(timeLimit);
  const yielded = new AbortController();
  const stop = AbortSignal.any([signal, tooLong, yielded.signal]);
  const tempDirectory = await mkdtemp(path.join(tmpdir(), 'ingest-results-'));
  const workspace = await Workspace.open({
    memoryLimitMiB: MEMORY_MIB,
    threads: availableParallelism(),
    tempDirectory,
  });
  try {
    const connection = await workspace.connect();
    const unwatch = interruptOn(stop, connection);
    try {
      const reader = await openDestinationReader(destination, {
        connection,
        baseDirectory: options.baseDirectory,
        onStop: () => yielded.abort(),
      });
      try {
        await lockDown(connection, reader, options.writesFile ?? false);
        if (stop.aborted) throw cancelled(stop);
        return await task({ connection, reader, table: (schema, table) => findTable(reader, schema, table) });
      } finally {
        await reader.close();
      }
    } finally {
      unwatch();
    }
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    if (tooLong.aborted) {
      throw new IngestError('RESULTS_TIMEOUT', `This took longer than ${Math.round(timeLimit / 1000)} seconds.`, {
        hint: 'Ask for less: fewer rows, fewer columns, a WHERE.',
        cause: error,
      });
    }
    if (yielded.signal.aborted) {
      throw new IngestError('LOCKED', 'A run has begun to write to this destination.', {
        hint: 'Its tables can be looked at when the run has ended.',
        retryable: true,
      });
    }
    throw error;
  } finally {
    workspace.close();
    await rm(tempDirectory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Interrupts until the work has ended: an interruption between two statements stops neither. */
function interruptOn(signal: AbortSignal, connection: WorkspaceConnection): () => void {
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    connection.interrupt();
    timer = setInterval(() => connection.interrupt(), 50);
  };
  if (signal.aborted) begin();
  signal.addEventListener('abort', begin, { once: true });
  return () => {
    signal.removeEventListener('abort', begin);
    clearInterval(timer);
  };
}

async function lockDown(connection: WorkspaceConnection, reader: DestinationReader, writes: boolean): Promise<void> {
  if (reader.searchPath.length > 0) {
    await connection.run(`SET search_path = ${literal(reader.searchPath.join(','))}`);
  }
  if (writes) return;
  if (reader.files.length > 0) await connection.run(`SET allowed_paths = ${literalList(reader.files)}`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

function findTable(reader: DestinationReader, schema: string, table: string): ReadableTable {
  const found = reader.tables.find((candidate) => candidate.schema === schema && candidate.table === table);
  if (found) return found;
  const others = reader.tables.map((candidate) => `${candidate.schema}.${candidate.table}`);
  throw new IngestError('TABLE_NOT_FOUND', `There is no table ${schema}.${table} in ${reader.location}.`, {
    hint: others.length === 0 ? 'Nothing was loaded yet: run a job.' : `It has: ${others.slice(0, 10).join(', ')}.`,
  });
}
