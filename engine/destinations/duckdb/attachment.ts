import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { Workspace, WorkspaceConnection } from '../../duckdb/workspace.ts';
import { IngestError } from '../../errors.ts';
import { Mutex } from '../mutex.ts';
import type { ReaderConnection } from '../reader.ts';
import { describeFileError } from './duckdb-errors.ts';

/** A database file as it hangs in a workspace. */
export interface Attachment {
  /** The database's name inside the workspace. */
  alias: string;
  /** The same for every spelling of the file's path. */
  key: string;
  /** One load into the file at a time. */
  loads: Mutex;
  detach(): Promise<void>;
}

interface Shared {
  workspace: Workspace;
  alias: string;
  loads: Mutex;
  users: number;
  ready: Promise<void>;
  /** Set once the last user let go. */
  closing: Promise<void> | null;
}

/**
 * What this process has attached, by canonical path. DuckDB's file lock holds between processes only (POSIX locks never conflict inside one),
 * so two workspaces of one process would both write to the file and ruin it.
 */
const attached = new Map<string, Shared>();

/** What this process looks at, by canonical path: closing any handle of a file gives up all POSIX locks that the process has on it. */
const readings = new Map<string, Set<Reading>>();

interface Reading {
  stop(): void;
  ended: Promise<void>;
}

/**
 * Attaches a DuckDB file read-only to a workspace of the caller's own, under `alias`. Null where there is no file.
 * A run that wants the file later goes first: `stop` is called, and the run waits for {@link Attachment.detach}.
 * @throws IngestError LOCKED while a run writes to it
 */
export async function attachForReading(
  path: string,
  alias: string,
  connection: ReaderConnection,
  stop: () => void,
): Promise<{ detach(): Promise<void> } | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null) return null;
  const key = spelledOnce(real);
  if (attached.has(key)) {
    throw new IngestError('LOCKED', `A run is writing to the DuckDB file ${path}.`, {
      hint: 'Its tables can be looked at when the run has ended.',
      retryable: true,
    });
  }
  const end = Promise.withResolvers<void>();
  const reading = { stop, ended: end.promise };
  const others = readings.get(key) ?? new Set();
  readings.set(key, others.add(reading));
  const leave = () => {
    others.delete(reading);
    if (others.size === 0) readings.delete(key);
    end.resolve();
  };
  try {
    await connection.run(`ATTACH ${literal(path)} AS ${identifier(alias)} (TYPE duckdb, READ_ONLY)`);
  } catch (error) {
    leave();
    throw describeFileError(error, path);
  }
  return {
    detach: once(async () => {
      try {
        await connection.run('USE memory');
        await connection.run(`DETACH ${identifier(alias)}`);
      } finally {
        leave();
      }
    }),
  };
}

/**
 * Attaches a DuckDB file read-only, for a short look; where there is no file, an empty database stands for it.
 * A run that wants the file meanwhile waits for {@link Attachment.detach}.
 * @throws IngestError LOCKED while a run writes to it
 */
export async function attachToLook(path: string, name: string, workspace: Workspace): Promise<Attachment> {
  const alias = workspace.uniqueName(name);
  const connection = await workspace.connect();
  try {
    const reading = await attachForReading(path, alias, connection, () => undefined);
    if (reading === null) await connection.run(`ATTACH ':memory:' AS ${identifier(alias)}`);
    const detach = async () => {
      try {
        await (reading === null ? connection.run(`DETACH ${identifier(alias)}`) : reading.detach());
      } finally {
        connection.close();
      }
    };
    return { key: alias, alias, loads: new Mutex(), detach: once(detach) };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Attaches a DuckDB file, which is made with its folder when missing. Attaching it twice to one workspace shares it. */
export async function attach(path: string, name: string, workspace: Workspace): Promise<Attachment> {
  const key = await canonicalPath(path);
  let shared = attached.get(key);
  while (shared?.closing) {
    await shared.closing.catch(() => undefined);
    shared = attached.get(key);
  }
  if (shared && shared.workspace !== workspace) {
    throw new IngestError('LOCKED', `The DuckDB file ${path} is in use by another run of this program.`, {
      hint: 'Wait for that run, or cancel it.',
      retryable: true,
    });
  }
  if (!shared) {
    const alias = workspace.uniqueName(name);
    shared = {
      workspace,
      alias,
      loads: new Mutex(),
      users: 0,
      ready: endReadings(key).then(() => attachFile(path, alias, workspace)),
      closing: null,
    };
    attached.set(key, shared);
  }
  shared.users += 1;
  try {
    await shared.ready;
  } catch (error) {
    attached.delete(key);
    throw error;
  }
  return { key, alias: shared.alias, loads: shared.loads, detach: once(() => release(key, shared, path)) };
}

/** Runs something in a connection of its own. */
export async function inConnection<T>(
  workspace: Workspace,
  task: (connection: WorkspaceConnection) => Promise<T>,
): Promise<T> {
  const connection = await workspace.connect();
  try {
    return await task(connection);
  } finally {
    connection.close();
  }
}

async function endReadings(key: string): Promise<void> {
  const open = [...(readings.get(key) ?? [])];
  for (const { stop } of open) stop();
  await Promise.all(open.map(({ ended }) => ended));
}

async function attachFile(path: string, alias: string, workspace: Workspace): Promise<void> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) {
    throw new IngestError('DESTINATION_PATH', `The DuckDB destination's path ${path} is a folder, not a file.`, {
      hint: 'Let `path` name a file inside it, e.g. `data.duckdb`.',
    });
  }
  const sql = `ATTACH ${literal(path)} AS ${identifier(alias)} (TYPE duckdb, READ_WRITE)`;
  await inConnection(workspace, (connection) => connection.run(sql)).catch((error: unknown) => {
    throw describeFileError(error, path);
  });
}

async function release(key: string, shared: Shared, path: string): Promise<void> {
  shared.users -= 1;
  if (shared.users > 0) return;
  const sql = `DETACH ${identifier(shared.alias)}`;
  shared.closing = inConnection(shared.workspace, (connection) => connection.run(sql))
    .then(
      () => undefined,
      (error: unknown) => {
        throw describeFileError(error, path);
      },
    )
    .finally(() => attached.delete(key));
  await shared.closing;
}

/** One text for each file, however it is spelt, so that links and letter case do not hide that it is the same. */
async function canonicalPath(path: string): Promise<string> {
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true });
    const real = await realpath(path).catch(async () => join(await realpath(folder), basename(path)));
    return spelledOnce(real);
  } catch (cause) {
    throw new IngestError(
      'DESTINATION_PATH',
      `The folder ${folder} of the DuckDB file cannot be made: ${(cause as Error).message}.`,
      {
        hint: "Check the destination's `path`, and that you may write there.",
        cause,
      },
    );
  }
}

function spelledOnce(real: string): string {
  return process.platform === 'win32' || process.platform === 'darwin' ? real.toLowerCase() : real;
}

function once(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= task();
    return running;
  };
}
