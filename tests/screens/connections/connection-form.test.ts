import { expect, test, vi } from 'vitest';
import { connectionKind } from '../../../engine/spec/connection-kinds.ts';
import { parseConnection } from '../../../engine/spec/parse-connection.ts';
import type { Table } from '../../../engine/spec/project.ts';
import { SECRET_PLACEHOLDER } from '../../../engine/spec/secret-placeholder.ts';
import {
  changedValues,
  judgeDraft,
  shownFields,
  shownWays,
  withWay,
} from '../../../renderer/screens/connections/connection-form.ts';
import { emptyDraft, takesParsed, withParsed } from '../../../renderer/screens/connections/parsed-draft.ts';
import type { ConnectionDraft } from '../../../renderer/stores/connection-store.ts';

// The page's bridge, which the store's default would call; imports come after it.
vi.hoisted(() => {
  Object.assign(globalThis, { window: { ingestStudio: {} } });
});

const lake = connectionKind('destinations', 'filesystem')!;
const saved = (table: Table): ConnectionDraft => ({
  ...emptyDraft('destinations', 'filesystem', 'lake'),
  previousName: 'lake',
  table,
  base: table,
});

test('another way of signing in forgets the secret of the one before, and going back keeps it', () => {
  const draft = saved({
    bucket_url: 'az://raw',
    azure_storage_account_name: 'lake',
    azure_storage_account_key: SECRET_PLACEHOLDER,
  });
  const [{ way, value }] = shownWays(draft, lake) as [ReturnType<typeof shownWays>[number]];
  expect(value).toBe('account_key');
  const principal = withWay(draft, lake, way, 'service_principal');
  expect(principal.secrets).toEqual({ azure_storage_account_key: '' });
  expect(changedValues(principal)).toEqual({});
  expect(shownFields(principal, lake).map(({ key }) => key)).toEqual(
    expect.arrayContaining(['azure_storage_account_name', 'azure_tenant_id', 'azure_client_secret']),
  );
  expect(shownFields(principal, lake).map(({ key }) => key)).not.toContain('azure_storage_account_key');
  expect(withWay(principal, lake, way, 'account_key').secrets).toEqual({});
});

test('values of the way before are taken out of the file', () => {
  const draft = saved({ bucket_url: 's3://raw', profile_name: 'etl', region_name: 'eu-central-1' });
  const [{ way }] = shownWays(draft, lake) as [ReturnType<typeof shownWays>[number]];
  const keys = withWay(draft, lake, way, 'keys');
  expect(changedValues(keys)).toEqual({ profile_name: null });
  expect(changedValues(withWay(keys, lake, way, 'profile'))).toEqual({});
});

test('the browser is chosen by a key, which another way takes away again', () => {
  const draft = saved({ bucket_url: 'az://raw', azure_client_id: 'app', azure_client_secret: SECRET_PLACEHOLDER });
  const [{ way, value }] = shownWays(draft, lake) as [ReturnType<typeof shownWays>[number]];
  expect(value).toBe('service_principal');
  const browser = withWay(draft, lake, way, 'browser');
  expect(changedValues(browser)).toEqual({ azure_authentication: 'browser' });
  expect(browser.secrets).toEqual({ azure_client_secret: '' });
  expect(shownWays({ ...browser, ways: {} }, lake)[0]?.value).toBe('browser');
  const back = withWay(browser, lake, way, 'service_principal');
  expect([changedValues(back), back.secrets]).toEqual([{}, {}]);
});

test('a pasted address with a SAS fills a destination, its secret apart', () => {
  const parsed = parseConnection('https://lake.blob.core.windows.net/raw?sv=1&sig=ab12cd')!;
  const draft = saved({ bucket_url: 'az://old', azure_storage_account_key: SECRET_PLACEHOLDER });
  expect(takesParsed(draft, parsed)).toBe(true);
  const filled = withParsed(draft, parsed);
  expect(filled.table).toMatchObject({ bucket_url: 'az://raw', azure_storage_account_name: 'lake' });
  // The key would count before the SAS.
  expect(filled.secrets).toEqual({ azure_storage_account_key: '', azure_storage_sas_token: 'sv=1&sig=ab12cd' });
  expect(shownWays(filled, lake)[0]?.value).toBe('sas');
  expect(JSON.stringify(filled.table)).not.toContain('ab12cd');
});

test('what is missing of Oracle’s database is said at the field of the chosen way', () => {
  const oracle = connectionKind('sources', 'oracle')!;
  const draft = { ...emptyDraft('sources', 'oracle', 'erp'), table: { host: 'h', username: 'u' } };
  const document = { secretPaths: [], name: 'p' };
  expect(judgeDraft(draft, oracle, document).get('service_name')?.text).toBe('Is missing');
  const [{ way }] = shownWays(draft, oracle) as [ReturnType<typeof shownWays>[number]];
  const described = judgeDraft(withWay(draft, oracle, way, 'descriptor'), oracle, document);
  expect(described.get('descriptor')).toEqual({ severity: 'error', text: 'Is missing' });
  expect(described.has('service_name')).toBe(false);
});
