import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { cli } from './cli-process.ts';

const SECRET = 'pw-of-the-shop-4711';
const config = (host: string, password: string) =>
  `[sources.shop]\ntype = "postgresql"\nhost = "${host}"\ndatabase = "shop"\nusername = "u"\npassword = "${password}"\n[destination]\ntype = "duckdb"\n`;
const job = (table_name: string, load_type = 'FULL') => ({
  source_type: 'postgresql',
  source_name: 'shop',
  table_name,
  load_type,
  enabled: 'Y',
});

afterEach(() => vi.unstubAllEnvs());

test('a project is compared with revisions of itself, secrets apart; errors say the way out', async () => {
  await using folder = await temporaryFolder();
  const repository = path.join(folder.path, 'a repository');
  const project = path.join(repository, 'jobs', 'shop');
  await mkdir(project, { recursive: true });
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-C', repository, ...words]);
  git('init', '-q');
  await writeFile(path.join(repository, 'readme'), '');
  git('add', '.');
  git('commit', '-qm', 'empty');
  const check = { table: 'orders', type: 'row_count', min_rows: 1 };
  await writeProject(project, { jobs: [job('orders'), job('old')], checks: [check], config: config('one', SECRET) });
  git('add', '.');
  git('commit', '-qm', 'first');
  const changed = { checks: [{ ...check, min_rows: 9 }], config: config('two', `${SECRET}-2`) };
  await writeProject(project, { jobs: [job('orders'), job('new')], ...changed });
  git('add', '.');
  git('commit', '-qm', 'second');

  const difference = await cli(['diff', 'HEAD~1', project, '--json']);
  expect(difference.code, difference.stderr).toBe(1);
  expect(JSON.parse(difference.stdout)).toEqual({
    added: [],
    removed: [],
    changed: [
      { kind: 'job', name: 'shop.old', cells: [{ column: 'table_name', before: 'old', after: 'new' }] },
      { kind: 'check', name: 'orders row_count', cells: [{ column: 'min_rows', before: '1', after: '9' }] },
      { kind: 'connection', name: 'shop', cells: [{ column: 'host', before: 'one', after: 'two' }] },
    ],
  });
  expect(difference.stdout).not.toContain(SECRET);
  expect((await cli(['diff', 'HEAD', project])).stdout).toContain('No difference.');
  const both = await cli(['diff', 'HEAD', 'HEAD~1', '-c', project]);
  expect(both.stdout).toContain('host: two → one');

  const failure = async (...words: string[]) => {
    const { code, stderr } = await cli(['diff', ...words]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await failure('no-such-branch', project)).toContain('REVISION_NOT_FOUND');
  // Words that look like options, or that name more than a commit, are no revisions.
  expect(await failure('HEAD..HEAD~1', project)).toContain('REVISION_NOT_FOUND');
  expect(await failure('--', '--output=x', project)).toContain('REVISION_NOT_FOUND');
  expect(await failure('./gone', project)).toContain('PROJECT_NOT_FOUND');
  expect(await failure('HEAD~2', project)).toContain('REVISION_WITHOUT_PROJECT');
  await writeFile(path.join(project, 'ingestion_config.xlsx'), 'version https://git-lfs.github.com/spec/v1\noid x\n');
  git('commit', '-qam', 'pointer');
  expect(await failure('HEAD', project)).toContain('Git LFS');

  await rm(path.join(repository, '.git'), { recursive: true });
  expect(await failure('HEAD', project)).toContain('GIT_FAILED');
  vi.stubEnv('PATH', folder.path);
  expect(await failure('HEAD', project)).toContain('GIT_NOT_FOUND');
});
