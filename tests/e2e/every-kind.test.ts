import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseToml } from '../../engine/bundle/toml.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { CLIENT, CLIENT_SECRET, startEntra, TENANT } from '../servers/entra.ts';
import { startKeyVault } from '../servers/key-vault.ts';
import { type EveryKind, SECRETS, startEveryKind } from '../service/every-kind.ts';
import { closeBrowser, goTo, openWindow, type StudioWindow, seriousFindings } from './connections-window.ts';

/** Where pictures go; the variable that the pictures of the documents use. */
const PICTURES = process.env['FORM_PICTURES'];

let kinds: EveryKind;
beforeAll(async () => {
  kinds = await startEveryKind();
}, 60_000);
afterAll(async () => {
  await closeBrowser();
  await kinds?.[Symbol.asyncDispose]();
});

async function open(): Promise<StudioWindow> {
  const studio = await openWindow({
    project: {
      ...kinds.project,
      config: kinds.project.config?.replace(/\[sources\.crm\][^[]*/, '') ?? '',
      jobs: [
        {
          source_type: 'filesystem',
          source_name: 'lake_s3',
          table_name: 'stores',
          load_type: 'FULL',
          file_glob: '*.jsonl',
          file_format: 'jsonl',
          primary_key: 'store',
          watermark_column: '',
        },
      ],
    },
  });
  studio.page.setDefaultTimeout(20_000);
  return studio;
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(PICTURES, `${name}-${colorScheme}.png`) });
  }
}

const testPanel = (page: Page) => page.getByRole('region', { name: 'Connection test' });
const choose = async (page: Page, label: string, option: string) => {
  const group = page.getByRole('radiogroup', { name: label });
  if ((await group.count()) > 0) await group.getByText(option, { exact: true }).click();
  else {
    await page.getByRole('combobox', { name: label }).click();
    await page.getByRole('option', { name: option, exact: true }).click();
  }
};

test('SQL Server: a pasted string, a test, a look into it, jobs in one step, and the drop-downs that it feeds', async () => {
  await using studio = await open();
  const { page } = studio;
  await goTo(page, 'Connections');
  await page.getByRole('button', { name: 'New', exact: true }).click();
  const text = `jdbc:sqlserver://127.0.0.1:${kinds.sqlServer.port};databaseName=appdb;user=etl;password={${SECRETS.crm.password}};encrypt=false`;
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  await page.getByRole('textbox', { name: /Paste a URL/ }).focus();
  await page.keyboard.press('Control+V');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('crm');
  expect(await page.getByRole('textbox', { name: 'Database', exact: true }).inputValue()).toBe('appdb');
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  await testPanel(page).getByText('Passed', { exact: true }).first().waitFor();
  await testPanel(page)
    .getByText(/SQL Server 16/)
    .first()
    .waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  await picture(page, 'sql-server-tested');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('In keychain').waitFor();
  const config = await readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8');
  expect(config).toContain('[sources.crm]');
  expect(config).not.toContain(SECRETS.crm.password);
  expect(studio.received.filter((message) => message.includes(SECRETS.crm.password))).toEqual([]);

  await goTo(page, 'Discover');
  await page.getByRole('combobox', { name: 'Connection' }).click();
  await page.getByRole('option', { name: /^crm/ }).click();
  await page.getByRole('button', { name: 'List its tables' }).click();
  await page.getByRole('button', { name: 'Look again' }).waitFor();
  const row = (name: string) =>
    page
      .getByRole('treegrid')
      .getByRole('row')
      .filter({ has: page.getByText(name, { exact: true }) });
  await row('orders').getByText('INCREMENTAL').waitFor();
  expect(await row('order_lines').textContent()).toContain('order_id, line');
  await row('open_orders').getByText('view').waitFor();
  await row('orders').getByRole('checkbox').check();
  for (const name of ['order_lines', 'Price list']) await row(name).getByRole('checkbox').check();
  await picture(page, 'sql-server-discovered');
  await page.getByRole('button', { name: 'Add 3 as jobs' }).click();

  const jobs = page.getByRole('grid', { name: 'Jobs' });
  const cell = (name: string) => jobs.getByRole('gridcell', { name, exact: true });
  await cell('modified_at').waitFor();
  await page.getByText('Run 3 selected').waitFor();
  // What was discovered feeds the drop-downs: several columns of a key, one after the other.
  await cell('order_id, line').dblclick();
  const options = page.getByRole('option');
  await options.first().waitFor();
  expect(await options.allTextContents()).toEqual([
    '✓order_idint, primary key',
    '✓lineint, primary key',
    'skunvarchar(40)',
  ]);
  await page.getByText(/^As discovered \d\d:\d\d; Discover looks again$/).waitFor();
  await picture(page, 'jobs');
  await options.filter({ hasText: 'sku' }).click();
  await options.filter({ hasText: 'line' }).click();
  await page.keyboard.press('Tab');
  await cell('order_id, sku').waitFor();
  // One step of undo takes the edit back, the one before it all three jobs.
  await page.keyboard.press('Control+Z');
  await cell('order_id, line').waitFor();
  await page.keyboard.press('Control+Z');
  await cell('order_id, line').waitFor({ state: 'detached' });
  await cell('price_list').waitFor({ state: 'detached' });
  expect(studio.problems).toEqual([]);
});

test('the form of a bucket and of a warehouse ask for one way of signing in; runs say where they load into', async () => {
  await using studio = await open();
  const { page } = studio;
  await goTo(page, 'Connections');
  const fields = () => page.locator('main').getByRole('textbox').or(page.locator('main input[type="password"]'));
  const names = async () =>
    (
      await fields().evaluateAll((all) => all.map((one) => (one as HTMLInputElement).labels?.[0]?.textContent ?? ''))
    ).join(' | ');

  await page.locator('[data-key="lake_s3"]').click();
  await page.getByRole('tab', { name: 'Sign-in' }).click();
  expect(await names()).toContain('Access key ID');
  expect(await names()).not.toContain('Tenant');
  expect(await seriousFindings(page)).toEqual([]);
  await picture(page, 'bucket-s3');
  await choose(page, 'Sign in to AWS with', 'Profile');
  expect(await names()).toContain('Profile');
  expect(await names()).not.toContain('Access key ID');
  await page.getByRole('button', { name: 'Discard' }).click();

  await page.locator('[data-key="destinations.lake_azure"]').click();
  await page.getByRole('tab', { name: 'Sign-in' }).click();
  await choose(page, 'Sign in to Azure with', 'Account key');
  await page.getByLabel('Account key', { exact: false }).last().fill(SECRETS.lake_azure.azure_storage_account_key);
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  await testPanel(page).getByText('Passed', { exact: true }).first().waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  await picture(page, 'destination-azure');

  await page.locator('[data-key="destinations.warehouse"]').click();
  await page.getByLabel('Access token').last().fill(SECRETS.warehouse.access_token);
  await testPanel(page).getByRole('button', { name: 'Test', exact: true }).click();
  await testPanel(page).getByText('Passed', { exact: true }).first().waitFor();
  await picture(page, 'destination-databricks');
  await choose(page, 'Sign in with', 'OAuth (M2M)');
  expect(await names()).toContain('Client secret');
  expect(await names()).not.toContain('Access token');
  await page.getByRole('tab', { name: 'Staging' }).click();
  await picture(page, 'destination-databricks-staging');
  expect(await seriousFindings(page)).toEqual([]);

  await page.locator('[data-key="erp"]').click();
  await choose(page, 'Database by', 'Descriptor');
  await picture(page, 'oracle');
  expect(await names()).not.toContain('Service name');
  await page.getByRole('tab', { name: 'Security' }).click();
  await page.getByText('cannot do Oracle’s native encryption').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();

  await goTo(page, 'Jobs');
  await page.getByRole('button', { name: 'Into dry_run' }).click();
  await picture(page, 'target-picker');
  await page.getByRole('menuitemradio').filter({ hasText: 'lake_azure' }).click();
  await page.getByRole('button', { name: 'Into lake_azure' }).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  expect(studio.problems).toEqual([]);
});

test('a key vault is set up in the settings: tested stage by stage, saved without its secret in a file, and taken away again', async () => {
  await using own = await temporaryFolder();
  const entra = await startEntra(own.path);
  const vault = await startKeyVault({
    certificate: entra.certificate,
    accepts: (token) => entra.tokens.has(token),
    authority: `${entra.authority}/${TENANT}`,
  });
  vault.secrets.set('sources--crm--token', { value: 'swordfish-of-the-vault' });
  try {
    const job = {
      source_type: 'api',
      source_name: 'crm',
      table_name: 'people',
      load_type: 'FULL',
      auth_type: 'bearer',
    };
    await using studio = await openWindow({
      project: {
        jobs: [{ ...job, api_endpoint: '/people', pagination_type: 'single_page' }],
        config: `[sources.crm]\ntype = "api"\nbase_url = "http://127.0.0.1:1"\n\n[destination]\ntype = "duckdb"\n\n[key_vault]\nvault_url = "https://localhost:1"\nca_file = ${JSON.stringify(path.join(own.path, 'company.pem'))}\n`,
      },
      environment: { AZURE_AUTHORITY_HOST: entra.authority },
      vault: { client: { disableChallengeResourceVerification: true } },
    });
    const { page } = studio;
    page.setDefaultTimeout(20_000);
    await page.getByRole('grid', { name: 'Jobs' }).waitFor();
    await goTo(page, 'Settings');
    const uri = page.getByRole('textbox', { name: 'Vault URI' });
    await uri.fill(vault.url);
    await choose(page, 'Sign-in to the vault', 'Service principal');
    await page.getByRole('textbox', { name: 'Tenant ID' }).fill(TENANT);
    await page.getByRole('textbox', { name: 'Client ID' }).fill(CLIENT);
    const secret = page.getByLabel('Client secret');
    const stages = page.getByRole('list', { name: 'Test of the vault' });
    const test = page.getByRole('button', { name: 'Test', exact: true });
    await secret.fill('not-this-one~9');
    await test.click();
    await stages.getByText('Login failed').waitFor();
    await stages.getByText('Check tenant_id, client_id and client_secret', { exact: false }).waitFor();
    await secret.fill(CLIENT_SECRET);
    await test.click();
    await stages.getByText('There: sources--crm--token.').waitFor();
    expect(await stages.getByRole('listitem').count()).toBe(6);
    expect(await seriousFindings(page)).toEqual([]);
    await picture(page, 'key-vault');

    const config = () => readFile(path.join(studio.folder, '.dlt/config.toml'), 'utf8');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('In keychain').waitFor();
    expect(parseToml(await config(), 'config.toml').table['key_vault']).toMatchObject({
      vault_url: vault.url,
      authentication: 'service_principal',
      tenant_id: TENANT,
      client_id: CLIENT,
    });
    // What is saved is tested with the secret that the window does not have.
    await test.click();
    await stages.getByText('There: sources--crm--token.').waitFor();
    for (const text of [await config(), ...studio.received, await page.content()]) {
      expect(text).not.toContain(CLIENT_SECRET);
      expect(text).not.toContain('swordfish');
    }
    await page.getByRole('button', { name: 'Use no vault' }).click();
    await expect.poll(() => uri.inputValue()).toBe('');
    expect(await config()).not.toContain('key_vault');
    expect(studio.problems).toEqual([]);
  } finally {
    await vault.close();
    await entra.close();
  }
});
