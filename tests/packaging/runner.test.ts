import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const root = path.join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** `npm test` says which npm it is; started otherwise, the system's. */
async function npm(cwd: string, ...args: string[]): Promise<void> {
  const script = process.env['npm_execpath'];
  if (script === undefined) await run('npm', args, { cwd, shell: process.platform === 'win32' });
  else await run(process.execPath, [script, ...args], { cwd });
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** Where npm installed the packed runner: an empty folder before. */
let runner: string;

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** A program without this checkout on its path. */
async function start(program: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { HOME = '', SystemRoot = '', PATH = '' } = process.env;
  const foreign = PATH.split(path.delimiter).filter((entry) => !entry.startsWith(root));
  const options = { cwd: folder.path, env: { HOME, SystemRoot, PATH: foreign.join(path.delimiter), ...env } };
  return await run(program, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      out: error.stdout,
      err: error.stderr,
    }),
  );
}

const ingest = (args: string[]) =>
  start(process.execPath, [path.join(runner, 'node_modules/ingest-studio/bin/ingest.mjs'), ...args]);

beforeAll(async () => {
  folder = await temporaryFolder();
  runner = path.join(folder.path, 'runner');
  await mkdir(runner);
  await buildApp();
  await npm(root, 'run', '-s', 'compile');
  await npm(root, 'pack', '--ignore-scripts', '--pack-destination', folder.path);
  const [packed] = (await readdir(folder.path)).filter((name) => name.endsWith('.tgz'));
  await writeFile(path.join(runner, 'package.json'), '{"private":true}');
  const install = ['install', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await npm(runner, ...install, path.join(folder.path, packed as string));
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

test('the packed runner brings what a run needs and nothing of the window', async () => {
  const modules = await readdir(path.join(runner, 'node_modules'));
  expect(modules).not.toContain('electron');
  expect(modules).not.toContain('react');
  expect(modules).not.toContain('typescript');
  const files = await readdir(path.join(runner, 'node_modules/ingest-studio'), { recursive: true });
  expect(files.filter((name) => /\.tsx?$/.test(name))).toEqual([]);
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  expect(await ingest(['--version'])).toMatchObject({ code: 0, out: `${version}\n` });
});

test('a bundle of the sample is exported and run by it alone', async () => {
  const project = path.join(folder.path, 'shop');
  await cp(path.join(runner, 'node_modules/ingest-studio/resources/sample'), project, { recursive: true });
  const bundle = path.join(folder.path, 'bundle');
  expect(await ingest(['-c', project, 'export', '-o', bundle, '--dab'])).toMatchObject({ code: 0 });
  await cp(path.join(project, 'data'), path.join(bundle, 'data'), { recursive: true });
  const ended = await ingest(['-c', bundle, '--work-dir', path.join(folder.path, 'work'), '--json', 'run']);
  expect(ended.code, ended.err).toBe(0);
  expect(JSON.parse(ended.out).summary).toMatchObject({ total_jobs: 12, successful_jobs: 12, total_rows: 2132 });
});

test('its window opens in a browser', async () => {
  const page = path.join(runner, 'node_modules/ingest-studio/out/renderer/index.html');
  expect(await readFile(page, 'utf8')).toContain('<div id="root">');
});

test('the launcher of a cluster finds it, runs a job and keeps the results', async (context) => {
  const python = await run('python3', ['--version']).catch(() => null);
  if (python === null) return context.skip('not run: there is no python3 here to start the launcher with');
  const launcher = path.join(folder.path, 'bundle/deployment/run_ingest.py');
  const results = path.join(folder.path, 'results');
  const places = ['--bundle', path.join(folder.path, 'bundle'), '--work-dir', path.join(folder.path, 'cluster')];
  const image = path.join(folder.path, 'image');
  await mkdir(image);
  await writeFile(
    path.join(image, 'ingest'),
    `#!/bin/sh\nexec "${process.execPath}" "${path.join(runner, 'node_modules/ingest-studio/bin/ingest.mjs')}" "$@"\n`,
    { mode: 0o755 },
  );
  const onPath = { PATH: `${image}${path.delimiter}${process.env['PATH']}` };
  const well = await start(
    'python3',
    [launcher, ...places, '--results', results, 'run', '--job', 'shop.orders'],
    onPath,
  );
  expect(well.code, well.err).toBe(0);
  expect(well.out).toContain('1 job: 1 succeeded');
  // The sample has a check on orders, and its report is a result, too.
  const kept = new Set((await readdir(results)).map((name) => name.split('_')[0]));
  expect(kept).toEqual(new Set(['metrics', 'quality', 'run']));
  const unknown = await start('python3', [launcher, ...places, 'run', '--job', 'nope'], onPath);
  expect(unknown.code).not.toBe(0);
  expect(unknown.err).toContain('exit code 2: the configuration is invalid or unusable');
  const nowhere = await start('python3', [launcher, ...places, 'run']);
  expect(nowhere.err).toContain('npm install --prefix runner');
  await rm(results, { recursive: true });
});
