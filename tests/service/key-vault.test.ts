import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseToml } from '../../engine/bundle/toml.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { CLIENT, CLIENT_SECRET, type EntraServer, startEntra, TENANT } from '../servers/entra.ts';
import { type KeyVaultServer, startKeyVault } from '../servers/key-vault.ts';
import { startService } from './service-harness.ts';

const TOKEN = 'swordfish-of-the-vault';
let folder: { path: string } & AsyncDisposable;
let entra: EntraServer;
let vault: KeyVaultServer;
let api: Server;

beforeAll(async () => {
  folder = await temporaryFolder();
  entra = await startEntra(folder.path);
  vault = await startKeyVault({
    certificate: entra.certificate,
    accepts: (token) => entra.tokens.has(token),
    authority: `${entra.authority}/${TENANT}`,
  });
  api = createServer((request, response) => {
    const known = request.headers.authorization === `Bearer ${TOKEN}`;
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? [{ id: 1 }, { id: 2 }] : { error: 'who are you?' }));
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  api?.close();
  await vault?.close();
  await entra?.close();
  await folder?.[Symbol.asyncDispose]();
});

test('a vault is set up, tested and used by the window, which never sees what is in it', async () => {
  vault.secrets.set('sources--crm--token', { value: TOKEN });
  await using studio = await startService({
    environment: { AZURE_AUTHORITY_HOST: entra.authority },
    vault: { client: { disableChallengeResourceVerification: true } },
  });
  const directory = path.join(studio.folder, 'vaulted');
  await mkdir(directory);
  const row = {
    source_type: 'api',
    source_name: 'crm',
    table_name: 'people',
    load_type: 'FULL',
    enabled: 'Y',
    api_endpoint: '/people',
    auth_type: 'bearer',
    pagination_type: 'single_page',
  };
  await writeProject(directory, {
    jobs: [row],
    config: `# Kept.\n[sources.crm]\ntype = "api"\nbase_url = "http://127.0.0.1:${(api.address() as AddressInfo).port}"\n\n[destination]\ntype = "duckdb"\n\n[key_vault]\nca_file = ${JSON.stringify(path.join(folder.path, 'company.pem'))}\nvault_url = "https://localhost:1"\n`,
  });
  const place = { directory, env: null };
  await studio.call('project.open', place);
  const draft = {
    vault_url: vault.url,
    authentication: 'service_principal' as const,
    tenant_id: TENANT,
    client_id: CLIENT,
    client_secret: CLIENT_SECRET,
  };

  const stages = await studio.call('vault.test', { ...place, vault: draft });
  expect(stages.map(({ stage, status }) => `${stage} ${status}`)).toEqual(
    ['dns', 'tcp', 'tls', 'login', 'permission', 'first_read'].map((stage) => `${stage} passed`),
  );
  expect(stages.at(-1)?.detail).toBe('There: sources--crm--token.');
  expect(studio.heard('test.stage').map(({ stage }) => stage)).toEqual(stages);
  const wrong = await studio.call('vault.test', { ...place, vault: { ...draft, client_secret: 'wrong-one~2' } });
  expect(wrong.at(-1)).toMatchObject({ stage: 'login', status: 'failed', error: { code: 'KEY_VAULT_SIGN_IN' } });
  const elsewhere = await studio.call('vault.test', { ...place, vault: { ...draft, vault_url: entra.authority } });
  expect(elsewhere.at(-1)).toMatchObject({ stage: 'tls', status: 'failed' });
  const bad = await studio.failure('vault.test', { ...place, vault: { ...draft, vault_url: 'http://corp' } });
  expect(bad).toMatchObject({ code: 'PROJECT_INVALID' });

  const saved = await studio.call('vault.save', { ...place, vault: draft });
  const text = await readFile(path.join(directory, '.dlt', 'config.toml'), 'utf8');
  expect(text).toContain('# Kept.');
  expect(parseToml(text, 'config.toml').table['key_vault']).toEqual({
    ca_file: path.join(folder.path, 'company.pem'),
    vault_url: vault.url,
    authentication: 'service_principal',
    tenant_id: TENANT,
    client_id: CLIENT,
  });
  expect(saved.deferredPaths).toEqual(['sources.crm.token']);
  expect(saved.origins.find((origin) => origin.path === 'key_vault.client_secret')).toMatchObject({
    origin: 'keychain',
  });

  vault.asked.length = 0;
  const input = { ...place, row, options: {}, replay: null, pages: 1, rows: 10 };
  const preview = await studio.call('job.preview', input);
  expect(JSON.stringify(preview)).toContain('"id"');
  await studio.call('job.preview', input);
  expect(vault.asked).toEqual(['sources--crm--token']);

  await studio.call('run.start', {
    ...place,
    rows: [2],
    destination: null,
    sample_rows: null,
    full_refresh: false,
  });
  const ended = () => studio.heard('run.event').find(({ event }) => event.type === 'run_finished')?.event;
  await expect.poll(ended, { timeout: 30_000 }).toMatchObject({ status: 'SUCCESS' });
  // A run asks anew: a secret that was changed meanwhile counts.
  expect(vault.asked).toEqual(['sources--crm--token', 'sources--crm--token']);

  const without = await studio.call('vault.save', { ...place, vault: null });
  expect(without.config).not.toHaveProperty('key_vault');
  expect(without.deferredPaths).toEqual([]);
  expect(studio.said.join('\n')).not.toMatch(/swordfish|the-right-secret|wrong-one/);
}, 60_000);
