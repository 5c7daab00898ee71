import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { type RunOptions, runProject } from '../../engine/pipeline/run-project.ts';
import { mount } from '../helpers/mounts.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

async function makeProject(folder: string, rows: number): Promise<void> {
  await mkdir(path.join(folder, 'data'), { recursive: true });
  const lines = Array.from({ length: rows }, (_, i) => `${i},${(i * 7919) % 100_003},${Math.sin(i)}`);
  await writeFile(path.join(folder, 'data', 'a.csv'), `id,n,x\n${lines.join('\n')}\n`);
  await writeProject(folder, {
    jobs: [
      {
        source_type: 'filesystem',
        source_name: 'files',
        table_name: 'a',
        load_type: 'FULL',
        file_glob: 'a.csv',
        file_format: 'csv',
      },
    ],
    config:
      '[sources.files]\nbucket_url = "data"\n[destinations.duck]\ntype = "duckdb"\npath = "out/o.duckdb"\n[destinations.lake]\ntype = "filesystem"\nbucket_url = "out/lake"\n',
  });
}

async function runIn(folder: string, options: Partial<RunOptions> = {}) {
  const project = await openProject(folder, { environment: {} });
  return await runProject(project, {
    selectors: [],
    destination: 'duck',
    signal: new AbortController().signal,
    onEvent: () => {},
    ...options,
  });
}

test.for(['duck', 'lake'])(
  'a full disk fails the job with a way out, and the next run loads everything once: %s',
  async (destination, context) => {
    await using folder = await temporaryFolder();
    await makeProject(folder.path, 200_000);
    const work = path.join(folder.path, 'small');
    await mkdir(work);
    // a real full disk: a file system of one megabyte
    await using disk = await mount(context, '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', work);
    const failed = await runIn(folder.path, { destination, workDirectory: work });
    expect(failed.exitCode).toBe(1);
    expect(failed.metrics.jobs[0]).toMatchObject({
      status: 'FAILED',
      error: { code: 'DISK_FULL', hint: expect.stringContaining('Free') },
    });
    await disk.remount('size=200m');
    const second = await runIn(folder.path, { destination, workDirectory: work });
    expect(second.metrics.jobs[0]).toMatchObject({ status: 'SUCCESS', rows_processed: 200_000 });
  },
);

test('a project on a read-only mount runs with --work-dir', async (context) => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  await makeProject(project, 10);
  await using disk = await mount(context, '--bind', project, project);
  await disk.remount('ro,bind');
  await expect(runIn(project)).rejects.toMatchObject({ hint: expect.stringContaining('work') });
  const work = path.join(folder.path, 'work');
  const outcome = await runIn(project, { workDirectory: work });
  expect(outcome).toMatchObject({ exitCode: 0, location: path.join(work, 'out', 'o.duckdb') });
  await access(outcome.metricsPath);
});

test('two target names alike but for case are refused before anything is read', async () => {
  await using folder = await temporaryFolder();
  await makeProject(folder.path, 10);
  const job = {
    source_type: 'filesystem',
    source_name: 'files',
    table_name: 'a',
    load_type: 'FULL',
    file_glob: 'a.csv',
    file_format: 'csv',
  };
  await writeProject(folder.path, {
    jobs: [
      { ...job, target_table: 'Things' },
      { ...job, target_table: 'things' },
    ],
  });
  await expect(runIn(folder.path)).rejects.toMatchObject({ code: 'PROJECT_INVALID' });
  await expect(access(path.join(folder.path, 'out'))).rejects.toThrow();
});

test('a destination in a folder that cannot be written says which and what to do', async () => {
  await using folder = await temporaryFolder();
  await makeProject(folder.path, 10);
  await writeFile(path.join(folder.path, 'out'), 'a file where a folder should be');
  await expect(runIn(folder.path)).rejects.toMatchObject({
    name: 'IngestError',
    message: expect.stringContaining('out'),
    hint: expect.any(String),
  });
});

test('a job without its file fails alone; the others run, and the log has it all as JSON lines', async () => {
  await using folder = await temporaryFolder();
  await makeProject(folder.path, 10);
  const job = { source_type: 'filesystem', source_name: 'files', load_type: 'FULL', file_format: 'csv' };
  await writeProject(folder.path, {
    jobs: [
      { ...job, table_name: 'missing', file_glob: 'nothing*.csv' },
      { ...job, table_name: 'a', file_glob: 'a.csv' },
    ],
  });
  const outcome = await runIn(folder.path);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.metrics.jobs.map((result) => result.status)).toEqual(['FAILED', 'SUCCESS']);
  const stopped = await runIn(folder.path, { stopOnError: true });
  expect(stopped.metrics.jobs.map((result) => result.status)).toEqual(['FAILED', 'SKIPPED']);
  const lines = (await readFile(outcome.logPath as string, 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).type)).toContain('run_finished');
});

test('jobs in parallel load what they would load alone', async () => {
  await using folder = await temporaryFolder();
  await makeProject(folder.path, 5_000);
  const job = {
    source_type: 'filesystem',
    source_name: 'files',
    load_type: 'FULL',
    file_format: 'csv',
    file_glob: 'a.csv',
  };
  await writeProject(folder.path, { jobs: Array.from({ length: 12 }, (_, i) => ({ ...job, table_name: `t${i}` })) });
  const outcome = await runIn(folder.path, { parallel: true, workers: 5 });
  expect(outcome.metrics.jobs.map((result) => [result.status, result.rows_processed])).toEqual(
    Array.from({ length: 12 }, () => ['SUCCESS', 5_000]),
  );
});
