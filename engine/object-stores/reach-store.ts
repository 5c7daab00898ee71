import { IngestError, isIngestError, messageOf, throwIfCancelled } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** A stage of a connection's test, as sources and destinations report them. */
export interface ReachStage {
  stage: 'dns' | 'tcp' | 'tls' | 'login' | 'permission' | 'first_read';
  status: 'passed' | 'failed' | 'skipped';
  durationMs: number;
  detail: string;
  error?: { code: string; message: string; hint?: string };
}

const BEFORE = ['dns', 'tcp', 'tls', 'login'] as const;

/** The client opens connections itself, also through a proxy: there is no time of this stage alone, and over plain HTTP no TLS. */
const GOT_PAST = 'Not measured alone: the first request got past it.';

/** The stage that an error of a store belongs to; those before it were got past. */
function stageOf({ code, message }: IngestError): ReachStage['stage'] {
  if (code === 'OBJECT_STORE_NOT_FOUND') return /no such host/.test(message) ? 'dns' : 'permission';
  if (code === 'OBJECT_STORE_UNREACHABLE' || code === 'PROXY_UNUSABLE') return 'tcp';
  if (code === 'OBJECT_STORE_CERTIFICATE' || code === 'CA_FILE_UNUSABLE') return 'tls';
  if (code === 'OBJECT_STORE_FORBIDDEN' || code === 'OBJECT_STORE_REGION') return 'permission';
  return code.startsWith('OBJECT_STORE_') || code === 'DRIVER_MISSING' ? 'login' : 'permission';
}

/**
 * Stages up to the login: of a bucket by its first listing, whose failure tells the stage; a local folder needs none of them.
 * Gives the store, or null where a stage failed.
 */
export async function* reachStore(
  open: () => Promise<ObjectStore>,
  signal: AbortSignal,
): AsyncGenerator<ReachStage, ObjectStore | null> {
  const began = performance.now();
  try {
    const store = await open();
    if (store.kind === 'local') {
      for (const stage of BEFORE)
        yield { stage, status: 'skipped', durationMs: 0, detail: 'A local folder needs none.' };
      return store;
    }
    await store.prepare(signal);
    const durationMs = performance.now() - began;
    for (const stage of BEFORE.slice(0, -1)) yield { stage, status: 'skipped', durationMs: 0, detail: GOT_PAST };
    yield { stage: 'login', status: 'passed', durationMs, detail: `Listed ${store.location}.` };
    return store;
  } catch (error) {
    throwIfCancelled(signal);
    const failed = isIngestError(error) ? stageOf(error) : 'login';
    for (const stage of BEFORE) {
      if (stage === failed) break;
      yield { stage, status: 'skipped', durationMs: 0, detail: GOT_PAST };
    }
    yield { stage: failed, status: 'failed', durationMs: performance.now() - began, ...failureOf(error) };
    return null;
  }
}

/** `detail` and `error` of a failed stage. */
function failureOf(error: unknown): Required<Pick<ReachStage, 'detail' | 'error'>> {
  const known = isIngestError(error) ? error : new IngestError('OBJECT_STORE_FAILED', messageOf(error));
  const { code, message, hint } = known;
  return { detail: message, error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}
