import { beforeAll, expect, test, vi } from 'vitest';
import type { ConnectionCalls, createConnectionStore as Create } from '../../../renderer/stores/connection-store.ts';

let createConnectionStore: typeof Create;
let ContractError: typeof import('../../../renderer/client.ts').ContractError;
beforeAll(async () => {
  // The page's bridge, which the store's default would call.
  vi.stubGlobal('window', { ingestStudio: {} });
  ({ createConnectionStore } = await import('../../../renderer/stores/connection-store.ts'));
  ({ ContractError } = await import('../../../renderer/client.ts'));
});

type Stage = Awaited<ReturnType<ConnectionCalls['test']>>[number];
type Found = Awaited<ReturnType<ConnectionCalls['discover']>>[number];

const stage = (name: Stage['stage'], status: Stage['status'] = 'passed'): Stage => ({
  stage: name,
  status,
  durationMs: 1,
  detail: name,
});
const found = (name: string, columns = 0): Found => ({
  schema: 's',
  name,
  kind: 'table',
  rowEstimate: null,
  bytes: null,
  comment: null,
  columns: Array.from({ length: columns }, (_, at) => ({
    name: `c${at}`,
    sourceType: 'int',
    nullable: true,
    comment: null,
  })),
  primaryKey: columns > 0 ? ['c0'] : [],
  watermarkSuggestions: [],
});
const cancelled = () =>
  new ContractError({ code: 'CANCELLED', message: 'Cancelled.', hint: null, detail: null, findings: [] });
const input = {
  directory: '/p',
  env: null,
  connection: { name: 'a', type: 'postgresql', values: {}, secrets: {} },
  previous_name: 'a',
};
const place = { directory: '/p', env: null };

/** Calls that are answered by hand. */
function byHand() {
  const listeners = new Set<(data: { call: string; stage: Stage }) => void>();
  const asked: { id: string; signal: AbortSignal; answer(value: unknown): void; fail(error: unknown): void }[] = [];
  const ask = (_input: unknown, { id = '', signal }: { id?: string; signal?: AbortSignal }) =>
    new Promise<never>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(cancelled()));
      asked.push({ id, signal: signal as AbortSignal, answer: resolve as (value: unknown) => void, fail: reject });
    });
  const calls: ConnectionCalls = {
    test: ask,
    discover: ask,
    onStage: (listener) => {
      listeners.add(listener as never);
      return () => listeners.delete(listener as never);
    },
  };
  const tell = (call: string, of: Stage) => {
    for (const listener of listeners) listener({ call, stage: of });
  };
  return { calls, asked, tell, listeners };
}

function memory() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test('stages show as they end, of this call only, and the verdict is remembered without any detail', async () => {
  const hand = byHand();
  const storage = memory();
  const store = createConnectionStore({ calls: hand.calls, storage });
  store.open('/p');
  const done = store.test('a', input);
  hand.tell(hand.asked[0]!.id, stage('dns'));
  hand.tell('another call', stage('tcp'));
  expect(store.getState().tests.a).toMatchObject({ status: 'running', stages: [{ stage: 'dns' }] });
  hand.asked[0]!.answer([stage('dns'), { ...stage('login', 'failed'), detail: 'host-and-user' }]);
  await done;
  expect(store.getState().tests.a).toMatchObject({ status: 'failed', passed: false });
  expect(store.getState().history.a).toMatchObject([{ status: 'failed', stage: 'login' }]);
  expect([...storage.kept.values()].join()).not.toContain('host-and-user');
  expect(hand.listeners.size).toBe(0);
  const again = createConnectionStore({ calls: hand.calls, storage });
  again.open('/p');
  expect(again.getState().history.a).toHaveLength(1);
  again.open('/q');
  expect(again.getState().history).toEqual({});
});

test('a cancelled test is no failure; a test that is replaced leaves nothing behind', async () => {
  const hand = byHand();
  const store = createConnectionStore({ calls: hand.calls, storage: null });
  const first = store.test('a', input);
  store.cancelTest('a');
  await first;
  expect(store.getState().tests.a).toMatchObject({ status: 'cancelled', error: null });
  expect(store.getState().history.a).toBeUndefined();
  const second = store.test('a', input);
  const third = store.test('a', input);
  expect(hand.asked[1]!.signal.aborted).toBe(true);
  hand.asked[2]!.answer([stage('dns')]);
  await Promise.all([second, third]);
  expect(store.getState().tests.a).toMatchObject({ status: 'passed' });
});

test('what cannot be tested at all says why', async () => {
  const hand = byHand();
  const store = createConnectionStore({ calls: hand.calls, storage: null });
  const done = store.test('a', input);
  hand.asked[0]!.fail(
    new ContractError({ code: 'PROJECT_INVALID', message: 'host is missing', hint: 'h', detail: null, findings: [] }),
  );
  await done;
  expect(store.getState().tests.a).toMatchObject({ status: 'failed', error: { code: 'PROJECT_INVALID', hint: 'h' } });
});

test('objects come first, columns later; looking again keeps known columns until the new ones are there', async () => {
  const hand = byHand();
  const store = createConnectionStore({ calls: hand.calls, storage: null });
  const done = store.discover('a', place);
  hand.asked[0]!.answer([found('t'), found('gone')]);
  await vi.waitFor(() => expect(hand.asked).toHaveLength(2));
  expect(store.getState().discoveries.a).toMatchObject({ status: 'columns' });
  hand.asked[1]!.answer([found('t', 2), found('gone', 1)]);
  expect(await done).toBe(true);
  const again = store.discover('a', place);
  hand.asked[2]!.answer([found('t'), found('new')]);
  await vi.waitFor(() => expect(hand.asked).toHaveLength(4));
  expect(store.getState().discovered.a?.map(({ name, columns }) => [name, columns.length])).toEqual([
    ['t', 2],
    ['new', 0],
  ]);
  store.cancelDiscovery('a');
  expect(await again).toBe(false);
  expect(store.getState().discoveries.a).toMatchObject({ status: 'cancelled' });
  store.rename('a', 'b');
  expect(store.getState().discovered.b).toHaveLength(2);
  store.forget('b');
  expect(store.getState().discovered).toEqual({});
});
