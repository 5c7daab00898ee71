import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { editTomlFile, tomlFingerprint } from '../../engine/bundle/toml-file.ts';
import { writeFileAtomic } from '../../engine/bundle/write-atomic.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const held = (code: string) => Object.assign(new Error(`${code}: held`), { code });

test('makes a file, replaces one, keeps its mode and leaves nothing behind', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'a.txt');
  await writeFileAtomic(file, 'one', { mode: 0o600 });
  expect(await readFile(file, 'utf8')).toBe('one');
  if (process.platform !== 'win32') {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o640);
  }
  await writeFileAtomic(file, Buffer.from('two'));
  expect(await readFile(file, 'utf8')).toBe('two');
  if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o640);
  expect(await readdir(folder.path)).toEqual(['a.txt']);
});

test.skipIf(process.platform === 'win32')('follows a link', async () => {
  await using folder = await temporaryFolder();
  await writeFile(path.join(folder.path, 'real'), 'old');
  await symlink('real', path.join(folder.path, 'link'));
  await writeFileAtomic(path.join(folder.path, 'link'), 'new');
  expect(await readFile(path.join(folder.path, 'real'), 'utf8')).toBe('new');
  expect((await readdir(folder.path)).sort()).toEqual(['link', 'real']);
});

test.each(['EBUSY', 'EPERM', 'EACCES'])('waits for a scanner that holds the file for a moment (%s)', async (code) => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'a.txt');
  let attempts = 0;
  const busy = async (from: string, to: string) => {
    attempts += 1;
    if (attempts < 4) throw held(code);
    await rename(from, to);
  };
  await writeFileAtomic(file, 'x', { rename: busy });
  expect([attempts, await readFile(file, 'utf8')]).toEqual([4, 'x']);
});

test('gives up on one that stays, and the old file is as it was', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'a.txt');
  await writeFile(file, 'old');
  const error = await writeFileAtomic(file, 'new', { rename: async () => Promise.reject(held('EPERM')) }).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({
    code: 'FILE_LOCKED',
    retryable: true,
    message: `${file} is held by another program and was not changed.`,
    hint: expect.stringContaining('Excel'),
  });
  expect(await readFile(file, 'utf8')).toBe('old');
  expect(await readdir(folder.path)).toEqual(['a.txt']);
});

test('a full disk, a folder that is not there, a refusal at the last moment', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'a.txt');
  await expect(
    writeFileAtomic(file, 'x', { rename: async () => Promise.reject(held('ENOSPC')) }),
  ).rejects.toMatchObject({ code: 'DISK_FULL' });
  await expect(writeFileAtomic(path.join(folder.path, 'no', 'a.txt'), 'x')).rejects.toMatchObject({
    code: 'FILE_NOT_WRITABLE',
    message: expect.stringContaining('ENOENT'),
  });
  await expect(
    writeFileAtomic(file, 'x', { beforeReplace: async () => Promise.reject(new Error('stop')) }),
  ).rejects.toThrow('stop');
  expect(await readdir(folder.path)).toEqual([]);
});

test('a killed writer leaves the old or the new content, never a part', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'a.txt');
  const script = path.join(folder.path, 'writer.mts');
  const url = new URL('../../engine/bundle/write-atomic.ts', import.meta.url).href;
  await writeFile(
    script,
    `import { writeFileAtomic } from ${JSON.stringify(url)};
     for (let i = 0; ; i += 1) { await writeFileAtomic(process.argv[2], String(i % 10).repeat(300_000)); process.send('written'); }`,
  );
  for (let round = 0; round < 3; round += 1) {
    const child = fork(script, [file]);
    for (let i = 0; i <= round * 3; i += 1) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const content = await readFile(file, 'utf8');
    expect(content).toMatch(/^(\d)\1*$/);
    expect(content).toHaveLength(300_000);
  }
});

test('a TOML file is edited in place, made with its folder, and never over a change of somebody else', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, '.dlt', 'config.toml');
  expect(await tomlFingerprint(file)).toBeNull();
  const first = await editTomlFile(file, [{ path: ['sources', 'shop', 'port'], value: 5432 }], { expected: null });
  await expect(editTomlFile(file, [{ path: ['a'], value: 1 }], { expected: null })).rejects.toMatchObject({
    code: 'TOML_CHANGED',
  });
  const text = await readFile(file, 'utf8');
  await writeFile(file, `\uFEFF# mine\r\n${text.replaceAll('\n', '\r\n')}`);
  await expect(editTomlFile(file, [{ path: ['a'], value: 1 }], { expected: first })).rejects.toThrow(
    /was changed by another program/,
  );
  await editTomlFile(file, [{ path: ['sources', 'shop', 'port'], value: 5433 }], {
    expected: await tomlFingerprint(file),
  });
  expect(await readFile(file, 'utf8')).toBe('\uFEFF# mine\r\n[sources.shop]\r\nport = 5433\r\n');
  await writeFile(file, 'a = "');
  await expect(editTomlFile(file, [], { expected: await tomlFingerprint(file) })).rejects.toMatchObject({
    code: 'TOML_INVALID',
  });
  await mkdir(path.join(folder.path, 'folder.toml'));
  await expect(tomlFingerprint(path.join(folder.path, 'folder.toml'))).rejects.toMatchObject({
    code: 'TOML_NOT_READABLE',
  });
});

test('secrets go into secrets.toml only, readable for its owner only', async () => {
  await using folder = await temporaryFolder();
  const config = path.join(folder.path, 'config.toml');
  const secrets = path.join(folder.path, 'secrets.toml');
  const edits = [{ path: ['sources', 'shop'], value: { host: 'db', password: 'hunter2' } }];
  const error = await editTomlFile(config, edits, { expected: null }).catch((e: unknown) => e);
  expect(error).toMatchObject({
    code: 'SECRET_IN_CONFIG',
    message: 'sources.shop.password is a secret and is not written to config.toml.',
  });
  expect(String(error)).not.toContain('hunter2');
  await editTomlFile(secrets, edits, { expected: null });
  expect(await readdir(folder.path)).toEqual(['secrets.toml']);
  if (process.platform !== 'win32') expect((await stat(secrets)).mode & 0o777).toBe(0o600);
});
