/**
 * Every error that the engine raises on purpose. `code` is stable and documented (docs/TROUBLESHOOTING_GUIDE),
 * `message` names the place and the value, `hint` the way out. Guards go by `name`, so that they survive a process boundary.
 */
export class IngestError extends Error {
  override readonly name = 'IngestError';
  /** Stable, SCREAMING_SNAKE_CASE, e.g. `SOURCE_TABLE_NOT_FOUND`. */
  readonly code: string;
  /** True where the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** What the user can do about it; one or two sentences. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
  }
}

/** True for an {@link IngestError}, also for one that crossed a process boundary. */
export function isIngestError(error: unknown): error is IngestError {
  return error instanceof Error && error.name === 'IngestError' && 'code' in error;
}

/** Raised when a caller's AbortSignal ended the work; never retried, reported as CANCELLED. */
export function cancelled(signal: AbortSignal): IngestError {
  return new IngestError('CANCELLED', 'The run was cancelled.', { cause: signal.reason });
}

/** Throws {@link cancelled} when the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal);
}

/** The promise, or CANCELLED as soon as the signal aborts; what the promise does is then nobody's matter here. */
export function orCancelled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(cancelled(signal));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
