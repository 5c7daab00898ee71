import { cancelled, IngestError, isIngestError, messageOf } from '../../errors.ts';

interface Cause {
  /** What DuckDB or the system underneath it says. */
  pattern: RegExp;
  code: string;
  message(path: string, match: RegExpExecArray): string;
  hint: string;
  retryable?: boolean;
}

const CAUSES: Cause[] = [
  {
    pattern: /Conflicting lock is held in (.+?) \(PID (\d+)\)/,
    code: 'LOCKED',
    message: (path, match) => `The DuckDB file ${path} is open in another program: ${match[1]} (process ${match[2]}).`,
    hint: 'Close that program or its connection to the file (a notebook, DBeaver, another run), then run again.',
    retryable: true,
  },
  {
    pattern: /Could not set lock on file|being used by another process|already open in/i,
    code: 'LOCKED',
    message: (path) => `The DuckDB file ${path} is open in another program.`,
    hint: 'Close that program or its connection to the file (a notebook, DBeaver, another run), then run again.',
    retryable: true,
  },
  {
    pattern: /already attached by database/,
    code: 'LOCKED',
    message: (path) => `The DuckDB file ${path} is in use already inside this program.`,
    hint: 'Close what uses it, then run again.',
    retryable: true,
  },
  {
    pattern: /version number \d+, but we can only read|newer version of DuckDB|written with a newer/i,
    code: 'DESTINATION_TOO_NEW',
    message: (path) => `The DuckDB file ${path} was written by a newer DuckDB than the one in here.`,
    hint: 'Upgrade Ingest Studio, or let the destination name another file.',
  },
  {
    pattern: /not a valid DuckDB database file/,
    code: 'DESTINATION_NOT_DUCKDB',
    message: (path) => `The file ${path} is not a DuckDB database.`,
    hint: "Check the destination's `path`. The file was left as it is.",
  },
  {
    pattern: /Corrupt database file|Failed to deserialize|Failure while replaying WAL/i,
    code: 'DESTINATION_CORRUPT',
    message: (path) => `The DuckDB file ${path} is damaged.`,
    hint: 'Restore it (with its .wal file) from a backup, or let the destination name a new file and load again.',
  },
  {
    pattern: /Permission denied|Read-only file system|read-only mode|Operation not permitted|Access is denied/i,
    code: 'DESTINATION_READ_ONLY',
    message: (path) => `The DuckDB file ${path} cannot be written: permission denied, or the place is read-only.`,
    hint: 'Allow writing to the file and its folder, or let the destination name another place.',
  },
  {
    pattern: /No space left on device|Disk quota exceeded|not enough space on the disk|max_temp_directory_size/i,
    code: 'DISK_FULL',
    message: (path) => `The disk became full while writing to ${path}. Nothing of this load is visible.`,
    hint: 'Free space on that disk (and on the one with temporary files), then run again.',
    retryable: true,
  },
  {
    pattern: /^(?:Error: )?Out of Memory Error/i,
    code: 'OUT_OF_MEMORY',
    message: (path) => `DuckDB had too little memory for a load into ${path}. Nothing of this load is visible.`,
    hint: 'Give the run more memory, or run fewer jobs at the same time.',
  },
  {
    pattern: /Is a directory|No such file or directory|cannot find the path|Not a directory/i,
    code: 'DESTINATION_PATH',
    message: (path) => `The path ${path} cannot hold a DuckDB file.`,
    hint: "Check the destination's `path`.",
  },
];

/** What went wrong with the file, with the way out; null where the message is about something else. */
function fileCause(error: unknown, path: string): IngestError | null {
  for (const cause of CAUSES) {
    const match = cause.pattern.exec(messageOf(error));
    if (match) {
      const { code, hint, retryable = false } = cause;
      return new IngestError(code, cause.message(path, match), { hint, retryable, cause: error });
    }
  }
  return null;
}

/** For attaching the file. */
export function describeFileError(error: unknown, path: string): IngestError {
  return (
    fileCause(error, path) ??
    new IngestError('DESTINATION_FAILED', `The DuckDB file ${path} cannot be opened: ${messageOf(error)}`, {
      cause: error,
    })
  );
}

/** For anything done in the file. `doing` is a phrase such as `loading raw.orders`. */
export function describeLoadError(error: unknown, path: string, doing: string, signal: AbortSignal): IngestError {
  if (isIngestError(error)) return error;
  if (signal.aborted) return cancelled(signal);
  const known = fileCause(error, path);
  if (known) return known;
  const text = messageOf(error);
  if (/Cannot alter entry .* depend on it/.test(text)) {
    return new IngestError(
      'DESTINATION_DEPENDENCY',
      `While ${doing} in ${path}: an index or view hangs on a table that must change.`,
      {
        hint: 'Drop the index or view, run again, and create it anew.',
        cause: error,
      },
    );
  }
  return new IngestError('DESTINATION_FAILED', `While ${doing} in ${path}: ${text}`, {
    hint: 'Nothing of this load is visible. If the table was changed by hand, bring it back or load with --full-refresh.',
    retryable: /^(?:TransactionContext Error|Transaction(?:Context)? conflict)/i.test(text),
    cause: error,
  });
}
