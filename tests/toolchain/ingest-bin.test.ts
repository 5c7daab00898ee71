import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const bin = path.join(root, 'bin/ingest.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'ingest-bin-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A Node older than 24, where the machine has one besides the project's own. */
const oldNode = (process.env['PATH'] ?? '')
  .split(path.delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .map((entry) => path.join(entry, process.platform === 'win32' ? 'node.exe' : 'node'))
  .filter((file) => existsSync(file))
  .find(
    (file) => Number.parseInt(spawnSync(file, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout, 10) < 24,
  );

test('the command runs from anywhere', () => {
  const run = spawnSync(process.execPath, [bin, '--version'], { cwd: folder, encoding: 'utf8' });
  expect(run.stdout.trim()).toBe(version);
  expect(run.status).toBe(0);
});

test.runIf(oldNode !== undefined)(
  'an older Node hands over to the one that the package brings, with exit code and arguments',
  () => {
    const run = spawnSync(oldNode!, [bin, '--version'], { cwd: folder, encoding: 'utf8' });
    expect(run.stdout.trim()).toBe(version);
    const wrong = spawnSync(oldNode!, [bin, 'validate', '-c', path.join(folder, 'nowhere')], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('nowhere');
  },
);

test.runIf(oldNode !== undefined)('an older Node alone says which one is needed', () => {
  mkdirSync(path.join(folder, 'bin'));
  copyFileSync(bin, path.join(folder, 'bin/ingest.mjs'));
  const run = spawnSync(oldNode!, [path.join(folder, 'bin/ingest.mjs'), 'list'], { encoding: 'utf8' });
  expect(run.stderr).toContain('needs Node 24');
  expect(run.status).toBe(2);
});

test('the process entry, in this process', async () => {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  const argv = process.argv;
  try {
    process.argv = [process.execPath, bin, '--version'];
    await import('../../engine/cli/main.ts');
    expect(written.join('')).toContain(version);
    expect(process.exitCode).toBe(0);
  } finally {
    write.mockRestore();
    process.argv = argv;
    process.exitCode = undefined;
  }
});
