import { cancelled, IngestError, isIngestError, messageOf } from '../errors.ts';
import type { DescribedError } from '../runs/events.ts';
import { describeCastError } from './exact-cast.ts';

/** Makes of anything thrown inside a job an IngestError with a plain cause and a way out. */
export function toIngestError(error: unknown, job: string, signal: AbortSignal): IngestError {
  if (signal.aborted) return cancelled(signal);
  const described = describeCastError(error, job);
  if (isIngestError(described)) return described;
  const message = messageOf(described);
  if (/ENOSPC|No space left|disk (is )?full|not enough space/i.test(message)) {
    return new IngestError('DISK_FULL', `${job}: the disk is full. ${firstLine(message)}`, {
      hint: 'Free some space, or put the work on another disk with --work-dir. Nothing was loaded by this job; run it again.',
      cause: error,
    });
  }
  if (/Out of Memory Error|failed to (allocate|pin)/i.test(message)) {
    return new IngestError('OUT_OF_MEMORY', `${job}: the memory limit was reached. ${firstLine(message)}`, {
      hint: 'Run fewer jobs at a time (max_workers), or leave wide columns out with `columns`.',
      cause: error,
    });
  }
  if (/EACCES|EPERM|EROFS|Permission denied|Read-only file system/i.test(message)) {
    return new IngestError('NOT_WRITABLE', `${job}: a file or folder cannot be written. ${firstLine(message)}`, {
      hint: 'Check its permissions, close programs that hold it open, or use --work-dir.',
      cause: error,
    });
  }
  return new IngestError('JOB_FAILED', `${job}: ${firstLine(message)}`, {
    hint: 'Copy this message with the run log when you ask for help.',
    cause: error,
  });
}

/** The form in which an error leaves the engine. */
export function describeError(error: IngestError): DescribedError {
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

/** DuckDB adds the statement below its message; it may hold the source's values. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 500);
}
