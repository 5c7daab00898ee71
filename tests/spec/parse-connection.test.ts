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
])('a secret is found whole and stands nowhere else: %s', (text) => {
  const parsed = parseConnection(text)!;
  expect(Object.values(parsed.secrets)).toEqual([SECRET]);
  expect(JSON.stringify({ ...parsed, secrets: null })).not.toContain(SECRET);
});

test.each(['', 'hello world', 'SELECT 1', 'name\tvalue', 'a=b', 'curl', '=====', 'jdbc:mysql://h/d', 'postgresql://'])(
  'text that is no connection is left alone: %j',
  (text) => {
    expect(parseConnection(text)).toBeNull();
  },
);

test('what is read is what the source takes', () => {
  const parsed = parseConnection('postgresql://u:pw12@db:5433/shop?sslmode=verify-full&application_name=x')!;
  const list = new FindingList();
  const context = { list, secretPaths: new Set<string>(), severity: 'error' as const };
  const { connection } = readSourceTable(context, 'shop', 'postgresql', { ...parsed.values, ...parsed.secrets });
  expect(list.findings).toEqual([]);
  expect(connection).toMatchObject({ host: 'db', port: 5433, ssl_mode: 'verify-full', password: 'pw12' });
});
