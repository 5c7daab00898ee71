import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import {
  addressOf,
  type ConnectionStage,
  describeTls,
  type Outcome,
  reachPort,
  resolveHost,
  runStages,
} from '../connection-stages.ts';
import { IngestError, isIngestError, messageOf, throwIfCancelled } from '../errors.ts';
import { chosenBy } from '../network/proxies.ts';
import type { ObjectStore, StoreRoute } from './object-store.ts';
import { explainFailure } from './store-errors.ts';

const BEFORE = ['dns', 'tcp', 'tls', 'login'] as const;
/** A connection, and its encryption, must be there after so many milliseconds. */
const PATIENCE = 15_000;

/**
 * Stages up to the login, which is the first listing of a bucket; a local folder needs none of them.
 * Gives the store, or null where a stage failed.
 */
export async function* reachStore(
  open: () => Promise<ObjectStore>,
  signal: AbortSignal,
): AsyncGenerator<ConnectionStage, ObjectStore | null> {
  const began = performance.now();
  let store: ObjectStore;
  let route: StoreRoute | null;
  try {
    store = await open();
    route = (await store.route?.()) ?? null;
  } catch (error) {
    throwIfCancelled(signal);
    // What the settings say cannot be used, so nothing was asked of the network.
    yield* failedAt(stageOf(error), error, began, 'Not tried.');
    return null;
  }
  if (route === null) {
    for (const stage of BEFORE) yield { stage, status: 'skipped', durationMs: 0, detail: 'A local folder needs none.' };
    return store;
  }
  for await (const stage of networkStages(store, route, signal)) {
    yield stage;
    if (stage.status === 'failed') return null;
  }
  const start = performance.now();
  try {
    await store.prepare(signal);
    yield {
      stage: 'login',
      status: 'passed',
      durationMs: performance.now() - start,
      detail: `Listed ${store.location}.`,
    };
    return store;
  } catch (error) {
    throwIfCancelled(signal);
    // The network was there a moment ago: what fails now is the sign-in, unless that is known to be accepted.
    const isPermission = stageOf(error) === 'permission';
    if (isPermission) yield { stage: 'login', status: 'skipped', durationMs: 0, detail: 'Got past with the listing.' };
    yield { ...failed(error, start), stage: isPermission ? 'permission' : 'login' };
    return null;
  }
}

/** DNS, TCP and TLS, each by itself: to the service, or to the proxy that stands between. */
function networkStages(store: ObjectStore, route: StoreRoute, signal: AbortSignal): AsyncGenerator<ConnectionStage> {
  const { url, choice } = route;
  const { proxy } = choice;
  const { host, port } = addressOf(proxy ?? url);
  return runStages(
    [
      [
        'dns',
        async () =>
          proxy === null
            ? await resolveHost(host, signal)
            : { detail: `The proxy ${proxy.host} looks it up${chosenBy(choice)}.`, skipped: true },
      ],
      ['tcp', () => reachPort(host, port, PATIENCE, signal)],
      [
        'tls',
        async () =>
          url.protocol === 'http:'
            ? { detail: 'The address is http: nothing is encrypted.', skipped: true }
            : await handshake(route, signal),
      ],
    ],
    (error) => explain(error, store, proxy),
    signal,
  );
}

/** Encrypts a connection as the requests will, through the proxy where there is one, and sends nothing over it. */
function handshake({ url, agent }: StoreRoute, signal: AbortSignal): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const unsent = request({ ...urlToHttpOptions(url), agent, signal });
  unsent.setTimeout(PATIENCE, () => unsent.destroy(new Error('timed out')));
  unsent.on('error', reject);
  unsent.once('socket', (stream) => {
    const socket = stream as TLSSocket;
    const secured = () => {
      resolve({ detail: describeTls(socket, { rejectUnauthorized: socket.authorized }) });
      unsent.destroy();
    };
    // Through a proxy it is handed over when it is encrypted.
    if (socket.authorized || socket.authorizationError) secured();
    else socket.once('secureConnect', secured);
  });
  return promise;
}

function explain(error: unknown, { kind, location }: ObjectStore, proxy: URL | null): IngestError {
  if (isIngestError(error)) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (proxy !== null && code === 'ENOTFOUND') {
    return new IngestError(
      'OBJECT_STORE_UNREACHABLE',
      `${location}: the name of the proxy ${proxy.host} is not known.`,
      {
        hint: "Check the proxy of the connection, else the environment's (HTTPS_PROXY) or the system's.",
      },
    );
  }
  return explainFailure(
    { status: null, code, message: messageOf(error), retryAfter: null },
    { kind, location },
    'testing',
  );
}

/** The stage that an error of a store belongs to. */
function stageOf(error: unknown): ConnectionStage['stage'] {
  if (!isIngestError(error)) return 'login';
  const { code, message } = error;
  if (code === 'OBJECT_STORE_NOT_FOUND') return /no such host/.test(message) ? 'dns' : 'permission';
  if (code === 'OBJECT_STORE_UNREACHABLE' || code.startsWith('PROXY_')) return 'tcp';
  if (code === 'OBJECT_STORE_CERTIFICATE' || code === 'CA_FILE_UNUSABLE') return 'tls';
  if (code === 'OBJECT_STORE_FORBIDDEN' || code === 'OBJECT_STORE_REGION') return 'permission';
  return code.startsWith('OBJECT_STORE_') || code === 'DRIVER_MISSING' ? 'login' : 'permission';
}

function* failedAt(
  stage: ConnectionStage['stage'],
  error: unknown,
  began: number,
  before: string,
): Generator<ConnectionStage> {
  for (const earlier of BEFORE) {
    if (earlier === stage) break;
    yield { stage: earlier, status: 'skipped', durationMs: 0, detail: before };
  }
  yield { ...failed(error, began), stage };
}

function failed(error: unknown, began: number): Omit<ConnectionStage, 'stage'> {
  const known = isIngestError(error) ? error : new IngestError('OBJECT_STORE_FAILED', messageOf(error));
  const { code, message, hint } = known;
  const durationMs = performance.now() - began;
  return {
    status: 'failed',
    durationMs,
    detail: message,
    error: { code, message, ...(hint === undefined ? {} : { hint }) },
  };
}
