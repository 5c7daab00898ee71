import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import type { Keychain } from '../../engine/secrets/keychain.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const PATH = ['sources', 'shop', 'password'];
const SECRET = 'correct horse battery staple';

function keychain(value: string | null = null): Keychain & { value: string | null } {
  return {
    name: 'test keychain',
    value,
    async get() {
      return this.value;
    },
    async set(text) {
      this.value = text;
    },
  };
}

async function startStore(chain: Keychain = keychain()) {
  const folder = await temporaryFolder();
  const file = path.join(folder.path, 'secrets.json');
  return { folder, file, chain, store: createSecretStore({ directory: folder.path, keychain: chain }) };
}

test('a secret comes back, also to another process; the file does not hold it', async () => {
  const { folder, file, chain, store } = await startStore();
  await using _ = folder;
  const other = ['sources', 'shop', 'auth', 'token'];
  await store.set('/p', [
    { path: PATH, value: SECRET },
    { path: other, value: 'ünïcode 🔑' },
  ]);
  const again = createSecretStore({ directory: folder.path, keychain: chain });
  expect(await again.get('/p', PATH)).toBe(SECRET);
  expect(await again.get('/p', other)).toBe('ünïcode 🔑');
  expect(await again.get('/other', PATH)).toBeNull();
  expect(await again.paths('/p')).toEqual([PATH, other]);
  const text = await readFile(file, 'utf8');
  for (const form of [SECRET, Buffer.from(SECRET).toString('base64'), Buffer.from(SECRET).toString('hex')]) {
    expect(text).not.toContain(form);
  }
  await again.set('/p', [{ path: PATH, value: null }]);
  expect(await store.get('/p', PATH)).toBeNull();
});

test('the same secret twice never gives the same bytes', async () => {
  const { folder, file, store } = await startStore();
  await using _ = folder;
  await store.set('/p', [{ path: PATH, value: SECRET }]);
  const first = JSON.parse(await readFile(file, 'utf8')).content.secrets[0];
  await store.set('/p', [{ path: PATH, value: SECRET }]);
  const second = JSON.parse(await readFile(file, 'utf8')).content.secrets[0];
  expect(first.iv).not.toBe(second.iv);
  expect(first.data).not.toBe(second.data);
});

describe('it fails closed', () => {
  const broken: Keychain = {
    name: 'broken',
    get: async () => null,
    set: async () => {
      throw new Error('no service');
    },
  };

  test('without a keychain nothing is written', async () => {
    const { folder, file, store } = await startStore(broken);
    await using _ = folder;
    await expect(store.set('/p', [{ path: PATH, value: SECRET }])).rejects.toThrow('no service');
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    expect(await store.state()).toMatchObject({ available: false, detail: expect.stringContaining('no service') });
  });

  test('a keychain that forgets at once is none', async () => {
    const { folder, file, store } = await startStore({ ...broken, set: async () => undefined });
    await using _ = folder;
    await expect(store.set('/p', [{ path: PATH, value: SECRET }])).rejects.toMatchObject({
      code: 'KEYCHAIN_NOT_AVAILABLE',
    });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });

  test('a locked keychain, or a lost key, never makes a new key over secrets that are kept', async () => {
    const { folder, file, chain, store } = await startStore();
    await using _ = folder;
    await store.set('/p', [{ path: PATH, value: SECRET }]);
    const before = await readFile(file, 'utf8');
    const locked = createSecretStore({ directory: folder.path, keychain: keychain(null) });
    await expect(locked.set('/p', [{ path: PATH, value: 'new' }])).rejects.toMatchObject({
      code: 'KEYCHAIN_NOT_AVAILABLE',
    });
    await expect(locked.get('/p', PATH)).rejects.toMatchObject({ code: 'KEYCHAIN_NOT_AVAILABLE' });
    const foreign = createSecretStore({
      directory: folder.path,
      keychain: keychain(Buffer.alloc(32, 7).toString('base64')),
    });
    await expect(foreign.set('/p', [{ path: PATH, value: 'new' }])).rejects.toMatchObject({
      code: 'KEYCHAIN_KEY_LOST',
    });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await createSecretStore({ directory: folder.path, keychain: chain }).get('/p', PATH)).toBe(SECRET);
  });

  test('a secret that was moved to another path or project, or changed, does not decrypt', async () => {
    const { folder, file, chain, store } = await startStore();
    await using _ = folder;
    await store.set('/p', [{ path: PATH, value: SECRET }]);
    const content = JSON.parse(await readFile(file, 'utf8'));
    const [secret] = content.content.secrets;
    const cases = [
      { ...secret, path: ['sources', 'evil', 'password'] },
      { ...secret, project: '/q' },
      { ...secret, data: Buffer.from('other').toString('base64') },
      { ...secret, tag: Buffer.alloc(4).toString('base64') },
    ];
    for (const changed of cases) {
      await writeFile(file, JSON.stringify({ ...content, content: { ...content.content, secrets: [changed] } }));
      const again = createSecretStore({ directory: folder.path, keychain: chain });
      await expect(again.get(changed.project, changed.path)).rejects.toMatchObject({ code: 'SECRET_DAMAGED' });
    }
  });

  test('a damaged file is refused, not begun anew', async () => {
    const { folder, file, store } = await startStore();
    await using _ = folder;
    await writeFile(file, '{');
    await expect(store.set('/p', [{ path: PATH, value: SECRET }])).rejects.toMatchObject({ code: 'USER_FILE_DAMAGED' });
    expect(await readFile(file, 'utf8')).toBe('{');
  });
});

test('a project finds its secrets there: after the environment and secrets.toml, before config.toml', async () => {
  const { folder, store } = await startStore();
  await using _ = folder;
  const directory = path.join(folder.path, 'project');
  const config = '[sources.shop]\nhost = "h"\ndatabase = "d"\nusername = "u"\npassword = "from-config"\n';
  const jobs = [{ source_type: 'postgresql', source_name: 'shop', table_name: 't', load_type: 'FULL' }];
  await writeProject(directory, { jobs, config });
  await store.set(directory, [{ path: PATH, value: SECRET }]);
  const open = (environment: Record<string, string> = {}) =>
    openProject(directory, { environment, secretStore: store });
  const opened = await open();
  expect(opened.project.connections['shop']).toMatchObject({ password: SECRET });
  expect(opened.origins.find(({ path: key }) => key === 'sources.shop.password')).toMatchObject({
    origin: 'keychain',
    secret: true,
  });
  expect(opened.redactor.text(`it is ${SECRET}`)).toBe('it is ***');
  const fromEnvironment = await open({ SOURCES__SHOP__PASSWORD: 'from-environment' });
  expect(fromEnvironment.project.connections['shop']).toMatchObject({ password: 'from-environment' });
  await writeProject(directory, { jobs, config, secrets: '[sources.shop]\npassword = "from-file"\n' });
  expect((await open()).project.connections['shop']).toMatchObject({ password: 'from-file' });
});
