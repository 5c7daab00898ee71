import { IngestError, isIngestError, messageOf } from '../../errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const READ_ONLY = new Set(['EACCES', 'EPERM', 'EROFS']);
const PATH = new Set(['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOENT', 'ENAMETOOLONG', 'EINVAL', 'ELOOP']);

/** What went wrong at a place, with the way out. `doing` is a phrase such as `loading raw.orders`. */
export function describeStoreError(error: unknown, location: string, doing: string): IngestError {
  if (isIngestError(error)) return error;
  const code = codeOf(error);
  const text = messageOf(error);
  if (
    FULL.has(code) ||
    /No space left on device|Disk quota exceeded|not enough space|max_temp_directory_size/i.test(text)
  ) {
    return new IngestError(
      'DISK_FULL',
      `The disk became full while ${doing} in ${location}. Nothing of it is visible.`,
      {
        hint: 'Free space on that disk (and on the one with temporary files), then run again.',
        retryable: true,
        cause: error,
      },
    );
  }
  if (READ_ONLY.has(code) || /Permission denied|Read-only file system/i.test(text)) {
    return new IngestError('DESTINATION_READ_ONLY', `${location} cannot be written while ${doing}: ${text}`, {
      hint: 'Allow writing to the folder, or let the destination name another place.',
      cause: error,
    });
  }
  if (PATH.has(code)) {
    return new IngestError('DESTINATION_PATH', `${location} cannot hold the data, seen while ${doing}: ${text}`, {
      hint: "Check the destination's path: it must be a folder, or a place where one can be made.",
      cause: error,
    });
  }
  if (/^(?:Error: )?Out of Memory Error/i.test(text)) {
    return new IngestError('OUT_OF_MEMORY', `DuckDB had too little memory while ${doing} in ${location}.`, {
      hint: 'Give the run more memory, or run fewer jobs at the same time.',
      cause: error,
    });
  }
  return new IngestError('DESTINATION_FAILED', `While ${doing} in ${location}: ${text}`, {
    hint: 'Nothing of this load is visible; run again.',
    retryable: code === 'EBUSY' || code === 'EMFILE' || code === 'EIO',
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
