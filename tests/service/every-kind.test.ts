import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ParsedInput } from '../../engine/contract.ts';
import { writeProject } from '../helpers/project.ts';
import { type EveryKind, SECRETS, startEveryKind } from './every-kind.ts';
import { startService } from './service-harness.ts';

let kinds: EveryKind;
let studio: Awaited<ReturnType<typeof startService>>;
let directory: string;
beforeAll(async () => {
  [kinds, studio] = await Promise.all([startEveryKind(), startService()]);
  directory = path.join(studio.folder, 'project');
  await mkdir(directory);
  await writeProject(directory, { ...kinds.project, config: '' });
}, 60_000);
afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await kinds?.[Symbol.asyncDispose]();
});

type Section = 'sources' | 'destinations';

/** A form as the window sends it: what config.toml says, and the secrets that were typed. */
function draft(section: Section, name: string, secrets?: Record<string, string>): ParsedInput<'connection.test'> {
  const { type, ...values } = kinds[section][name] as { type: string };
  const typed = secrets ?? (SECRETS as Record<string, Record<string, string>>)[name] ?? {};
  const connection = { name, type, values, secrets: { ...typed } };
  return { directory, env: null, section, connection, previous_name: null };
}

const summary = (stages: { stage: string; status: string }[]) =>
  Object.fromEntries(stages.map(({ stage, status }) => [stage, status]));

const PLACES: [Section, string, string][] = [
  ['sources', 'crm', 'SQL Server 16'],
  ['sources', 'erp', 'Oracle'],
  ['sources', 'lake_s3', 'Listed s3://shop/raw'],
  ['sources', 'lake_gcs', 'Listed gs://shop/raw'],
  ['destinations', 'lake_azure', 'Listed '],
  ['destinations', 'warehouse', 'Signed in with access token'],
];

test.each(PLACES)('%s.%s is tested before it is saved, stage by stage', async (section, name, greeting) => {
  const stages = await studio.call('connection.test', draft(section, name));
  expect(stages.find(({ status }) => status === 'failed')).toBeUndefined();
  expect(stages.map(({ stage }) => stage)).toEqual(['dns', 'tcp', 'tls', 'login', 'permission', 'first_read']);
  expect(stages.find(({ stage }) => stage === 'login')?.detail).toContain(greeting);
});

test.each([
  ['sources', 'crm', { password: 'not-the-password' }, 'login', 'LOGIN_FAILED'],
  ['sources', 'erp', { password: 'not-the-password' }, 'login', 'LOGIN_FAILED'],
  ['sources', 'lake_s3', { aws_secret_access_key: 'not-the-key-at-all' }, 'login', 'OBJECT_STORE_CREDENTIALS'],
  ['destinations', 'warehouse', { access_token: 'not-the-token' }, 'login', 'DATABRICKS_SIGN_IN'],
] as const)(
  '%s.%s with a wrong secret says where it ended, and what to do',
  async (section, name, secrets, at, code) => {
    const stages = await studio.call('connection.test', draft(section, name, secrets));
    const failed = stages.at(-1);
    expect(failed).toMatchObject({ stage: at, status: 'failed', error: { code, hint: expect.stringMatching(/\w/) } });
    const [secret] = Object.values(secrets);
    expect(JSON.stringify(stages)).not.toContain(secret);
  },
);

test('all of them are saved: secrets stand in the keychain only', async () => {
  for (const [section, name] of PLACES) await studio.call('connection.save', draft(section, name));
  const document = await studio.call('project.open', { directory, env: null });
  expect(document.secretPaths).toEqual(
    expect.arrayContaining([
      'sources.crm.password',
      'sources.lake_s3.aws_secret_access_key',
      'destinations.lake_azure.azure_storage_account_key',
      'destinations.warehouse.access_token',
    ]),
  );
  const entries = await readdir(studio.folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(path.join(file.parentPath, file.name), 'latin1')));
  const planted = [SECRETS.crm.password, SECRETS.lake_s3.aws_secret_access_key, SECRETS.warehouse.access_token];
  for (const secret of planted) {
    expect(texts.filter((text) => text.includes(secret))).toEqual([]);
    expect(studio.said.filter((text) => text.includes(secret))).toEqual([]);
  }
  // What was saved is what is used: no secret comes from the window any more.
  for (const [section, name] of PLACES) {
    const stages = await studio.call('connection.test', { ...draft(section, name, {}), previous_name: name });
    expect(summary(stages), name).not.toMatchObject({ login: 'failed' });
    expect(stages.at(-1)?.status, name).toBe('passed');
  }
});

test('a bucket and the databases are discovered, with keys, views and what would serve as watermark', async () => {
  const discover = (name: string) => studio.call('connection.discover', { directory, env: null, name, columns: true });
  const [crm, erp, files] = await Promise.all([discover('crm'), discover('erp'), discover('lake_s3')]);
  const named = (objects: typeof crm, name: string) => objects.find((object) => object.name === name);

  expect(named(crm, 'orders')).toMatchObject({
    schema: 'sales',
    kind: 'table',
    rowEstimate: 250,
    primaryKey: ['order_id'],
    watermarkSuggestions: [{ column: 'modified_at', reason: expect.stringContaining('indexed') }],
  });
  expect(named(crm, 'order_lines')?.primaryKey).toEqual(['order_id', 'line']);
  expect(named(crm, 'open_orders')?.kind).toBe('view');
  expect(named(crm, 'Price list')?.columns.map(({ name, sourceType }) => [name, sourceType])).toEqual([
    ['sku', 'nvarchar(40)'],
  ]);

  expect(named(erp, 'INVOICES')).toMatchObject({ schema: 'ETL', primaryKey: ['INVOICE_ID'], rowEstimate: 3 });
  expect(named(erp, 'INVOICES')?.watermarkSuggestions[0]?.column).toBe('CHANGED_ON');

  expect(files.map(({ name, kind }) => [name, kind])).toEqual([
    ['sales/**/*.csv', 'file_group'],
    ['*.jsonl', 'file_group'],
  ]);
  expect(files[0]?.watermarkSuggestions[0]?.column).toBe('folder_date');
  expect(files[0]?.columns.map(({ name }) => name)).toEqual(['id', 'amount']);
});
