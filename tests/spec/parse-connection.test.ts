import { describe, expect, test } from 'vitest';
import { FindingList } from '../../engine/spec/finding-list.ts';
import { parseConnection } from '../../engine/spec/parse-connection.ts';
import { readSourceTable } from '../../engine/spec/source-table.ts';

const SECRET = 'p@ss/w:rd%7 ;x';

describe('texts that people have at hand', () => {
  test.each([
    [
      'postgresql://reader:s3cr%40t@db.example.com:5433/shop?sslmode=require',
      'postgresql',
      'shop',
      { host: 'db.example.com', port: 5433, database: 'shop', username: 'reader', ssl_mode: 'require' },
      { password: 's3cr@t' },
    ],
    [
      'postgres://reader:a@b/c@db/shop',
      'postgresql',
      'shop',
      { host: 'db', database: 'shop', username: 'reader' },
      { password: 'a@b/c' },
    ],
    [
      'postgresql+psycopg2://u:pw12@[::1]:5432/d',
      'postgresql',
      'd',
      { host: '::1', port: 5432, database: 'd', username: 'u' },
      { password: 'pw12' },
    ],
    [
      'jdbc:postgresql://db:5432/shop?user=u&password=pw%2B1&ssl=true',
      'postgresql',
      'shop',
      { host: 'db', port: 5432, database: 'shop', username: 'u', ssl_mode: 'require' },
      { password: 'pw+1' },
    ],
    [
      'jdbc:sqlserver://sql.corp:1433;databaseName=CRM;user=u;password={a;b};encrypt=true;trustServerCertificate=false',
      'mssql',
      'crm',
      { host: 'sql.corp', port: 1433, database: 'CRM', username: 'u', encrypt: true, trust_server_certificate: false },
      { password: 'a;b' },
    ],
    [
      'jdbc:oracle:thin:u/pw12@//erp:1521/ORCL',
      'oracle',
      'orcl',
      { host: 'erp', port: 1521, service_name: 'ORCL', username: 'u' },
      { password: 'pw12' },
    ],
    [
      'jdbc:oracle:thin:@tcps://erp:2484/ORCL',
      'oracle',
      'orcl',
      { host: 'erp', port: 2484, service_name: 'ORCL', encrypt: true },
      {},
    ],
    ['jdbc:oracle:thin:@erp:1521:XE', 'oracle', 'xe', { host: 'erp', port: 1521, sid: 'XE' }, {}],
    [
      'Server=tcp:crm.database.windows.net,1433;Initial Catalog=CRM;User ID=u;Password="a;b""c";Encrypt=True;',
      'azure_sql',
      'crm',
      { host: 'crm.database.windows.net', port: 1433, database: 'CRM', username: 'u', encrypt: true },
      { password: 'a;b"c' },
    ],
    [
      'Data Source=host\\SQLEXPRESS;Database=d;UID=u;PWD=pw12',
      'mssql',
      'd',
      { host: 'host', instance: 'SQLEXPRESS', database: 'd', username: 'u' },
      { password: 'pw12' },
    ],
    [
      'Host=db;Port=5432;Username=u;Password=pw12;Database=d;SSL Mode=VerifyFull',
      'postgresql',
      'd',
      { host: 'db', port: 5432, database: 'd', username: 'u', ssl_mode: 'verify-full' },
      { password: 'pw12' },
    ],
    [
      "host=db port=5432 dbname=d user=u password='it\\'s'",
      'postgresql',
      'd',
      { host: 'db', port: 5432, database: 'd', username: 'u' },
      { password: "it's" },
    ],
    [
      'https://api.example.com/v2?region=eu',
      'api',
      'example',
      { base_url: 'https://api.example.com/v2', params: { region: 'eu' } },
      {},
    ],
    [
      "curl 'https://api.example.com/v2/orders?limit=5' \\\n  -H 'Authorization: Bearer tok-123' -H 'Accept: application/json' --compressed",
      'api',
      'example',
      { base_url: 'https://api.example.com/v2', auth: { type: 'bearer' }, headers: { Accept: 'application/json' } },
      { 'auth.token': 'tok-123' },
    ],
    [
      'curl -u u:pw12 https://api.example.com/orders',
      'api',
      'example',
      { base_url: 'https://api.example.com', auth: { type: 'basic', username: 'u' } },
      { 'auth.password': 'pw12' },
    ],
    [
      'curl -H "X-API-Key: k123" https://h.example.org/a/b',
      'api',
      'example',
      { base_url: 'https://h.example.org/a', auth: { type: 'api_key', api_key_name: 'X-API-Key' } },
      { 'auth.api_key': 'k123' },
    ],
    [
      'curl "https://h.example.org/b?api_key=k123"',
      'api',
      'example',
      {
        base_url: 'https://h.example.org',
        auth: { type: 'api_key', api_key_name: 'api_key', api_key_location: 'query' },
      },
      { 'auth.api_key': 'k123' },
    ],
    [
      'curl -H "Authorization: Basic dTpwdzEy" https://h.example.org/b',
      'api',
      'example',
      { base_url: 'https://h.example.org', auth: { type: 'basic', username: 'u' } },
      { 'auth.password': 'pw12' },
    ],
    [
      'curl.exe ^\n "https://h.example.org/b" ^\n -H "X-Auth-Token: t1234"',
      'api',
      'example',
      { base_url: 'https://h.example.org' },
      { 'headers.X-Auth-Token': 't1234' },
    ],
    ['C:\\data\\sales', 'filesystem', 'sales', { bucket_url: 'C:\\data\\sales' }, {}],
    ['s3://bucket/raw', 'filesystem', 'raw', { bucket_url: 's3://bucket/raw' }, {}],
    [
      's3://AKIA1:se%2Fcret@bucket/raw?region=eu-central-1&endpoint=https://minio.corp:9000',
      'filesystem',
      'raw',
      {
        bucket_url: 's3://bucket/raw',
        aws_access_key_id: 'AKIA1',
        region_name: 'eu-central-1',
        endpoint_url: 'https://minio.corp:9000',
      },
      { aws_secret_access_key: 'se/cret' },
    ],
    [
      'https://raw-data.s3.eu-central-1.amazonaws.com/sales/2026?X-Amz-Signature=abc',
      'filesystem',
      'filesystem_2026',
      { bucket_url: 's3://raw-data/sales/2026', region_name: 'eu-central-1' },
      {},
    ],
    [
      'https://s3.us-east-1.amazonaws.com/raw-data/sales',
      'filesystem',
      'sales',
      { bucket_url: 's3://raw-data/sales', region_name: 'us-east-1' },
      {},
    ],
    ['https://storage.googleapis.com/raw/x', 'filesystem', 'x', { bucket_url: 'gs://raw/x' }, {}],
    ['gs://raw', 'filesystem', 'raw', { bucket_url: 'gs://raw' }, {}],
    [
      'https://lake.blob.core.windows.net/raw/sales?sv=2024-11-04&sig=a%2Bb%3D&sp=rl',
      'filesystem',
      'sales',
      { bucket_url: 'az://raw/sales', azure_storage_account_name: 'lake' },
      { azure_storage_sas_token: 'sv=2024-11-04&sig=a%2Bb%3D&sp=rl' },
    ],
    [
      'https://lake.dfs.core.usgovcloudapi.net/raw',
      'filesystem',
      'raw',
      {
        bucket_url: 'az://raw',
        azure_storage_account_name: 'lake',
        azure_account_host: 'lake.blob.core.usgovcloudapi.net',
      },
      {},
    ],
    [
      'abfss://raw@lake.dfs.core.windows.net/sales?sv=1&sig=ab12',
      'filesystem',
      'sales',
      { bucket_url: 'abfss://raw@lake.dfs.core.windows.net/sales' },
      { azure_storage_sas_token: 'sv=1&sig=ab12' },
    ],
    [
      'DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=a2V5a2V5a2V5;EndpointSuffix=core.windows.net',
      'filesystem',
      'filesystem',
      { bucket_url: 'az://' },
      {
        azure_storage_connection_string:
          'DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=a2V5a2V5a2V5;EndpointSuffix=core.windows.net',
      },
    ],
    [
      '{"type":"service_account","client_email":"i@x.iam","private_key":"-----BEGIN"}',
      'filesystem',
      'filesystem',
      { bucket_url: 'gs://' },
      { service_account_key: '{"type":"service_account","client_email":"i@x.iam","private_key":"-----BEGIN"}' },
    ],
    [
      'erp/s3cr3t@//erp-db.corp:1521/ERP.CORP',
      'oracle',
      'erp_corp',
      { host: 'erp-db.corp', port: 1521, service_name: 'ERP.CORP', username: 'erp' },
      { password: 's3cr3t' },
    ],
    ['erp-db.corp:1521/ERP', 'oracle', 'erp', { host: 'erp-db.corp', port: 1521, service_name: 'ERP' }, {}],
    [
      'ERP =\n  (DESCRIPTION =\n    (ADDRESS = (PROTOCOL = TCP)(HOST = erp-db)(PORT = 1521))\n    (CONNECT_DATA = (SERVICE_NAME = ERP.CORP)))',
      'oracle',
      'erp_corp',
      {
        descriptor:
          '(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=erp-db)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=ERP.CORP)))',
      },
      {},
    ],
    [
      'jdbc:oracle:thin:u/pw12@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=h)(PORT=2484))(CONNECT_DATA=(SID=X1)))',
      'oracle',
      'x1',
      {
        descriptor: '(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=h)(PORT=2484))(CONNECT_DATA=(SID=X1)))',
        username: 'u',
      },
      { password: 'pw12' },
    ],
    [
      'jdbc:oracle:thin:@sales_high?TNS_ADMIN=/wallets/sales',
      'oracle',
      'oracle',
      { descriptor: 'sales_high', wallet_location: '/wallets/sales' },
      {},
    ],
    [
      'Data Source=erp-db:1521/ERP;User Id=erp;Password=pw12;',
      'oracle',
      'erp',
      { host: 'erp-db', port: 1521, service_name: 'ERP', username: 'erp' },
      { password: 'pw12' },
    ],
    [
      'Driver={ODBC Driver 18 for SQL Server};Server=tcp:sql.corp,1444;Database=CRM;Uid=CORP\\svc;Pwd={p;w};Authentication=NTLM;Encrypt=yes',
      'mssql',
      'crm',
      {
        host: 'sql.corp',
        port: 1444,
        database: 'CRM',
        username: 'svc',
        domain: 'CORP',
        authentication: 'ntlm',
        encrypt: true,
      },
      { password: 'p;w' },
    ],
    [
      'Server=h.database.windows.net;Database=d;Authentication=Active Directory Service Principal;User Id=app-1;Password=pw12',
      'azure_sql',
      'd',
      { host: 'h.database.windows.net', database: 'd', authentication: 'service_principal', client_id: 'app-1' },
      { client_secret: 'pw12' },
    ],
    [
      'jdbc:databricks://adb-1.2.azuredatabricks.net:443/default;transportMode=http;ssl=1;httpPath=/sql/1.0/warehouses/ab;AuthMech=3;UID=token;PWD=dapi123',
      'databricks',
      'databricks',
      { server_hostname: 'adb-1.2.azuredatabricks.net', http_path: '/sql/1.0/warehouses/ab' },
      { access_token: 'dapi123' },
    ],
    [
      'jdbc:databricks://h:443;httpPath=/sql/1.0/warehouses/ab;AuthMech=11;Auth_Flow=1;OAuth2ClientId=app;OAuth2Secret=dose1;ConnCatalog=main;ConnSchema=raw',
      'databricks',
      'databricks',
      { server_hostname: 'h', http_path: '/sql/1.0/warehouses/ab', client_id: 'app', catalog: 'main', schema: 'raw' },
      { client_secret: 'dose1' },
    ],
  ])('%s', (text, type, name, values, secrets) => {
    expect(parseConnection(text)).toMatchObject({ type, name, values, secrets });
    expect(Object.keys(parseConnection(text)!.values).sort()).toEqual(Object.keys(values).sort());
  });
});

test.each([
  `postgresql://u:${encodeURIComponent(SECRET)}@h/d`,
  `Server=h;Database=d;User Id=u;Password="${SECRET}"`,
  `host=h dbname=d user=u password='${SECRET}'`,
  `curl -H 'Authorization: Bearer ${SECRET}' https://h.example.org/x`,
  `Server=h;Database=d;User Id=u;Pwd={${SECRET}};Driver={ODBC Driver 18 for SQL Server}`,
])('a secret is found whole and stands nowhere else: %s', (text) => {
  const parsed = parseConnection(text)!;
  expect(Object.values(parsed.secrets)).toEqual([SECRET]);
  expect(JSON.stringify({ ...parsed, secrets: null })).not.toContain(SECRET);
});

test('what no driver here can do is said', () => {
  const notes = (text: string) => parseConnection(text)!.notes.join(' ');
  expect(notes('Server=h;Database=d;Trusted_Connection=yes')).toContain('NTLM with the same account');
  expect(parseConnection('Server=h;Database=d;Integrated Security=SSPI')!.values.authentication).toBe('ntlm');
  expect(notes('Server=h;Database=d;Authentication=ActiveDirectoryPassword;User Id=a@b')).toContain('az login');
  const interactive = parseConnection('Server=h;Database=d;Authentication=Active Directory Interactive;User Id=a@b')!;
  expect(interactive).toMatchObject({ values: { authentication: 'browser', username: 'a@b' }, notes: [] });
  expect(notes('https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abcd')).toContain('opens one object only');
});

test.each([
  '',
  'hello world',
  'localhost:8080/orders',
  '{"a":1}',
  'AccountName=x;Other=y',
  'SELECT 1',
  'name\tvalue',
  'a=b',
  'curl',
  '=====',
  'jdbc:mysql://h/d',
  'postgresql://',
])('text that is no connection is left alone: %j', (text) => {
  expect(parseConnection(text)).toBeNull();
});

test('what is read is what the source takes', () => {
  const parsed = parseConnection('postgresql://u:pw12@db:5433/shop?sslmode=verify-full&application_name=x')!;
  const list = new FindingList();
  const context = { list, secretPaths: new Set<string>(), severity: 'error' as const };
  const { connection } = readSourceTable(context, 'shop', 'postgresql', { ...parsed.values, ...parsed.secrets });
  expect(list.findings).toEqual([]);
  expect(connection).toMatchObject({ host: 'db', port: 5433, ssl_mode: 'verify-full', password: 'pw12' });
});
