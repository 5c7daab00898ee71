import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import type { DatabricksDestination } from '../../../engine/spec/destination.ts';
import { TENANT, TOKEN } from '../../servers/databricks/warehouse-server.ts';
import { startProxy } from '../../servers/proxy.ts';
import { buildPackage, creations } from '../build-package.ts';
import { startTestWarehouse, type TestWarehouse } from './warehouse.ts';

const never = new AbortController().signal;
const PRINCIPAL = { id: 'service-principal', secret: 'dose-0123456789' };

let root: string;
let workspace: Workspace;
let warehouse: TestWarehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'warehouse-'));
  workspace = await Workspace.open({ memoryLimitMiB: 200, threads: 1, tempDirectory: join(root, 'spill') });
  warehouse = await startTestWarehouse({ principal: PRINCIPAL });
});
afterAll(async () => {
  await warehouse.close();
  workspace.close();
  await rm(root, { recursive: true, force: true });
});
afterEach(() => {
  delete warehouse.server.faults.onRequest;
  delete warehouse.server.faults.onStatement;
});

const destination = (values: Partial<DatabricksDestination> = {}) => warehouse.destination(workspace, root, values);

/** Opens a destination and gives the error that this fails with. */
async function failure(values: Partial<DatabricksDestination>): Promise<Record<string, unknown>> {
  const opening = destination(values);
  try {
    await opening.open(never);
  } catch (error) {
    return error as Record<string, unknown>;
  } finally {
    await opening.close();
  }
  throw new Error('It opened.');
}

let loads = 0;
const orders = (rows = 'SELECT 1::BIGINT AS id') =>
  buildPackage(root, {
    loadId: `19${loads++}.5`,
    disposition: 'merge',
    key: ['id'],
    watermark: '1',
    tables: [{ name: 'orders', columns: { id: 'BIGINT' }, rows }],
  });

describe('signing in', () => {
  it('refuses a wrong token at once, and never shows it', async () => {
    let requests = 0;
    warehouse.server.faults.onRequest = () => {
      requests += 1;
      return undefined;
    };
    const error = await failure({ access_token: 'dapi-wrong-token-value' });
    expect(error).toMatchObject({
      code: 'DATABRICKS_SIGN_IN',
      retryable: false,
      hint: expect.stringContaining('access_token'),
    });
    expect(JSON.stringify([error.message, error.hint, error.stack])).not.toContain('dapi-wrong');
    expect(requests).toBe(1);
  });

  it('signs in as a service principal, and says what is wrong with one', async () => {
    const oauth = { access_token: undefined, client_id: PRINCIPAL.id, client_secret: PRINCIPAL.secret };
    const opened = destination({ ...oauth, catalog: 'main' });
    await opened.open(never);
    expect(await opened.listStates(null)).toEqual([]);
    await opened.close();
    expect(await failure({ ...oauth, client_secret: 'another-secret' })).toMatchObject({
      code: 'DATABRICKS_SIGN_IN',
      message: expect.stringContaining('Client authentication failed'),
    });
    expect(await failure({ ...oauth, client_secret: undefined })).toMatchObject({ code: 'DATABRICKS_CREDENTIALS' });
    expect(await failure({ access_token: undefined })).toMatchObject({
      code: 'DATABRICKS_CREDENTIALS',
      hint: expect.stringContaining('client_secret'),
    });
  });

  it('signs in as a service principal of Entra ID', async () => {
    const entra = {
      access_token: undefined,
      client_id: PRINCIPAL.id,
      client_secret: PRINCIPAL.secret,
      azure_tenant_id: TENANT,
    };
    const environment = { AZURE_AUTHORITY_HOST: `https://localhost:${warehouse.server.port}` };
    const opened = warehouse.destination(workspace, root, entra, { environment });
    await opened.open(never);
    expect(await opened.listStates(null)).toEqual([]);
    await opened.close();
    const wrong = warehouse.destination(
      workspace,
      root,
      { ...entra, client_secret: 'another-secret' },
      { environment },
    );
    await expect(wrong.open(never)).rejects.toMatchObject({
      code: 'DATABRICKS_SIGN_IN',
      message: expect.stringContaining('AADSTS7000215'),
      hint: expect.stringContaining('client_secret'),
    });
  });

  it('refuses a certificate that nobody trusts', async () => {
    expect(await failure({ ca_file: undefined })).toMatchObject({
      code: 'DATABRICKS_CERTIFICATE',
      hint: expect.stringContaining('ca_file'),
    });
  });

  it('says what is wrong with the address', async () => {
    expect(await failure({ http_path: '/sql/1.0/nothing' })).toMatchObject({ code: 'DATABRICKS_HTTP_PATH' });
    expect(await failure({ catalog: 'nowhere' })).toMatchObject({
      code: 'DESTINATION_NOT_FOUND',
      message: expect.stringContaining('nowhere'),
    });
    expect(await failure({ port: 9 })).toMatchObject({
      code: 'DATABRICKS_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await failure({ staging_volume: 'no volume' })).toMatchObject({ code: 'STAGING_VOLUME' });
    expect(await failure({ staging_volume: undefined })).toMatchObject({ code: 'DESTINATION_STAGING' });
  });

  it('goes through a proxy', async () => {
    const proxy = await startProxy();
    const opened = destination({ proxy: proxy.url, catalog: warehouse.catalog() });
    await opened.open(never);
    const pack = await orders();
    await opened.load(pack, creations(pack), never);
    await opened.close();
    proxy.close();
    // statements and files
    expect(proxy.tunnels.length).toBeGreaterThan(0);
    expect(new Set(proxy.tunnels)).toEqual(new Set([`localhost:${warehouse.server.port}`]));
  });
});

describe('trouble on the way', () => {
  it('waits for a warehouse that starts, as long as it says', async () => {
    let refused = 0;
    warehouse.server.faults.onRequest = (method) => {
      if (method !== 'OpenSession' || refused >= 4) return undefined;
      refused += 1;
      return { status: 503, headers: { 'retry-after': '0.01' } };
    };
    const opened = destination({ catalog: 'main' });
    await opened.open(never);
    expect(refused).toBe(4);
    await opened.close();
  });

  it('comes through a storm of 429 with everything once', async () => {
    const catalog = warehouse.catalog();
    const opened = destination({ catalog });
    await opened.open(never);
    let asked = 0;
    warehouse.server.faults.onRequest = (method) => {
      if (!/ExecuteStatement|files/.test(method)) return undefined;
      asked += 1;
      return asked % 3 === 0 ? undefined : { status: 429, headers: { 'retry-after': '0' } };
    };
    const pack = await orders('SELECT i AS id FROM range(50) t(i)');
    expect(await opened.load(pack, creations(pack), never)).toEqual({ loaded: true, rows: 50 });
    await opened.close();
    expect(asked).toBeGreaterThan(30);
    expect(await warehouse.server.query(`SELECT count(*)::INTEGER AS n FROM "${catalog}.raw".orders`)).toEqual([
      { n: 50 },
    ]);
  });

  for (const cut of ['before', 'after'] as const) {
    it(`sends each statement again whose answer was lost ${cut} it was carried out`, async () => {
      const catalog = warehouse.catalog();
      const opened = destination({ catalog });
      await opened.open(never);
      const seen = new Set<string>();
      warehouse.server.faults.onStatement = (sql) => {
        if (seen.has(sql)) return undefined;
        seen.add(sql);
        return { cut };
      };
      for (const disposition of ['append', 'replace', 'merge'] as const) {
        const pack = await orders('SELECT i AS id FROM range(5) t(i)');
        pack.manifest.write_disposition = disposition;
        await opened.load(pack, disposition === 'append' ? creations(pack) : [], never);
        expect(await warehouse.server.query(`SELECT count(*)::INTEGER AS n FROM "${catalog}.raw".orders`)).toEqual([
          { n: 5 },
        ]);
      }
      const table = `"${catalog}.raw"._dlt_pipeline_state`;
      expect(
        await warehouse.server.query(`SELECT max(version)::INTEGER AS v, count(*)::INTEGER AS n FROM ${table}`),
      ).toEqual([{ v: 3, n: 3 }]);
      await opened.close();
    });
  }

  it('gives up on a connection that stays lost', async () => {
    warehouse.server.faults.onRequest = () => 'cut';
    expect(await failure({})).toMatchObject({ code: 'DATABRICKS_UNREACHABLE', retryable: false });
  });

  it('opens a new session where the old one is gone', async () => {
    const opened = destination({ catalog: 'main' });
    await opened.open(never);
    warehouse.server.loseSessions();
    expect(await opened.listStates(null)).toEqual([]);
    await opened.close();
  });

  it('tries again what another writer was faster with', async () => {
    const opened = destination({ catalog: warehouse.catalog() });
    await opened.open(never);
    let conflicts = 2;
    warehouse.server.faults.onStatement = (sql) =>
      sql.startsWith('MERGE') && conflicts-- > 0
        ? {
            error: {
              message: '[DELTA_CONCURRENT_APPEND] Files were added by a concurrent update. SQLSTATE: 2D521',
              sqlState: '2D521',
            },
          }
        : undefined;
    const pack = await orders();
    expect(await opened.load(pack, creations(pack), never)).toMatchObject({ loaded: true });
    await opened.close();
  });

  it('cancels the statement in the warehouse', async () => {
    const opened = destination({ catalog: warehouse.catalog() });
    await opened.open(never);
    const controller = new AbortController();
    warehouse.server.faults.onStatement = (sql) => {
      if (!sql.startsWith('MERGE INTO') || !sql.includes('`orders`')) return undefined;
      setTimeout(() => controller.abort(), 250);
      return { wait: 600 };
    };
    const pack = await orders();
    const before = warehouse.server.cancelled();
    await expect(opened.load(pack, creations(pack), controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(warehouse.server.cancelled()).toBe(before + 1);
    delete warehouse.server.faults.onStatement;
    await delay(0);
    expect(await opened.load(pack, [], never)).toMatchObject({ loaded: true, rows: 1 });
    await opened.close();
  });

  for (const [message, code, hint] of [
    [
      '[PERMISSION_DENIED] User does not have CREATE TABLE on Schema. SQLSTATE: 42501',
      'DESTINATION_FORBIDDEN',
      'CREATE TABLE',
    ],
    [
      '[CAST_OVERFLOW] The value 300 of the type "INT" cannot be cast to "TINYINT". SQLSTATE: 22003',
      'VALUE_DOES_NOT_FIT',
      'column_types',
    ],
    [
      '[DELTA_FAILED_TO_MERGE_FIELDS] Failed to merge fields id and id. SQLSTATE: 22005',
      'SCHEMA_CHANGE_UNSAFE',
      'preflight',
    ],
    [`[PARSE_SYNTAX_ERROR] Syntax error near ${TOKEN}. SQLSTATE: 42601`, 'DESTINATION_FAILED', 'query history'],
  ] as const) {
    it(`explains ${message.slice(1, message.indexOf(']'))}`, async () => {
      const opened = destination({ catalog: warehouse.catalog() });
      await opened.open(never);
      warehouse.server.faults.onStatement = (sql) =>
        sql.startsWith('COPY INTO') ? { error: { message, sqlState: message.slice(-5) } } : undefined;
      const pack = await orders();
      const error = await opened.load(pack, creations(pack), never).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code,
        hint: expect.stringContaining(hint),
        message: expect.stringContaining('raw.orders'),
      });
      expect((error as Error).message).not.toContain(TOKEN);
      await opened.close();
    });
  }
});
