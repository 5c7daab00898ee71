import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLineLog } from '../../engine/runs/run-log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'run-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('lines are kept in order, also many of them, and closing twice is harmless', async () => {
  const errors: Error[] = [];
  const log = await openLineLog(path.join(folder, 'deep', 'x.jsonl'), (error) => errors.push(error));
  const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ i, text: 'ö'.repeat(i % 20) }));
  for (const line of lines) log.write(line);
  expect(await Promise.all([log.close(), log.close()])).toEqual([null, null]);
  log.write('too late');
  expect((await readFile(log.path, 'utf8')).split('\n')).toEqual([...lines, '']);
  expect(errors).toEqual([]);
});

test.runIf(process.platform === 'linux')('a full disk costs the log, not the caller, and is told once', async () => {
  const errors: Error[] = [];
  // The kernel's own full disk.
  const probe = await open('/dev/full', 'a');
  await probe.close();
  const log = await openLineLog('/dev/full', (error) => errors.push(error), { flags: 'a' });
  for (let i = 0; i < 5000; i += 1) log.write('x'.repeat(100));
  expect(await log.close()).toMatchObject({ code: 'ENOSPC' });
  expect(errors).toHaveLength(1);
});

test('what was written stays when the process is killed', async () => {
  const file = path.join(folder, 'killed.jsonl');
  const module = path.resolve(import.meta.dirname, '../../engine/runs/run-log.ts');
  const program = `
    const { openLineLog } = await import(${JSON.stringify(module)});
    const log = await openLineLog(${JSON.stringify(file)}, () => {});
    log.write('first'); log.write('second');
    process.stdin.resume();
    const { readFileSync } = await import('node:fs');
    const wait = setInterval(() => { if (readFileSync(${JSON.stringify(file)}, 'utf8') !== '') { clearInterval(wait); console.log('written'); } }, 10);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await readFile(file, 'utf8')).toBe('first\nsecond\n');
});
