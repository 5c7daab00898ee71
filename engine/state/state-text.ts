import { createHash } from 'node:crypto';
import { IngestError } from '../errors.ts';
import { type JobState, jobStateModel, STATE_VERSION, type StateKey } from './job-state.ts';

/** The state as destinations keep it: JSON with a `version`. */
export function encodeState(state: JobState): string {
  return JSON.stringify(jobStateModel.parse(state));
}

/**
 * Reads what {@link encodeState} wrote. `place` says for people where it was found, e.g. `raw.orders in dry_run.duckdb`.
 * Throws STATE_NEWER when a newer version of the product wrote it, STATE_UNREADABLE when it is not a state at all.
 */
export function decodeState(text: string, place: string): JobState {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw unreadable(place, 'it is not JSON', cause);
  }
  return parseState(raw, place);
}

/** {@link decodeState} for a state that is JSON already. */
export function parseState(raw: unknown, place: string): JobState {
  const version = typeof raw === 'object' && raw !== null ? (raw as { version?: unknown }).version : undefined;
  if (typeof version === 'number' && version > STATE_VERSION) {
    throw new IngestError(
      'STATE_NEWER',
      `The state of ${place} has version ${version}; this version of Ingest Studio knows up to ${STATE_VERSION}.`,
      { hint: 'Upgrade this runner to the version that wrote it. Nothing was changed.' },
    );
  }
  const parsed = jobStateModel.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw unreadable(place, `${issue?.path.join('.') || 'state'}: ${issue?.message ?? 'unknown form'}`, parsed.error);
  }
  return parsed.data;
}

/** The name under which a target's state is kept; unlike a pipeline's name of dlt, so that neither touches the other's. */
export function stateName(key: StateKey): string {
  return `${key.pipeline}/${key.target_schema}.${key.target_table}`;
}

/** Content hash in dlt's form: base64 of SHA-256. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function unreadable(place: string, why: string, cause: unknown): IngestError {
  return new IngestError('STATE_UNREADABLE', `The state of ${place} cannot be read: ${why}.`, {
    hint: 'Restore it from a backup, or set it anew with `ingest state set` or `ingest state reset`.',
    cause,
  });
}
