import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askVault, openProject, vaultWarnings } from '../../engine/open-project.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import type { VaultScope } from '../../engine/secrets/vault-paths.ts';
import {
  type SignInDesk,
  type SignInRequest,
  SignInSessions,
  withSignInDesk,
} from '../../engine/sign-in/sign-in-desk.ts';
import { vaultSecretName } from '../../engine/spec/key-vault.ts';
import { cli } from '../cli/cli-process.ts';
import { writeProject } from '../helpers/project.ts';
import { CLIENT, CLIENT_SECRET, type EntraServer, startEntra, TENANT } from '../servers/entra.ts';
import { type KeyVaultServer, startKeyVault } from '../servers/key-vault.ts';
import { startProxy } from '../servers/proxy.ts';
import { scriptFor, startScriptServer } from '../servers/proxy-scripts.ts';
import { browse } from '../servers/sign-in-authority.ts';
import { memoryKeychain } from '../service/service-harness.ts';

let root: string;
let entra: EntraServer;
let vault: KeyVaultServer;
let folder: string;
const client = { disableChallengeResourceVerification: true };
const job = (source_name: string, source_type = 'postgresql', enabled = 'Y') => ({
  source_type,
  source_name,
  table_name: `orders_${source_name}`,
  load_type: 'FULL',
  enabled,
});
const source = (name: string) =>
  `[sources.${name}]\ntype = "postgresql"\nhost = "db.example"\ndatabase = "d"\nusername = "ann"\n`;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'key-vault-'));
  entra = await startEntra(root);
  vault = await startKeyVault({
    certificate: entra.certificate,
    accepts: (token) => entra.tokens.get(token)?.includes('https://vault.azure.net/.default') === true,
    authority: `${entra.authority}/${TENANT}`,
  });
}, 60_000);
afterAll(async () => {
  await vault?.close();
  await entra?.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'project-'));
  vault.secrets.clear();
  vault.asked.length = 0;
  vault.refuseAll = null;
  vault.silent = false;
  vault.mostAtOnce = 0;
});
afterEach(() => {
  vault.silent = false;
});

interface Setup {
  jobs?: ReturnType<typeof job>[];
  sources?: string;
  vault?: string;
  secrets?: string;
}

async function write({ jobs = [job('shop')], sources = source('shop'), vault: more = '', secrets }: Setup = {}) {
  await mkdir(folder, { recursive: true });
  await writeProject(folder, {
    jobs,
    config: `${sources}\n[destination]\ntype = "duckdb"\n\n[key_vault]\nvault_url = "${vault.url}"\ntenant_id = "${TENANT}"\nclient_id = "${CLIENT}"\nca_file = "../company.pem"\n${more}`,
    ...(secrets === undefined ? {} : { secrets }),
  });
}

const environmentOf = (more: Record<string, string> = {}) => ({
  AZURE_AUTHORITY_HOST: entra.authority,
  KEY_VAULT__CLIENT_SECRET: CLIENT_SECRET,
  ...more,
});

function open(
  scope: VaultScope = { selectors: [] },
  { environment = environmentOf(), signal = new AbortController().signal, patience = 20_000 } = {},
) {
  return openProject(folder, { environment, vault: { scope, signal, client, patience } });
}

const codesOf = (findings: readonly { code: string }[]) => findings.map(({ code }) => code);

describe('names', () => {
  it('are made of key paths in what a vault allows', () => {
    expect(vaultSecretName(['sources', 'shop', 'password'])).toBe('sources--shop--password');
    expect(vaultSecretName(['sources', 'Shop_EU', 'client_secret'])).toBe('sources--shop-eu--client-secret');
    expect(vaultSecretName(['sources', 'größe', 'password'])).toBe('sources--gr--e--password');
    expect(vaultSecretName(['sources', '日本', 'password'])).toBeNull();
    expect(vaultSecretName(['sources', 'x'.repeat(108), 'password'])).toHaveLength(127);
    expect(vaultSecretName(['sources', 'x'.repeat(109), 'password'])).toBeNull();
  });
});

describe('a project with a key vault', () => {
  it('offline: what the vault may hold is deferred, and nobody is asked', async () => {
    await write({ secrets: '[sources.shop]\npassword = "from-file-1"\n' });
    const opened = await openProject(folder, { environment: environmentOf() });
    expect(codesOf(opened.findings)).toContain('SECRET_DEFERRED');
    expect(codesOf(opened.findings)).not.toContain('SECRET_MISSING');
    expect(opened.origins.find((origin) => origin.path === 'sources.shop.password')).toMatchObject({
      origin: 'Azure Key Vault localhost',
      place: 'secret sources--shop--password',
      deferred: true,
      overruled: ['.dlt/secrets.toml'],
    });
    expect(vault.asked).toEqual([]);
    const without = await openProject(folder, { environment: environmentOf(), secrets: false });
    expect(codesOf(without.findings)).not.toContain('SECRET_DEFERRED');
  });

  it('counts after the environment and before every other place; its values are redacted', async () => {
    vault.secrets.set('sources--shop--password', { value: 'from-the-vault-1' });
    vault.secrets.set('sources--crm--password', { value: 'never-asked-for' });
    await write({
      jobs: [job('shop'), job('crm')],
      sources: `${source('shop')}${source('crm')}`,
      secrets: '[sources.shop]\npassword = "from-file-1"\n',
    });
    const environment = environmentOf({ SOURCES__CRM__PASSWORD: 'from-env-1' });
    const opened = await open({ selectors: [] }, { environment });
    expect(opened.findings.filter(({ severity }) => severity !== 'notice')).toEqual([]);
    expect(opened.project.connections).toMatchObject({
      shop: { password: 'from-the-vault-1' },
      crm: { password: 'from-env-1' },
    });
    expect(vault.asked).toEqual(['sources--shop--password']);
    expect(opened.origins.find((origin) => origin.path === 'sources.shop.password')).toMatchObject({
      origin: 'Azure Key Vault localhost',
      place: 'secret sources--shop--password',
      deferred: false,
      overruled: ['.dlt/secrets.toml'],
    });
    expect(opened.redactor.text(`from-the-vault-1 from-file-1 ${CLIENT_SECRET}`)).toBe('*** *** ***');
    expect(JSON.stringify([opened.origins, opened.findings])).not.toMatch(/from-the-vault|from-file|the-right-secret/);
  });

  it('only the secrets of the selected jobs are asked for, several at a time', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `s${at}`);
    for (const name of names) vault.secrets.set(`sources--${name}--password`, { value: `value-of-${name}` });
    await write({
      jobs: [...names.map((name) => job(name)), job('off', 'postgresql', 'N')],
      sources: [...names, 'off'].map(source).join(''),
    });
    await open({ selectors: ['orders_s3', 'orders_s4'] });
    expect(vault.asked.toSorted()).toEqual(['sources--s3--password', 'sources--s4--password']);
    vault.asked.length = 0;
    const all = await open({ selectors: [] });
    expect(vault.asked.toSorted()).toEqual(names.map((name) => `sources--${name}--password`).toSorted());
    expect(all.project.connections['s11']).toMatchObject({ password: 'value-of-s11' });
    expect(vault.mostAtOnce).toBeGreaterThan(1);
    vault.asked.length = 0;
    await open({ rows: [3] });
    expect(vault.asked).toEqual(['sources--s1--password']);
    vault.asked.length = 0;
    await open('everything');
    expect(vault.asked).toContain('sources--off--password');
  });

  it('explicit names and versions; names that two would share are not asked for', async () => {
    vault.secrets.set('shop-db', { value: 'newest-1', versions: { abc123: 'pinned-1' } });
    vault.secrets.set('sources--a-b--password', { value: 'of-whom' });
    await write({
      jobs: [job('shop'), job('a_b'), { ...job('a-b'), table_name: 'other' }],
      sources: `${source('shop')}${source('a_b')}${source('a-b')}`,
      vault: 'secrets = [{ path = "sources.shop.password", name = "shop-db", version = "abc123" }]\n',
    });
    const opened = await open();
    expect(opened.project.connections['shop']).toMatchObject({ password: 'pinned-1' });
    expect(vault.asked).toEqual(['shop-db/abc123']);
    const [ambiguous] = vaultWarnings(opened);
    expect(ambiguous).toMatchObject({
      code: 'KEY_VAULT_NAME_AMBIGUOUS',
      message: expect.stringContaining('sources.a_b.password and sources.a-b.password'),
    });
    expect(codesOf(opened.findings)).toContain('SECRET_MISSING');
    vault.asked.length = 0;
    await open({ selectors: ['other'] });
    expect(vault.asked).toEqual([]);
  });

  it('secrets that are disabled, refused, expired or not there are named; the others are used', async () => {
    vault.secrets.set('sources--a--password', { value: 'good-one-1' });
    vault.secrets.set('sources--b--password', { value: 'disabled-1', disabled: true });
    vault.secrets.set('sources--c--password', { value: 'refused-1', refused: 'ForbiddenByRbac' });
    vault.secrets.set('sources--d--password', { value: 'expired-1', expires: Date.now() - 60_000 });
    vault.secrets.set('sources--e--password', { value: 'tomorrow-1', notBefore: Date.now() + 86_400_000 });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await write({
      jobs: names.map((name) => job(name)),
      sources: names.map(source).join(''),
      secrets: '[sources.b]\npassword = "fallback-b"\n',
    });
    const opened = await open();
    const said = new Map(vaultWarnings(opened).map(({ column, message }) => [column, message]));
    expect([...said.keys()].toSorted()).toEqual(['b', 'c', 'd', 'e'].map((name) => `sources.${name}.password`));
    expect(said.get('sources.b.password')).toMatch(
      /secret sources--b--password of Azure Key Vault localhost is disabled/,
    );
    expect(said.get('sources.c.password')).toMatch(
      /does not let us read secret sources--c--password \(ForbiddenByRbac\)/,
    );
    expect(said.get('sources.d.password')).toMatch(/expired at/);
    expect(said.get('sources.e.password')).toMatch(/from .* on; it is used/);
    expect(opened.project.connections).toMatchObject({
      a: { password: 'good-one-1' },
      b: { password: 'fallback-b' },
      d: { password: 'expired-1' },
      e: { password: 'tomorrow-1' },
    });
    const missing = opened.findings.filter(({ code }) => code === 'SECRET_MISSING').map(({ column }) => column);
    expect(missing).toEqual(['sources.c.password', 'sources.f.password']);
  });

  it('a vault that throttles is asked again, and one that does not stop is given up', async () => {
    vault.secrets.set('sources--shop--password', { value: 'patience-1', throttled: { times: 2, afterMs: 20 } });
    await write();
    expect((await open()).project.connections['shop']).toMatchObject({ password: 'patience-1' });
    vault.secrets.set('sources--shop--password', { value: 'patience-1', throttled: { times: 99, afterMs: 10 } });
    const opened = await open();
    expect(vaultWarnings(opened)).toMatchObject([{ message: expect.stringContaining('429') }]);
    expect(vault.asked.length).toBeLessThan(10);
  });
});

describe('a vault that cannot be asked', () => {
  const failing: [string, () => Parameters<typeof open>[1], RegExp][] = [
    [
      'the wrong client secret',
      () => ({ environment: environmentOf({ KEY_VAULT__CLIENT_SECRET: 'wrong-one~2' }) }),
      /AADSTS7000215/,
    ],
    [
      'no client secret',
      () => ({ environment: environmentOf({ KEY_VAULT__CLIENT_SECRET: '' }) }),
      /has no client_secret/,
    ],
    [
      'no such host',
      () => ({ environment: environmentOf({ KEY_VAULT__VAULT_URL: 'https://nowhere.invalid' }) }),
      /no host nowhere\.invalid/,
    ],
    [
      'nobody there',
      () => ({ environment: environmentOf({ KEY_VAULT__VAULT_URL: 'https://localhost:1' }) }),
      /cannot be reached \(ECONNREFUSED\)/,
    ],
    [
      'an authority that nobody trusts',
      () => ({ environment: environmentOf({ KEY_VAULT__CA_FILE: untrusted }) }),
      /certificate of localhost:\d+ is not trusted/,
    ],
    [
      'a firewall',
      () => {
        vault.refuseAll = 'ForbiddenByFirewall';
        return {};
      },
      /firewall/,
    ],
    [
      'silence',
      () => {
        vault.silent = true;
        return { patience: 1_500 };
      },
      /did not answer in time/,
    ],
  ];
  let untrusted: string;
  beforeAll(async () => {
    const { makeCertificate } = await import('../helpers/certificate.ts');
    untrusted = path.join(root, 'other.pem');
    await writeFile(untrusted, makeCertificate({ name: 'Other CA' }).certificate);
  });
  it.each(failing)('%s: one warning, and the other places are looked at', async (_, setUp, said) => {
    await write({
      jobs: [job('shop'), job('crm')],
      sources: `${source('shop')}${source('crm')}`,
      secrets: '[sources.shop]\npassword = "from-file-1"\n[sources.crm]\npassword = "from-file-2"\n',
    });
    const opened = await open({ selectors: [] }, setUp());
    expect(vaultWarnings(opened)).toMatchObject([
      {
        code: 'SECRET_PROVIDER_UNREACHABLE',
        severity: 'warning',
        message: expect.stringMatching(said),
        hint: expect.any(String),
      },
    ]);
    expect(opened.project.connections).toMatchObject({
      shop: { password: 'from-file-1' },
      crm: { password: 'from-file-2' },
    });
    expect(opened.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(JSON.stringify(opened.findings)).not.toMatch(/wrong-one|the-right-secret/);
  });

  it('a cancel ends the wait', async () => {
    vault.silent = true;
    await write();
    const controller = new AbortController();
    const opening = open({ selectors: [] }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 300);
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('the challenge of another domain is not answered with a token', async () => {
    await write();
    const before = entra.tokens.size;
    const opened = await openProject(folder, {
      environment: environmentOf(),
      vault: { scope: { selectors: [] }, signal: new AbortController().signal, patience: 20_000 },
    });
    expect(vaultWarnings(opened)).toMatchObject([{ message: expect.stringContaining('another domain') }]);
    expect(entra.tokens.size).toBe(before);
    expect(vault.asked).toEqual([]);
  });
});

it('a person signs in with the browser: the vault is asked then, and CI is warned', async () => {
  vault.secrets.set('sources--shop--password', { value: 'from-the-vault' });
  await write({ vault: 'authentication = "browser"\n' });
  const config = await readFile(path.join(folder, '.dlt/config.toml'), 'utf8');
  await writeFile(path.join(folder, '.dlt/config.toml'), config.replace(/^client_id = .*\n/m, ''));
  const requests: SignInRequest[] = [];
  const desk = (ask: SignInDesk['ask']): SignInDesk => ({
    project: folder,
    store: createSecretStore({ directory: path.join(folder, `user-${ask === null}`), keychain: memoryKeychain() }),
    sessions: new SignInSessions(),
    ask,
  });
  const attended = await withSignInDesk(
    desk((request) => {
      requests.push(request);
      void browse(request.address, entra.company);
      return () => undefined;
    }),
    () => open({ selectors: [] }),
  );
  expect(attended.project.connections['shop']).toMatchObject({ password: 'from-the-vault' });
  expect(attended.findings.map(({ code, column }) => [code, column])).toEqual([['SIGN_IN_NOT_HEADLESS', 'key_vault']]);
  expect(requests).toMatchObject([{ section: 'key_vault', service: 'Microsoft Entra ID' }]);

  const alone = await withSignInDesk(desk(null), () => open({ selectors: [] }));
  expect(alone.findings).toContainEqual(
    expect.objectContaining({
      code: 'SECRET_PROVIDER_UNREACHABLE',
      message: expect.stringContaining('nobody is here'),
    }),
  );
});

it('vault and sign-in go through the proxy', async () => {
  vault.secrets.set('sources--shop--password', { value: 'through-a-proxy' });
  const [proxy, scripts] = await Promise.all([startProxy(), startScriptServer()]);
  try {
    await write();
    const opened = await open({ selectors: [] }, { environment: environmentOf({ HTTPS_PROXY: proxy.url }) });
    expect(opened.project.connections['shop']).toMatchObject({ password: 'through-a-proxy' });
    expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${vault.port}`, `localhost:${entra.port}`]));
    const INGEST_PROXY_SCRIPT = scripts.add(scriptFor(`PROXY ${new URL(proxy.url).host}`));
    proxy.tunnels.length = 0;
    await open({ selectors: [] }, { environment: environmentOf({ INGEST_PROXY_SCRIPT }) });
    expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${vault.port}`, `localhost:${entra.port}`]));
    const past = proxy.tunnels.length;
    await write({ vault: 'proxy = "direct"\n' });
    await open({ selectors: [] }, { environment: environmentOf({ HTTPS_PROXY: proxy.url }) });
    expect(proxy.tunnels).toHaveLength(past);
  } finally {
    proxy.close();
    scripts.close();
  }
});

it('an opened project is completed without reading its files again', async () => {
  vault.secrets.set('sources--shop--password', { value: 'asked-later-1' });
  await write();
  const environment = environmentOf();
  const opened = await openProject(folder, { environment });
  await rm(folder, { recursive: true });
  await mkdir(folder);
  const asked = await askVault(opened, {
    environment,
    vault: { scope: 'everything', signal: new AbortController().signal, client },
  });
  expect(asked.project.connections['shop']).toMatchObject({ password: 'asked-later-1' });
});

it('what is wrong with the table is a finding', async () => {
  await writeProject(folder, {
    jobs: [job('shop')],
    config: `${source('shop')}[destination]\ntype = "duckdb"\n[key_vault]\nvault_url = "http://corp.vault.azure.net/x"\nvaulturl = "y"\n`,
  });
  const { findings, keyVault } = await openProject(folder, { environment: {} });
  expect(keyVault).toBeNull();
  expect(findings.filter(({ column }) => column?.startsWith('key_vault'))).toMatchObject([
    { code: 'CONFIG_KEY_UNKNOWN', column: 'key_vault.vaulturl' },
    { severity: 'error', column: 'key_vault.vault_url', hint: expect.stringContaining('Vault URI') },
  ]);
  await writeProject(folder, {
    jobs: [job('shop')],
    config: `${source('shop')}[destination]\ntype = "duckdb"\n[key_vault]\nurl = "Corp-KV"\n`,
  });
  expect((await openProject(folder, { environment: {} })).keyVault).toMatchObject({
    vaultUrl: 'https://corp-kv.vault.azure.net',
    name: 'corp-kv',
    authentication: 'default_credential',
  });
});

it('the command line: deferred by validate, explained, and one warning where the vault cannot be asked', async () => {
  await write({ secrets: '[sources.shop]\npassword = "from-file-1"\n' });
  const environment = environmentOf({ KEY_VAULT__VAULT_URL: 'https://localhost:1' });
  const validated = await cli(['-c', folder, '--json', 'validate'], environment);
  expect(validated.code).toBe(0);
  expect(JSON.parse(validated.stdout).issues.map(({ code }: { code: string }) => code)).toContain('SECRET_DEFERRED');
  expect(validated.stderr).toBe('');
  const explained = await cli(['-c', folder, '--json', 'secrets', 'explain'], environment);
  const { secrets, warnings } = JSON.parse(explained.stdout);
  expect(warnings).toMatchObject([
    { code: 'SECRET_PROVIDER_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') },
  ]);
  expect(secrets).toContainEqual(
    expect.objectContaining({ path: 'sources.shop.password', origin: '.dlt/secrets.toml', deferred: false }),
  );
  const words = await cli(['-c', folder, 'secrets', 'explain'], environment);
  expect(words.stdout).toContain(
    'environment (SOURCES__NAME__PASSWORD), Azure Key Vault localhost, .dlt/secrets.toml, keychain',
  );
  const tested = await cli(['-c', folder, 'discover', 'shop'], environment);
  expect(tested.stderr.match(/cannot be reached/g)).toHaveLength(1);
  expect(JSON.stringify([validated, explained, words, tested])).not.toMatch(/from-file-1|the-right-secret/);
});
