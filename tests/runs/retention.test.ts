import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { findOldRuns, removeOldRuns } from '../../engine/runs/retention.ts';
import { historyModel } from '../../engine/spec/history.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const NOW = Date.UTC(2026, 5, 30);
const started = (process: object) =>
  `${JSON.stringify({ at: Date.now(), level: 'INFO', type: 'run_started', run_id: 'x', pipeline: 'p', destination: 'd', jobs: 1, workers: 1, process })}\n`;
const FINISHED = '{"at":2,"level":"INFO","type":"run_finished","run_id":"x","status":"SUCCESS","metrics_path":""}\n';

async function metadata(folder: string, files: Record<string, string>): Promise<string> {
  const directory = path.join(folder, 'metadata');
  await mkdir(path.join(directory, 'packages'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(directory, name), text);
  return directory;
}

test('all files of a run go together, by age and by number; what goes on, state and foreign files stay', async () => {
  await using folder = await temporaryFolder();
  const here = { pid: process.pid, host: hostname() };
  const directory = await metadata(folder.path, {
    // older than 30 days
    'run_20260101_060000_aaaaaa.jsonl': started(here) + FINISHED,
    'metrics_my_pipe_20260101_060000_aaaaaa.json': '{}',
    'quality_my_pipe_20260101_060000_aaaaaa.json': '{}',
    'quality_my_pipe_20260101_060000_aaaaaa.html': '',
    // older, but they go on: here, and perhaps on another computer
    'run_20260102_060000_bbbbbb.jsonl': started(here),
    'run_20260102_060000_cccccc.jsonl': started({ pid: 1, host: 'another' }),
    // dead: its process is gone, or it was silent for days
    'run_20260103_060000_dddddd.jsonl': started({ pid: 2 ** 22 + 1, host: hostname() }),
    'run_20260103_060000_eeeeee.jsonl': started({ pid: 1, host: 'another' }),
    'run_20260104_060000_ffffff.jsonl': 'damaged',
    'run_20260620_060000_000001.jsonl': FINISHED,
    'run_20260621_060000_000002.jsonl': FINISHED,
    'quality_p_20260622_060000_000003.json': '{}',
    'state.json': '{}',
    'run_notes.jsonl': '',
    'metrics_20260101.json': '',
  });
  await utimes(path.join(directory, 'run_20260103_060000_eeeeee.jsonl'), new Date(0), new Date(0));
  const of = async (keep_days: number, keep_runs: number) =>
    (await findOldRuns(folder.path, { keep_days, keep_runs }, NOW)).map(({ runId }) => runId.slice(-6));

  expect(await of(0, 0)).toEqual([]);
  // Of two that began in one second, the one that was written to last is the newer.
  expect(await of(30, 0)).toEqual(['aaaaaa', 'eeeeee', 'dddddd', 'ffffff']);
  expect(await of(0, 2)).toEqual(['aaaaaa', 'eeeeee', 'dddddd', 'ffffff', '000001']);

  const removed = await removeOldRuns(await findOldRuns(folder.path, { keep_days: 30, keep_runs: 2 }, NOW));
  expect(removed.map(({ files }) => files.length)).toEqual([4, 1, 1, 1, 1]);
  expect((await readdir(directory)).sort()).toEqual(
    [
      'metrics_20260101.json',
      'packages',
      'quality_p_20260622_060000_000003.json',
      'run_20260102_060000_bbbbbb.jsonl',
      'run_20260102_060000_cccccc.jsonl',
      'run_20260621_060000_000002.jsonl',
      'run_notes.jsonl',
      'state.json',
    ].sort(),
  );
});

test('a run forgets the ones beyond the limits, and does not begin where the limits are wrong', async () => {
  await using folder = await temporaryFolder();
  const job = { source_type: 'filesystem', source_name: 'files', table_name: 't', load_type: 'FULL', enabled: 'Y' };
  const run = async (history: string) => {
    await writeProject(folder.path, {
      jobs: [{ ...job, file_format: 'csv', file_glob: '*.csv' }],
      config: `[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n${history}`,
    });
    const project = await openProject(folder.path, { environment: {} });
    const options = { selectors: [], signal: new AbortController().signal, onEvent: () => {} };
    const { logPath } = await runProject(project, options);
    return { log: path.basename(logPath as string) };
  };
  await mkdir(path.join(folder.path, 'data'));
  await writeFile(path.join(folder.path, 'data', 't.csv'), 'id\n1\n');
  const directory = await metadata(folder.path, {
    'run_20200101_060000_aaaaaa.jsonl': FINISHED,
    'metrics_p_20200101_060000_aaaaaa.json': '{}',
  });
  const logs = async () => (await readdir(directory)).filter((name) => name.startsWith('run_'));
  await expect(run('[history]\nkeep_days = -1\n')).rejects.toThrow('nothing was read');
  await run('[history]\nkeep_days = 0\n');
  expect(await logs()).toHaveLength(2);
  const { log } = await run('[history]\nkeep_runs = 1\n');
  expect(await logs()).toEqual([log]);
  expect((await readdir(directory)).filter((name) => name.startsWith('metrics_'))).toHaveLength(1);
});

test('by default a year and two thousand runs', () => {
  expect(historyModel.parse({})).toEqual({ keep_days: 365, keep_runs: 2000 });
});
