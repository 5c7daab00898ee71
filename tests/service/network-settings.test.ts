import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { applyNetworkSettings } from '../../engine/service/settings.ts';
import { openTokenSource } from '../../engine/sources/mssql/entra-token.ts';
import { azureSqlConnection } from '../helpers/mssql-connection.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { CLIENT, CLIENT_SECRET, type EntraServer, startEntra, TENANT } from '../servers/entra.ts';
import { startProxy, type TestProxy } from '../servers/proxy.ts';
import { scriptFor, startScriptServer } from '../servers/proxy-scripts.ts';

let folder: { path: string } & AsyncDisposable;
let entra: EntraServer;
let proxy: TestProxy;

beforeAll(async () => {
  folder = await temporaryFolder();
  [entra, proxy] = await Promise.all([startEntra(folder.path), startProxy()]);
});
afterEach(() => applyNetworkSettings({ proxy: null, ca_file: null }));
afterAll(async () => {
  proxy.close();
  await entra.close();
  await folder[Symbol.asyncDispose]();
});

const token = () =>
  openTokenSource(
    azureSqlConnection(
      { port: 1433 },
      {
        authentication: 'service_principal',
        host: 'shop.database.windows.net',
        tenant_id: TENANT,
        client_id: CLIENT,
        client_secret: CLIENT_SECRET,
      },
    ),
    { ...process.env, AZURE_AUTHORITY_HOST: entra.authority },
  )?.(new AbortController().signal);

test("a token of Entra ID for SQL Server goes through the settings' proxy and trusts their authority", async () => {
  await expect(token()).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
  await applyNetworkSettings({ proxy: null, ca_file: path.join(folder.path, 'company.pem') });
  expect(entra.tokens.get((await token()) ?? '')).toContain('https://database.windows.net/.default');
  expect(proxy.tunnels).toEqual([]);
  await applyNetworkSettings({ proxy: proxy.url, ca_file: path.join(folder.path, 'company.pem') });
  expect(await token()).toEqual(expect.any(String));
  expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${entra.port}`]));
});

test('a script in the settings chooses the proxy, and stands in the place of what the environment names', async () => {
  const scripts = await startScriptServer();
  process.env['https_proxy'] = 'http://127.0.0.1:9';
  try {
    const ca_file = path.join(folder.path, 'company.pem');
    const before = proxy.tunnels.length;
    await applyNetworkSettings({ proxy: `pac+${scripts.add(scriptFor('DIRECT'))}`, ca_file });
    expect(await token()).toEqual(expect.any(String));
    expect(proxy.tunnels).toHaveLength(before);
    const address = scripts.add(scriptFor(`PROXY ${new URL(proxy.url).host}`));
    await applyNetworkSettings({ proxy: `pac+${address}`, ca_file });
    expect(await token()).toEqual(expect.any(String));
    expect(new Set(proxy.tunnels.slice(before))).toEqual(new Set([`localhost:${entra.port}`]));
    await applyNetworkSettings({ proxy: proxy.url, ca_file });
    expect(process.env['INGEST_PROXY_SCRIPT']).toBeUndefined();
    expect(await token()).toEqual(expect.any(String));
    await applyNetworkSettings({ proxy: `pac+${scripts.add(404)}`, ca_file });
    await expect(token()).rejects.toMatchObject({ code: 'PROXY_SCRIPT_UNUSABLE' });
  } finally {
    delete process.env['https_proxy'];
    scripts.close();
  }
});
