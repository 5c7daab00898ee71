import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Redactor } from '../../engine/secrets/redaction.ts';
import { createSecretStore, keychainProvider, type SecretStore } from '../../engine/secrets/secret-store.ts';
import { entraAuthority, type SignInAuthority } from '../../engine/sign-in/authority.ts';
import { type BrowserSignInOptions, openBrowserSignIn } from '../../engine/sign-in/browser-sign-in.ts';
import { openLoopback } from '../../engine/sign-in/loopback.ts';
import { type SignInDesk, type SignInRequest, SignInSessions } from '../../engine/sign-in/sign-in-desk.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { browse, PERSON, startPeople } from '../servers/sign-in-authority.ts';
import { memoryKeychain } from '../service/service-harness.ts';

const TENANT = '11111111-1111-1111-1111-111111111111';
const ENDPOINTS = { authorize: `/${TENANT}/oauth2/v2.0/authorize`, token: `/${TENANT}/oauth2/v2.0/token` };
const PLACE = { section: 'sources', name: 'crm' } as const;

let people: Awaited<ReturnType<typeof startPeople>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: SecretStore;
let agent: Agent;
/** What people were asked, with what they may do. */
let asked: { request: SignInRequest; cancel(): void; ended: boolean }[];
const never = new AbortController().signal;

beforeAll(async () => {
  people = await startPeople(ENDPOINTS);
  agent = new Agent({ ca: people.ca });
});
afterAll(async () => {
  agent.destroy();
  await people[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  store = createSecretStore({ directory: folder.path, keychain: memoryKeychain() });
  asked = [];
});
afterEach(async () => {
  Object.assign(people.behaviour, { denies: false, refusesRefresh: false, lifetime: 3600 });
  await folder[Symbol.asyncDispose]();
});

/** A process of its own: nothing is in memory. */
function desk(change: Partial<SignInDesk> = {}): SignInDesk {
  return {
    project: folder.path,
    store,
    sessions: new SignInSessions(),
    ask: (request, cancel) => {
      const entry = { request, cancel, ended: false };
      asked.push(entry);
      return () => {
        entry.ended = true;
      };
    },
    ...change,
  };
}

const authority = (change: Partial<SignInAuthority> = {}): SignInAuthority => ({
  ...entraAuthority(people.url, { scope: 'https://database.windows.net/.default', tenant: TENANT, user: PERSON }),
  ...change,
});
const open = (at: SignInDesk, change: Partial<BrowserSignInOptions> = {}) =>
  openBrowserSignIn({ ...PLACE, authority: authority(), agent, desk: at, ...change });
const wanted = async (count = 1) => {
  await expect.poll(() => asked.length).toBe(count);
  return asked[count - 1]!;
};
const visit = async ({ request: { address } }: { request: SignInRequest }) => {
  const page = await browse(address, people.ca);
  return { status: page.status, text: await page.text() };
};
const redirectOf = (entry: { request: SignInRequest }) =>
  new URL(entry.request.address).searchParams.get('redirect_uri') as string;
/** Nobody listens there any more. */
const isClosed = (redirect: string) =>
  fetch(redirect).then(
    () => false,
    () => true,
  );

test('a person signs in once for all that wait; the next start signs in without them', async () => {
  const first = desk();
  const redactor = new Redactor();
  first.sessions.tell(redactor);
  const signIn = open(first);
  const grants = people.grants.length;
  const waiting = Promise.all([signIn(never), signIn(never), open(first)(never)]);
  const entry = await wanted();
  expect(entry.request).toMatchObject({ ...PLACE, service: 'Microsoft Entra ID', user: PERSON });
  expect(Date.parse(entry.request.ends_at) - Date.now()).toBeGreaterThan(290_000);
  const page = await visit(entry);
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('You can close this window.') });
  expect(page.text).toContain(PERSON);
  const [one, two, three] = await waiting;
  expect(one).toMatchObject({ token: people.tokens.at(-1), person: PERSON });
  expect([two, three]).toEqual([one, one]);
  expect((await signIn(never)).token).toBe(one.token);
  // What was cancelled cleans up with the token that is there.
  expect((await signIn(AbortSignal.abort())).token).toBe(one.token);
  expect(people.grants.slice(grants)).toEqual(['authorization_code']);
  expect(Object.fromEntries(people.asked.at(-1) ?? [])).toMatchObject({
    client_id: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
    code_challenge_method: 'S256',
    login_hint: PERSON,
    scope: 'https://database.windows.net/.default offline_access',
  });
  expect([asked.length, entry.ended, await isClosed(redirectOf(entry))]).toEqual([1, true, true]);

  // Nothing of it is in a file or a message, and it is no value of the configuration.
  const secrets = [people.tokens.at(-1)!, people.refreshTokens.at(-1)!];
  expect(redactor.text(secrets.join(' and '))).toBe('*** and ***');
  for (const name of await readdir(folder.path)) {
    const kept = await readFile(path.join(folder.path, name), 'utf8');
    for (const secret of secrets) expect(kept).not.toContain(secret);
  }
  expect(await store.paths(folder.path)).toEqual([['sources', 'crm', 'browser_sign_in']]);
  const provider = keychainProvider(store, folder.path);
  expect(await provider.paths?.()).toEqual([]);
  expect(await provider.get(['sources', 'crm', 'browser_sign_in'])).toBeNull();

  // Nobody has to be there.
  const next = desk({ ask: null });
  const renewed = await open(next)(never);
  expect(renewed).toMatchObject({ person: PERSON });
  expect(renewed.token).not.toBe(one.token);
  expect(people.grants.slice(grants)).toEqual(['authorization_code', 'refresh_token']);
  // The old refresh token is good no more: the new one was kept.
  expect((await open(desk({ ask: null }))(never)).token).not.toBe(renewed.token);
});

test('a token that ends soon is renewed, and a refusal asks the person again', async () => {
  Object.assign(people.behaviour, { lifetime: 0 });
  const at = desk();
  const signIn = open(at);
  const first = signIn(never);
  await visit(await wanted());
  await first;
  await signIn(never);
  expect(people.grants.at(-1)).toBe('refresh_token');
  expect(asked).toHaveLength(1);

  Object.assign(people.behaviour, { refusesRefresh: true, lifetime: 3600 });
  const again = signIn(never);
  await visit(await wanted(2));
  expect(await again).toMatchObject({ person: PERSON });

  // What is kept is for that authority and client only: another never sees it.
  Object.assign(people.behaviour, { refusesRefresh: false });
  const grants = people.grants.length;
  const other = open(desk({ ask: null }), { authority: authority({ clientId: 'another' }) });
  await expect(other(never)).rejects.toMatchObject({
    code: 'SIGN_IN_NEEDED',
    message: expect.stringContaining('crm'),
    hint: expect.stringContaining('service principal'),
  });
  expect(people.grants).toHaveLength(grants);

  // Refused where nobody is: it says so at once, and is forgotten.
  Object.assign(people.behaviour, { refusesRefresh: true });
  await expect(open(desk({ ask: null }))(never)).rejects.toMatchObject({ code: 'SIGN_IN_NEEDED' });
  expect(await store.paths(folder.path)).toEqual([]);
  await expect(open(desk(), { desk: null })(never)).rejects.toMatchObject({ code: 'SIGN_IN_NEEDED' });
});

test('only the right return counts: another state, path, method or host is answered and let be', async () => {
  const result = open(desk())(never);
  const entry = await wanted();
  const redirect = redirectOf(entry);
  const { port } = new URL(redirect);
  const ask = (path: string, options: { method?: string; host?: string } = {}) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const headers = { host: options.host ?? `localhost:${port}` };
      request({ host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers }, async (answer) =>
        resolve({ status: answer.statusCode, body: await text(answer) }),
      )
        .on('error', reject)
        .end();
    });
  const state = new URL(entry.request.address).searchParams.get('state');
  expect(await ask('/?code=stolen&state=<b>')).toMatchObject({ status: 400, body: expect.stringContaining('newest') });
  expect((await ask('/?code=stolen')).status).toBe(400);
  expect((await ask('/favicon.ico')).status).toBe(404);
  expect((await ask(`/?code=x&state=${state}`, { method: 'POST' })).status).toBe(404);
  expect((await ask(`/?code=x&state=${state}`, { host: 'evil.example' })).status).toBe(404);
  expect((await visit(entry)).status).toBe(200);
  expect(await result).toMatchObject({ person: PERSON });

  // A code that the authority did not give.
  const forged = open(
    desk({ store: createSecretStore({ directory: path.join(folder.path, 'x'), keychain: memoryKeychain() }) }),
  )(never);
  const failing = expect(forged).rejects.toMatchObject({ code: 'SIGN_IN_REFUSED' });
  const second = await wanted(2);
  const right = new URL(second.request.address).searchParams.get('state');
  const page = await fetch(`${redirectOf(second)}/?code=forged&state=${right}`);
  expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('You are not signed in')]);
  await failing;
  expect(await isClosed(redirectOf(second))).toBe(true);
});

test('denied, cancelled, too late, unreachable: each says so and ends its listener', async () => {
  Object.assign(people.behaviour, { denies: true });
  const denied = open(desk())(never);
  const refused = expect(denied).rejects.toMatchObject({
    code: 'SIGN_IN_REFUSED',
    message: 'crm was not signed in: Microsoft Entra ID refused it: AADSTS65004: User declined to consent.',
  });
  expect(await visit(await wanted())).toMatchObject({ status: 400, text: expect.stringContaining('declined') });
  await refused;

  const cancelled = open(desk())(never);
  (await wanted(2)).cancel();
  await expect(cancelled).rejects.toMatchObject({ code: 'SIGN_IN_CANCELLED' });

  await expect(open(desk(), { patience: 20 })(never)).rejects.toMatchObject({ code: 'SIGN_IN_TIMED_OUT' });

  // One job of two is cancelled: the other still waits, and nobody is asked twice.
  const at = desk();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = open(at)(one.signal);
  const second = open(at)(two.signal);
  const entry = await wanted(4);
  one.abort();
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(entry.ended).toBe(false);
  two.abort();
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
  // Who comes while the last one leaves is asked anew.
  const late = open(at)(never);
  await expect.poll(() => entry.ended).toBe(true);
  (await wanted(5)).cancel();
  await expect(late).rejects.toMatchObject({ code: 'SIGN_IN_CANCELLED' });
  await expect(open(at)(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });

  expect(asked.every(({ ended }) => ended)).toBe(true);
  for (const each of asked) await expect.poll(() => isClosed(redirectOf(each))).toBe(true);

  // What is kept outlives an authority that cannot be reached.
  Object.assign(people.behaviour, { denies: false });
  const kept = open(desk())(never);
  await visit(await wanted(6));
  await kept;
  const value = await store.get(folder.path, ['sources', 'crm', 'browser_sign_in']);
  const gone = open(desk(), { authority: authority({ tokenEndpoint: 'https://localhost:1/token' }) });
  await expect(gone(never)).rejects.toMatchObject({ code: 'SIGN_IN_UNREACHABLE', retryable: true });
  expect(await store.get(folder.path, ['sources', 'crm', 'browser_sign_in'])).toBe(value);
});

test('ports of the client: the next one where one is taken, and a word where all are', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port: taken } = holder.address() as { port: number };
  try {
    const free = await openLoopback(null);
    const port = Number(new URL(free.redirectUri).port);
    await free.close();
    const loopback = await openLoopback([taken, port]);
    expect(loopback.redirectUri).toBe(`http://localhost:${port}`);
    await loopback.close();
    await expect(open(desk(), { authority: authority({ ports: [taken] }) })(never)).rejects.toMatchObject({
      code: 'SIGN_IN_PORT_TAKEN',
      hint: expect.stringContaining('Databricks CLI'),
    });
    expect(asked).toEqual([]);
  } finally {
    holder.close();
  }
});

test('without a keychain a person signs in once a start', async () => {
  const broken = {
    ...store,
    get: () => Promise.reject(new Error('locked')),
    set: () => Promise.reject(new Error('locked')),
  };
  Object.assign(people.behaviour, { lifetime: 0 });
  const signIn = open(desk({ store: broken }));
  const first = signIn(never);
  await visit(await wanted());
  await first;
  await signIn(never);
  expect([asked.length, people.grants.at(-1)]).toEqual([1, 'refresh_token']);
});
