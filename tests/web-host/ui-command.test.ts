import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
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

/** Runs the command in this very process; `printed` is what it has said so far, on both streams. */
function runHere(args: string[], env: Record<string, string>) {
  const printed: string[] = [];
  const stream = { write: (text: string) => printed.push(text) > 0 };
  const terminal = new Terminal({ stdout: stream, stderr: stream, env: {}, color: false });
  return { printed, done: runCommandLine(['ui', ...args], terminal, env) };
}

test('with --json it prints the link for programs', async () => {
  await using home = await temporaryFolder();
  const { printed, done } = runHere(['--no-open', '--json'], { INGEST_STUDIO_USER_DATA: home.path });
  await expect.poll(() => printed.join(''), { timeout: 10_000 }).toContain('token=');
  const { origin, url } = JSON.parse(printed.join('')) as { origin: string; url: string };
  expect(url.startsWith(`${origin}/?token=`)).toBe(true);
  process.emit('SIGINT');
  expect(await done).toBe(0);
});

describe.runIf(process.platform === 'linux')('the browser', () => {
  const usual = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = usual;
  });

  test('is opened without telling other users the token', async () => {
    await using home = await temporaryFolder();
    const bin = path.join(home.path, 'bin');
    await mkdir(bin);
    const seen = path.join(home.path, 'seen');
    const script = `#!/bin/sh\nprintf '%s' "$1" > '${seen}.part'\nmv '${seen}.part' '${seen}'\n`;
    await writeFile(path.join(bin, 'xdg-open'), script, { mode: 0o755 });
    process.env['PATH'] = `${bin}${path.delimiter}${usual}`;
    const data = path.join(home.path, 'data');
    const { done } = runHere([], { INGEST_STUDIO_USER_DATA: data });
    await expect.poll(() => readFile(seen, 'utf8').catch(() => ''), { timeout: 15_000 }).toMatch(/\.html$/);
    const file = await readFile(seen, 'utf8');
    expect((await stat(file)).mode & 0o077).toBe(0);
    const url = /url=(http:[^"]+)"/.exec(await readFile(file, 'utf8'))![1]!;
    expect((await fetch(url)).headers.get('set-cookie')).toContain('SameSite=Strict');
    process.emit('SIGTERM');
    expect(await done).toBe(0);
    expect((await readdir(data)).filter((name) => name.endsWith('.html'))).toEqual([]);
  });

  test('where there is none, the printed link is enough', async () => {
    await using home = await temporaryFolder();
    process.env['PATH'] = home.path;
    const { printed, done } = runHere([], { INGEST_STUDIO_USER_DATA: home.path });
    await expect.poll(() => printed.join(''), { timeout: 10_000 }).toContain('Ctrl+C ends it');
    await expect.poll(async () => (await readdir(home.path)).filter((name) => name.endsWith('.html'))).toEqual([]);
    process.emit('SIGINT');
    expect(await done).toBe(0);
  });
});

test('a port that is taken is explained', async () => {
  await using home = await temporaryFolder();
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const { printed, done } = runHere(['--no-open', '--port', String(port)], { INGEST_STUDIO_USER_DATA: home.path });
  expect(await done).not.toBe(0);
  expect(printed.join('')).toContain(`Port ${port} cannot be used (EADDRINUSE)`);
  taken.close();
});
