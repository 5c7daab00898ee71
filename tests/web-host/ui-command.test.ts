import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { runCommandLine } from '../../engine/cli/command-line.ts';
import { Terminal } from '../../engine/cli/terminal.ts';
import { buildApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const root = path.resolve(import.meta.dirname, '../..');

beforeAll(buildApp);

function start(args: string[], env: Record<string, string>) {
  return spawn(process.execPath, ['engine/cli/main.ts', 'ui', ...args], { cwd: root, env: { ...process.env, ...env } });
}

test('ingest ui prints a link that opens the page, and ends with Ctrl+C', async () => {
  await using home = await temporaryFolder();
  const child = start(['--no-open'], { INGEST_STUDIO_USER_DATA: home.path });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const url = /http:\S+/.exec(String(value))![0];
  const signedIn = await fetch(url, { redirect: 'manual' });
  const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
  const page = await fetch(new URL('/', url), { headers: { cookie } });
  expect(await page.text()).toContain('<div id="root">');
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  expect(await exited).toBe(0);
});

test.runIf(process.platform === 'linux')('the browser is opened without telling other users the token', async () => {
  await using home = await temporaryFolder();
  const bin = path.join(home.path, 'bin');
  await mkdir(bin);
  const seen = path.join(home.path, 'seen');
  await writeFile(
    path.join(bin, 'xdg-open'),
    `#!/bin/sh\nprintf '%s' "$1" > '${seen}.part'\nmv '${seen}.part' '${seen}'\n`,
  );
  await chmod(path.join(bin, 'xdg-open'), 0o755);
  const data = path.join(home.path, 'data');
  const child = start([], { INGEST_STUDIO_USER_DATA: data, PATH: `${bin}${path.delimiter}${process.env['PATH']}` });
  await expect.poll(() => readFile(seen, 'utf8').catch(() => ''), { timeout: 15_000 }).toMatch(/\.html$/);
  const file = await readFile(seen, 'utf8');
  expect((await stat(file)).mode & 0o077).toBe(0);
  const url = /url=(http:[^"]+)"/.exec(await readFile(file, 'utf8'))![1]!;
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(303);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect((await readdir(data)).filter((name) => name.endsWith('.html'))).toEqual([]);
});

test('in this very process: with --json, and an end by a signal', async () => {
  await using home = await temporaryFolder();
  const printed: string[] = [];
  const stream = { write: (text: string) => printed.push(text) > 0 };
  const terminal = new Terminal({ stdout: stream, stderr: stream, env: {}, color: false });
  const data = path.join(home.path, 'data');
  const done = runCommandLine(['ui', '--no-open', '--json'], terminal, { INGEST_STUDIO_USER_DATA: data });
  await expect.poll(() => printed.join(''), { timeout: 10_000 }).toContain('token=');
  const { origin, url } = JSON.parse(printed.join('')) as { origin: string; url: string };
  expect(url.startsWith(`${origin}/?token=`)).toBe(true);
  process.emit('SIGINT');
  expect(await done).toBe(0);
});

test('a port that is taken is explained', async () => {
  await using home = await temporaryFolder();
  const { createServer } = await import('node:net');
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const child = start(['--no-open', '--port', String(port)], { INGEST_STUDIO_USER_DATA: home.path });
  const [said, code] = await Promise.all([text(child.stderr), new Promise((resolve) => child.once('exit', resolve))]);
  expect(said).toContain(`Port ${port} cannot be used (EADDRINUSE)`);
  expect(code).not.toBe(0);
  taken.close();
});
