import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { applyNetworkSettings, DEFAULT_SETTINGS } from '../../engine/service/settings.ts';
import { startService } from './service-harness.ts';

afterEach(() => applyNetworkSettings({ proxy: null, ca_file: null }));

test('settings begin with defaults, keep what is set, and only their owner reads the file', async () => {
  await using studio = await startService();
  expect(await studio.call('settings.get', undefined)).toEqual(DEFAULT_SETTINGS);
  await studio.call('settings.set', { theme: 'dark' });
  expect(await studio.call('settings.set', { max_workers: 7 })).toEqual({
    ...DEFAULT_SETTINGS,
    theme: 'dark',
    max_workers: 7,
  });
  const file = path.join(studio.userDataDirectory, 'settings.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1, content: { theme: 'dark' } });
  if (process.platform !== 'win32') expect((await stat(file)).mode & 0o077).toBe(0);
});

test('changes at the same time are all kept', async () => {
  await using studio = await startService();
  await Promise.all([
    studio.call('settings.set', { theme: 'dark' }),
    studio.call('settings.set', { max_workers: 3 }),
    studio.call('settings.set', { preview_rows: 20 }),
  ]);
  expect(await studio.call('settings.get', undefined)).toMatchObject({
    theme: 'dark',
    max_workers: 3,
    preview_rows: 20,
  });
});

test('a damaged file is put aside, a value out of range falls back alone, a newer file is refused', async () => {
  await using studio = await startService();
  await studio.call('settings.set', { theme: 'dark' });
  const file = path.join(studio.userDataDirectory, 'settings.json');
  await writeFile(file, '{"version": 1, "content": {"theme": "dark", "max_workers": 900}}');
  expect(await studio.call('settings.get', undefined)).toEqual({ ...DEFAULT_SETTINGS, theme: 'dark' });
  await writeFile(file, '{"version": 1, "con');
  expect(await studio.call('settings.get', undefined)).toEqual(DEFAULT_SETTINGS);
  expect(await readFile(`${file}.damaged`, 'utf8')).toContain('"con');
  await writeFile(file, '{"version": 2, "content": {}}');
  expect(await studio.failure('settings.get', undefined)).toMatchObject({ code: 'USER_FILE_NEWER' });
});

test('a lock that a dead process left is taken over', async () => {
  await using studio = await startService();
  await studio.call('settings.set', { theme: 'dark' });
  await writeFile(path.join(studio.userDataDirectory, 'settings.json.lock'), '4194304');
  expect(await studio.call('settings.set', { theme: 'light' })).toMatchObject({ theme: 'light' });
});

test('proxy and certificates are checked before they are kept, and used at once', async () => {
  await using studio = await startService();
  expect(await studio.failure('settings.set', { proxy: 'proxy.example:80' })).toMatchObject({
    code: 'SETTING_INVALID',
  });
  expect(await studio.failure('settings.set', { ca_file: '/nowhere.pem' })).toMatchObject({ code: 'SETTING_INVALID' });
  const notPem = path.join(studio.folder, 'x.pem');
  await writeFile(notPem, 'hello');
  expect(await studio.failure('settings.set', { ca_file: notPem })).toMatchObject({ code: 'SETTING_INVALID' });
  expect(await studio.call('settings.get', undefined)).toEqual(DEFAULT_SETTINGS);
  expect(await studio.failure('settings.set', { proxy: 'pac+ftp://proxy.example/p.pac' })).toMatchObject({
    code: 'PROXY_UNUSABLE',
  });
  await studio.call('settings.set', { proxy: 'pac+http://127.0.0.1:9/proxy.pac' });
  expect(process.env['INGEST_PROXY_SCRIPT']).toBe('pac+http://127.0.0.1:9/proxy.pac');
  await studio.call('settings.set', { proxy: 'http://127.0.0.1:9' });
  expect(process.env['HTTPS_PROXY']).toBe('http://127.0.0.1:9');
  await studio.call('settings.set', { proxy: null });
  expect(process.env['HTTPS_PROXY']).not.toBe('http://127.0.0.1:9');
});
