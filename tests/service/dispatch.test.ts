import { expect, test } from 'vitest';
import { type CallName, contract } from '../../engine/contract.ts';
import { silentServer } from '../helpers/silent-server.ts';
import { SAMPLE, startService } from './service-harness.ts';

test('what the application is', async () => {
  await using studio = await startService();
  expect(await studio.call('app.about', undefined)).toEqual({
    version: '1.2.3',
    platform: process.platform,
    host: 'web',
    userDataDirectory: studio.userDataDirectory,
    openAtStart: null,
  });
});

test('a folder named at the start is opened if it is a project', async () => {
  await using project = await startService({ openAtStart: SAMPLE });
  expect(await project.call('app.about', undefined)).toMatchObject({ openAtStart: SAMPLE });
  // A file was meant: opening it says what is wrong with it.
  await using clicked = await startService({ openAtStart: import.meta.filename });
  expect(await clicked.call('app.about', undefined)).toMatchObject({ openAtStart: import.meta.filename });
  await using other = await startService({ openAtStart: import.meta.dirname });
  expect(await other.call('app.about', undefined)).toMatchObject({ openAtStart: null });
});

test('whether secrets can be kept is told', async () => {
  await using studio = await startService();
  expect(await studio.call('keychain.state', undefined)).toEqual({ available: true, detail: 'memory', hint: null });
});

test('nonsense gets a clear answer, never an exception', async () => {
  await using studio = await startService();
  const { service } = studio;
  const codeOf = async (id: unknown, name: unknown, input?: unknown) => {
    const reply = await service.dispatch(id, name, input);
    return reply.ok ? 'ok' : reply.error.code;
  };
  for (const name of ['nonsense', '__proto__', 'constructor', 'toString', '', 7, null, {}, ['app.about']]) {
    expect(await codeOf('1', name), String(name)).toBe('CALL_UNKNOWN');
  }
  for (const id of ['', 7, null, undefined, {}, 'x'.repeat(101)]) {
    expect(await codeOf(id, 'app.about'), String(id)).toBe('CALL_ID_INVALID');
  }
  const nested: unknown[] = [];
  let inner = nested;
  for (let depth = 0; depth < 100_000; depth += 1) {
    const next: unknown[] = [];
    inner.push(next);
    inner = next;
  }
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  for (const input of [
    null,
    7,
    'x',
    [],
    { directory: 7 },
    { directory: '' },
    { directory: 'x', other: 1 },
    nested,
    circular,
    new Map(),
    () => 1,
  ]) {
    expect(await codeOf('1', 'project.open', input)).toBe('CALL_INPUT_INVALID');
  }
  expect(await codeOf('1', 'project.open', { directory: 'x'.repeat(70 * 2 ** 20) })).toBe('CALL_TOO_LARGE');
  const many = {
    directory: 'x',
    edits: Array.from({ length: 200_001 }, () => ({ kind: 'delete', sheet: 's', row: 1 })),
  };
  expect(await codeOf('1', 'project.save_warnings', many)).toBe('CALL_INPUT_INVALID');
});

test('every call of the contract answers nonsense with a described error', async () => {
  await using studio = await startService();
  for (const name of Object.keys(contract.calls) as CallName[]) {
    const reply = await studio.service.dispatch(name, name, { directory: 12, nonsense: true });
    expect(reply, name).toMatchObject({ ok: false, error: { code: 'CALL_INPUT_INVALID' } });
  }
});

test('two calls of one window cannot have one id; those of two windows can', async () => {
  await using studio = await startService();
  const { service } = studio;
  const first = service.dispatch('1', 'project.recent', undefined, 'a');
  const second = await service.dispatch('1', 'project.recent', undefined, 'a');
  const other = await service.dispatch('1', 'project.recent', undefined, 'b');
  expect(second).toMatchObject({ ok: false, error: { code: 'CALL_ID_INVALID' } });
  expect(other.ok).toBe(true);
  expect((await first).ok).toBe(true);
});

test('a closed service says so', async () => {
  const studio = await startService();
  await studio[Symbol.asyncDispose]();
  expect(await studio.failure('app.about', undefined)).toMatchObject({ code: 'ENGINE_CLOSING' });
});

test('a window that is gone takes its own calls along, and none that come later under its name', async () => {
  await using studio = await startService();
  const { service } = studio;
  await using silent = await silentServer();
  const slow = {
    directory: studio.folder,
    env: null,
    connection: {
      name: 'x',
      type: 'postgresql',
      values: { host: '127.0.0.1', port: silent.port, database: 'd', username: 'u', ssl_mode: 'disable' },
      secrets: {},
    },
    previous_name: null,
  };
  const old = service.dispatch('1', 'connection.test', slow, 'page');
  const other = service.dispatch('2', 'connection.test', slow, 'other');
  await silent.asked;
  const closed = service.closeClient('page');
  const later = await service.dispatch('3', 'project.recent', undefined, 'page');
  expect(later.ok).toBe(true);
  await closed;
  expect(await old).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  service.cancel('2', 'other');
  expect(await other).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
});
