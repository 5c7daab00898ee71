import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { startTestWarehouse, type TestWarehouse } from '../destinations/databricks/warehouse.ts';
import type { ProjectTexts } from '../helpers/project.ts';
import { ACCOUNT, ACCOUNT_KEY, startAzurite } from '../servers/azurite.ts';
import { TOKEN } from '../servers/databricks/warehouse-server.ts';
import { ObjectBuckets } from '../servers/object-server.ts';
import { startGcs } from '../servers/object-server-gcs.ts';
import { startS3 } from '../servers/object-server-s3.ts';
import { OracleServer } from '../servers/oracle/oracle-server.ts';
import { SqlServer } from '../servers/sql-server/sql-server.ts';

/** Passwords and keys of the servers, by key path; none of them may stand anywhere but in the keychain. */
export const SECRETS = {
  crm: { password: 's3cret-crm-9' },
  erp: { password: 's3cret' },
  lake_s3: { aws_secret_access_key: 'wJalr-planted-EXAMPLEKEY' },
  lake_azure: { azure_storage_account_key: ACCOUNT_KEY },
  warehouse: { access_token: TOKEN },
} as const;

const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';

export interface EveryKind extends AsyncDisposable {
  sqlServer: SqlServer;
  oracle: OracleServer;
  warehouse: TestWarehouse;
  /** Connections by name, as config.toml says them, without their secrets. */
  sources: Record<string, Record<string, string | number | boolean>>;
  destinations: Record<string, Record<string, string | number | boolean>>;
  project: ProjectTexts;
}

/** Servers of every kind with a small shop in each, and a project that names them. */
export async function startEveryKind(): Promise<EveryKind> {
  const buckets = new ObjectBuckets();
  buckets.create('shop');
  for (const day of ['2026-01-01', '2026-01-02']) {
    buckets.put('shop', `raw/sales/${day}/sales.csv`, Buffer.from('id,amount\n1,2.50\n2,3.75\n'));
  }
  buckets.put('shop', 'raw/stores.jsonl', Buffer.from('{"store":1,"city":"Köln"}\n'));
  const [sqlServer, oracle, azurite, s3, gcs, warehouse] = await Promise.all([
    SqlServer.start({ users: { etl: SECRETS.crm.password } }),
    OracleServer.start(),
    startAzurite(),
    startS3(buckets, { keys: { [ACCESS_KEY]: SECRETS.lake_s3.aws_secret_access_key } }),
    startGcs(buckets),
    startTestWarehouse(),
  ]);
  await new BlobServiceClient(azurite.url, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY)).createContainer(
    'landing',
  );
  await fillSqlServer(sqlServer);
  await fillOracle(oracle);
  const sources = {
    crm: { type: 'mssql', host: '127.0.0.1', port: sqlServer.port, database: 'appdb', username: 'etl', encrypt: false },
    erp: { type: 'oracle', host: '127.0.0.1', port: oracle.port, service_name: oracle.service, username: 'etl' },
    lake_s3: {
      type: 'filesystem',
      bucket_url: 's3://shop/raw',
      aws_access_key_id: ACCESS_KEY,
      endpoint_url: s3.url,
      region_name: 'eu-central-1',
    },
    lake_gcs: { type: 'filesystem', bucket_url: 'gs://shop/raw', endpoint_url: gcs.url },
  };
  const config = warehouse.config();
  const destinations = {
    lake_azure: {
      type: 'filesystem',
      bucket_url: 'az://landing/shop',
      azure_storage_account_name: ACCOUNT,
      azure_account_host: azurite.url,
    },
    warehouse: {
      type: 'databricks',
      server_hostname: config.server_hostname,
      http_path: config.http_path,
      port: config.port,
      catalog: warehouse.catalog(),
      ca_file: String(config.ca_file),
      staging_volume: String(config.staging_volume),
      proxy: 'direct',
    },
    dry_run: { type: 'duckdb', path: 'output/dry_run.duckdb' },
  };
  return {
    sqlServer,
    oracle,
    warehouse,
    sources,
    destinations,
    project: {
      jobs: [
        { source_type: 'mssql', source_name: 'crm', schema_name: 'sales', table_name: 'orders', load_type: 'FULL' },
      ],
      settings: { destination: 'dry_run' },
      config: [...tablesOf('sources', sources), ...tablesOf('destinations', destinations)].join('\n'),
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([
        sqlServer[Symbol.asyncDispose](),
        oracle[Symbol.asyncDispose](),
        azurite.stop(),
        s3.stop(),
        gcs.stop(),
        warehouse.close(),
      ]);
    },
  };
}

function tablesOf(section: string, tables: Record<string, Record<string, string | number | boolean>>): string[] {
  return Object.entries(tables).map(([name, values]) => {
    const lines = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    return [`[${section}.${name}]`, ...lines, ''].join('\n');
  });
}

async function fillSqlServer(server: SqlServer): Promise<void> {
  await server.createTable('sales.orders', {
    columns: [
      { name: 'order_id', type: 'int' },
      { name: 'total', type: 'decimal(12,2)' },
      { name: 'modified_at', type: 'datetime2(7)', indexed: true },
    ],
    primaryKey: ['order_id'],
    comment: 'One a sale',
    select: `SELECT i, i * 1.5, ticks_of('2026-01-01 00:00:00') + i FROM range(250) t(i)`,
  });
  await server.createTable('sales.order_lines', {
    columns: [
      { name: 'order_id', type: 'int' },
      { name: 'line', type: 'int' },
      { name: 'sku', type: 'nvarchar(40)' },
    ],
    primaryKey: ['order_id', 'line'],
    rows: [[1, 1, 'A-1']],
  });
  await server.createTable('sales.Price list', {
    columns: [{ name: 'sku', type: 'nvarchar(40)' }],
    rows: [['A-1']],
  });
  await server.createTable('sales.open_orders', {
    columns: [{ name: 'order_id', type: 'int' }],
    select: 'SELECT order_id FROM sales.orders',
    isView: true,
  });
}

async function fillOracle(server: OracleServer): Promise<void> {
  await server.createTable('INVOICES', {
    columns: { INVOICE_ID: 'NUMBER(10)!', TOTAL: 'NUMBER(12,2)', CHANGED_ON: 'TIMESTAMP(6)' },
    primaryKey: ['INVOICE_ID'],
    indexed: ['CHANGED_ON'],
    numRows: 3,
    rows: [
      ['1', '10.50', `TIMESTAMP '2026-01-01 00:00:00'`],
      ['2', '11.50', `TIMESTAMP '2026-01-02 00:00:00'`],
    ],
  });
}
