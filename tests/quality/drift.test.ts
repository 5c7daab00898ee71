import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { goneColumns } from '../../engine/runs/schema-record.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

async function run(folder: string, contract: string, csv: string) {
  await writeProject(folder, {
    jobs: [
      {
        source_type: 'filesystem',
        source_name: 'files',
        table_name: 'orders',
        load_type: 'FULL',
        file_format: 'csv',
        file_glob: '*.csv',
        enabled: 'Y',
        schema_contract: contract,
        write_disposition: 'append',
      },
    ],
    config:
      '[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n',
  });
  await rm(path.join(folder, 'data'), { recursive: true, force: true });
  await mkdir(path.join(folder, 'data'));
  await writeFile(path.join(folder, 'data', 'orders.csv'), csv);
  const opened = await openProject(folder, { environment: {} });
  const lines: string[] = [];
  const { metrics } = await runProject(opened, {
    selectors: [],
    signal: new AbortController().signal,
    onEvent: (event) => {
      if (event.type === 'job_schema_change') lines.push(`${event.level} ${event.change}`);
    },
  });
  return { job: metrics.jobs[0]!, lines };
}

it.each([
  ['evolve', ['column color VARCHAR added (schema_contract evolve)']],
  ['discard_value', ['new column color VARCHAR left out (schema_contract discard_value)']],
  [
    'discard_row',
    ['new column color VARCHAR not taken, with the rows that have a value (schema_contract discard_row)'],
  ],
])(
  '%s: what a source changes is told with the decision of the contract, and what landed is recorded',
  async (contract, changes) => {
    await using folder = await temporaryFolder();
    const first = await run(folder.path, 'evolve', 'id,name\n1,a\n');
    expect(first.job.schema).toEqual([
      {
        table: 'orders',
        columns: [
          { name: 'id', type: 'BIGINT' },
          { name: 'name', type: 'VARCHAR' },
          { name: '_dlt_load_id', type: 'VARCHAR' },
          { name: '_dlt_id', type: 'VARCHAR' },
        ],
      },
    ]);
    expect(first.lines).toEqual(['INFO orders: created with 4 columns']);
    const second = await run(folder.path, contract, 'id,name,color\n2,b,red\n');
    expect(second.job.schema_changes).toEqual(changes.map((change) => `orders: ${change}`));
    expect(second.lines).toEqual(changes.map((change) => `WARNING orders: ${change}`));
  },
);

it('a column that went is told once, and freeze fails with the column and the contract', async () => {
  await using folder = await temporaryFolder();
  await run(folder.path, 'evolve', 'id,name\n1,a\n');
  const gone = 'orders: column name is gone from the source; new rows have null there';
  expect((await run(folder.path, 'evolve', 'id\n2\n')).job.schema_changes).toEqual([gone]);
  expect((await run(folder.path, 'evolve', 'id\n3\n')).job.schema_changes).toEqual([]);
  const { job } = await run(folder.path, 'freeze', 'id,color\n4,red\n');
  expect(job.error).toMatchObject({
    code: 'SCHEMA_FROZEN',
    message: expect.stringContaining('schema_contract is freeze'),
  });
});

it('tables that a load did not bring are not gone', () => {
  const column = { name: 'a', type: 'VARCHAR' };
  expect(goneColumns([{ table: 'orders__lines', columns: [column] }], [{ table: 'orders', columns: [] }])).toEqual([]);
});
