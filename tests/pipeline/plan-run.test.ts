import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { type PlanRequest, ProjectInvalidError, planRun } from '../../engine/pipeline/plan-run.ts';
import { type ProjectTexts, writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const job = (table: string, rest: Record<string, string> = {}) => ({
  source_type: 'filesystem',
  source_name: 'files',
  table_name: table,
  load_type: 'FULL',
  enabled: 'Y',
  tags: '',
  ...rest,
});
const config =
  '[sources.files]\nbucket_url = "data"\n[destinations.a]\ntype = "duckdb"\n[destinations.b]\ntype = "duckdb"\npath = "b.duckdb"\n';

async function plan(texts: Partial<ProjectTexts>, request: Partial<PlanRequest> = {}) {
  await using folder = await temporaryFolder();
  await writeProject(folder.path, { jobs: [job('one')], config, settings: { destination: 'a' }, ...texts });
  return planRun(await openProject(folder.path, { environment: {} }), { selectors: [], ...request });
}

test('all enabled jobs, one at a time, into the destination of the Pipeline sheet', async () => {
  const made = await plan({ jobs: [job('one'), job('two', { enabled: 'N' }), job('three')] });
  expect(made.jobs.map((planned) => planned.table_name)).toEqual(['one', 'three']);
  expect(made).toMatchObject({ workers: 1, stopOnError: false, skipped: [], destination: { name: 'a' } });
});

test('what the command line asks for comes first', async () => {
  const jobs = [job('one'), job('two', { tags: 'daily' })];
  const made = await plan(
    { jobs, settings: { destination: 'a', max_workers: 7 } },
    { selectors: ['tag:daily', 'one'], destination: 'b', parallel: true },
  );
  expect(made).toMatchObject({ destination: { name: 'b' }, workers: 2 });
  expect(made.jobs.map((planned) => planned.table_name)).toEqual(['one', 'two']);
});

test('an error in a selected row stops the run with what is wrong; one in another row does not', async () => {
  const jobs = [job('one'), job('two', { load_type: 'FULLY' })];
  const refused = await plan({ jobs }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ProjectInvalidError);
  expect((refused as ProjectInvalidError).findings.map((finding) => finding.message)).toEqual([
    expect.stringContaining('SourceConfig row 3, load_type "FULLY"'),
  ]);
  expect((await plan({ jobs }, { selectors: ['one'] })).jobs).toHaveLength(1);
  const spared = await plan({ jobs }, { skipInvalid: true });
  expect(spared.jobs).toHaveLength(1);
  expect(spared.skipped).toMatchObject([{ row: 3 }]);
});

test('a broken connection stops only the jobs that use it', async () => {
  const jobs = [job('one'), job('two', { source_type: 'postgresql', source_name: 'shop' })];
  const broken = `${config}[sources.shop]\nhost = "h"\nport = 99999\ndatabase = "d"\nusername = "u"\npassword = "secret"\n`;
  await expect(plan({ jobs, config: broken })).rejects.toBeInstanceOf(ProjectInvalidError);
  expect((await plan({ jobs, config: broken }, { selectors: ['one'] })).jobs).toHaveLength(1);
});

test.each([
  [{ selectors: ['twoo'] }, 'SELECTOR_UNKNOWN', 'Did you mean two?'],
  [{ selectors: ['two'] }, 'SELECTOR_DISABLED', 'enabled'],
  [{ destination: 'bb' }, 'DESTINATION_UNKNOWN', 'Did you mean b?'],
])('%j is refused with a hint', async (request, code, hint) => {
  const jobs = [job('one'), job('two', { enabled: 'N' })];
  await expect(plan({ jobs }, request)).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) });
});

test('a workbook that cannot be read is said first, whatever was selected', async () => {
  await using folder = await temporaryFolder();
  await writeProject(folder.path, { jobs: [job('one')], config });
  await writeFile(path.join(folder.path, 'ingestion_config.xlsx'), 'no zip');
  const project = await openProject(folder.path, { environment: {} });
  const refused = (() => {
    try {
      return planRun(project, { selectors: ['one'] });
    } catch (error) {
      return error;
    }
  })();
  expect((refused as ProjectInvalidError).findings.map(({ code }) => code)).toEqual([
    expect.stringMatching(/^WORKBOOK_/),
  ]);
});

test('nothing to run is an error, not a success', async () => {
  await expect(plan({ jobs: [job('one', { enabled: 'N' })] })).rejects.toMatchObject({ code: 'SELECTION_EMPTY' });
});

test('a destination that cannot be told is an error; --destination settles it', async () => {
  await expect(plan({ settings: { name: 'p' } })).rejects.toBeInstanceOf(ProjectInvalidError);
  expect(await plan({ settings: { name: 'p' } }, { destination: 'b' })).toMatchObject({ destination: { name: 'b' } });
});
