import { describe, expect, test } from 'vitest';
import { validateProject } from '../../../engine/spec/validate-project.ts';
import { globsMeet } from '../../../renderer/screens/discover/globs-meet.ts';
import { jobCells, jobsOf, propose, withChoice } from '../../../renderer/screens/discover/job-proposal.ts';
import { countText, tickedState, toggled, treeLines } from '../../../renderer/screens/discover/object-tree.ts';
import { bytesText } from '../../../renderer/ui/number-text.ts';

type DiscoveredObject = Parameters<typeof propose>[0];

const table = (over: Partial<DiscoveredObject> = {}): DiscoveredObject => ({
  schema: 'shop',
  name: 'orders',
  kind: 'table',
  rowEstimate: 1_000_000,
  bytes: 1,
  comment: null,
  columns: [{ name: 'id', sourceType: 'int', nullable: false, comment: null }],
  primaryKey: ['id'],
  watermarkSuggestions: [{ column: 'updated_at', reason: 'time of the last change, indexed' }],
  ...over,
});
const growing = [{ column: 'id', reason: 'growing number: later changes of a row are not seen, indexed' }];

describe('what is proposed', () => {
  test.each([
    ['a change time and a key', {}, 'INCREMENTAL', 'updated_at'],
    ['nothing that grows', { watermarkSuggestions: [] }, 'FULL', ''],
    ['changes without a key would double rows', { primaryKey: [] }, 'FULL', ''],
    ['a small table whose changes would be missed', { rowEstimate: 500, watermarkSuggestions: growing }, 'FULL', ''],
    ['a large one of events', { watermarkSuggestions: growing, primaryKey: [] }, 'INCREMENTAL', 'id'],
    [
      'files by their folder',
      { kind: 'file_group', primaryKey: [], watermarkSuggestions: [{ column: 'folder_date', reason: 'x' }] },
      'INCREMENTAL',
      'folder_date',
    ],
  ] as const)('%s', (_what, over, load_type, watermark) => {
    const proposal = propose(table(over as Partial<DiscoveredObject>));
    expect(proposal).toMatchObject({ load_type, watermark });
    expect(proposal.reason).not.toBe('');
  });

  test('a choice wins, and a full load has no watermark', () => {
    const object = table();
    expect(withChoice(propose(object), { load_type: 'FULL' }, object)).toMatchObject({
      load_type: 'FULL',
      watermark: '',
    });
    const full = table({ primaryKey: [] });
    expect(withChoice(propose(full), { load_type: 'INCREMENTAL' }, full)).toMatchObject({ watermark: 'updated_at' });
  });
});

/** Rows that are made here are rows that a run takes. */
test.each([
  ['plain', table(), { schema_name: 'shop', table_name: 'orders', watermark_column: 'updated_at', primary_key: 'id' }],
  ['any letters', table({ name: 'Größe & "Preis" 2026' }), { source_object: 'Größe & "Preis" 2026' }],
  ['a number first', table({ name: '2026' }), { source_object: '2026' }],
  ['with a dot', table({ name: 'a.b' }), { table_name: 'a_b', source_object: 'a.b' }],
  ['nothing that a name may hold', table({ name: '価格' }), { source_object: '価格' }],
])('cells of a table: %s', (_what, object, expected) => {
  const cells = jobCells(object, propose(object), { type: 'postgresql', name: 'shop' }, new Set());
  expect(cells).toMatchObject(expected);
  const headers = Object.keys(cells);
  const { findings, project } = validateProject(
    {
      jobs: { name: 'SourceConfig', headerRow: 1, headers, rows: [{ row: 2, cells: Object.values(cells) }] },
      checks: null,
      settings: null,
      config: {
        sources: { shop: { type: 'postgresql', host: 'h', database: 'd', username: 'u' } },
        destination: { duckdb: { path: 'x.duckdb' } },
      },
      secretPaths: new Set(),
      deferredPaths: new Set(),
    },
    { secrets: false },
  );
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(project.jobs).toHaveLength(1);
});

test('cells of files: glob, format, how new ones are told, and a name of their own', () => {
  const files = table({
    schema: null,
    kind: 'file_group',
    name: 'sales/eu/**/*.csv.gz',
    columns: [],
    primaryKey: [],
    watermarkSuggestions: [{ column: 'file_modified', reason: 'x' }],
  });
  const cells = jobCells(files, propose(files), { type: 'filesystem', name: 'files' }, new Set(['sales_eu']));
  expect(cells).toMatchObject({
    table_name: 'sales_eu_2',
    file_glob: 'sales/eu/**/*.csv.gz',
    file_format: 'csv',
    incremental_mode: 'file_modified',
    load_type: 'INCREMENTAL',
  });
  expect(cells).not.toHaveProperty('watermark_column');
  expect(
    jobsOf(files, [
      { rowId: 'r1', schema_name: '', table_name: 'x', source_object: '', file_glob: 'sales/eu/**/*.csv.gz' },
    ]),
  ).toEqual(['r1']);
});

test('a table that is a job is known by schema and exact name', () => {
  const job = {
    rowId: 'r1',
    schema_name: 'Shop',
    table_name: 'price_list',
    source_object: 'Price list',
    file_glob: '',
  };
  expect(jobsOf(table({ name: 'Price list' }), [job])).toEqual(['r1']);
  expect(jobsOf(table({ name: 'price_list' }), [job])).toEqual([]);
  expect(
    jobsOf(table({ schema: 'public', name: 'a' }), [{ ...job, schema_name: '', table_name: 'a', source_object: '' }]),
  ).toEqual(['r1']);
});

test.each([
  ['stores.csv', '*.csv', true],
  ['tickets/*.jsonl*', 'tickets/*.jsonl.gz', true],
  ['sales/**/*.csv', 'sales/2026-01-01/*.csv', true],
  ['./sales\\*.csv', 'sales/*.csv', true],
  ['**/*.{csv,csv.gz}', 'a/b/*.csv.gz', true],
  ['day-[0-9].csv', 'day-?.csv', true],
  ['**', 'any/thing', true],
  ['sales/*.csv', 'sales/**/*.csv', true],
  ['sales/*.csv', 'stores/*.csv', false],
  ['**/*.csv', 'a/*.parquet', false],
  ['*.csv', 'sales/*.csv', false],
  ['', '*.csv', false],
])('%s and %s read the same files: %s', (one, other, expected) => {
  expect(globsMeet(one, other)).toBe(expected);
  expect(globsMeet(other, one)).toBe(expected);
});

test('the tree groups by schema, finds by either name, and ticks in three states', () => {
  const objects = [table(), table({ name: 'lines' }), table({ schema: 'hr', name: 'people' })];
  const names = (search: string, closed: string[] = []) =>
    treeLines(objects, search, new Set(closed)).map((line) =>
      line.kind === 'group' ? `[${line.name}]` : line.object.name,
    );
  expect(names('')).toEqual(['[hr]', 'people', '[shop]', 'lines', 'orders']);
  expect(names('', ['shop'])).toEqual(['[hr]', 'people', '[shop]']);
  expect(names('LIN', ['shop'])).toEqual(['[shop]', 'lines']);
  expect(names('hr')).toEqual(['[hr]', 'people']);
  const one = toggled([objects[0]!], new Set());
  expect(tickedState(objects, one)).toBeNull();
  const all = toggled(objects, one);
  expect(tickedState(objects, all)).toBe(true);
  expect(tickedState(objects, toggled(objects, all))).toBe(false);
});

test('counts and sizes are short', () => {
  expect([null, 0, 999, 1000, 38_400, 999_600, 2_310_000].map(countText)).toEqual([
    '',
    '0',
    '999',
    '1 k',
    '38.4 k',
    '1 M',
    '2.3 M',
  ]);
  expect([0, 12, 1000, 16_384, 5e9].map(bytesText)).toEqual(['0 B', '12 B', '1.0 kB', '16.4 kB', '5.0 GB']);
});
