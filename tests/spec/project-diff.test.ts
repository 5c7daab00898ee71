import { expect, test } from 'vitest';
import type { RawSheet, Table } from '../../engine/spec/project.ts';
import { type ComparedProject, diffProjects, isSame } from '../../engine/spec/project-diff.ts';

function sheet(name: string, rows: Record<string, string>[]): RawSheet {
  const headers = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return {
    name,
    headerRow: 1,
    headers,
    rows: rows.map((row, at) => ({ row: at + 2, cells: headers.map((header) => row[header] ?? '') })),
  };
}

function project(
  jobs: Record<string, string>[],
  config: Table = {},
  settings: Record<string, string>[] = [],
): ComparedProject {
  return { jobs: sheet('SourceConfig', jobs), checks: null, settings: sheet('Pipeline', settings), config };
}

const orders = { source_type: 'api', source_name: 'shop', table_name: 'orders', load_type: 'FULL', enabled: 'Y' };

test('what means the same is the same: flags, words, lists, order of rows and columns', () => {
  const before = project([orders, { ...orders, table_name: 'items', primary_key: 'a, b' }]);
  const after = project([
    {
      enabled: 'yes',
      table_name: 'items',
      source_name: 'shop',
      source_type: 'API',
      'Load Type': 'full',
      primary_key: 'a,b',
    },
    { ...orders, enabled: 'true' },
  ]);
  expect(diffProjects(before, after)).toEqual({ added: [], removed: [], changed: [] });
  expect(isSame(diffProjects(before, before))).toBe(true);
});

test('a renamed row is one job that changed, others are new or gone', () => {
  const before = project([orders, { ...orders, table_name: 'a', filter: 'x', page_size: '1', api_endpoint: '/a' }]);
  const after = project([
    { ...orders, table_name: 'sales' },
    { ...orders, table_name: 'b', filter: 'y', page_size: '2', api_endpoint: '/b' },
  ]);
  expect(diffProjects(before, after)).toEqual({
    added: [{ kind: 'job', name: 'shop.b' }],
    removed: [{ kind: 'job', name: 'shop.a' }],
    changed: [
      { kind: 'job', name: 'shop.orders', cells: [{ column: 'table_name', before: 'orders', after: 'sales' }] },
    ],
  });
});

test('doubled names, settings, connections and destinations are compared; secrets never appear', () => {
  const before = project(
    [orders, orders],
    {
      sources: { shop: { base_url: 'https://u:pass-one@a.example', token: 'secret-one' }, old: { host: 'x' } },
      destination: { duckdb: { path: 'a' } },
    },
    [{ key: 'max_workers', value: '5' }],
  );
  const after = project(
    [orders, { ...orders, load_type: 'INCREMENTAL' }],
    {
      sources: { shop: { base_url: 'https://u:pass-two@b.example', token: 'secret-two' } },
      destination: { duckdb: { path: 'b' } },
    },
    [{ key: 'max_workers', value: '8' }],
  );
  const difference = diffProjects(before, after);
  expect(difference).toEqual({
    added: [],
    removed: [{ kind: 'connection', name: 'old' }],
    changed: [
      { kind: 'job', name: 'shop.orders (2)', cells: [{ column: 'load_type', before: 'FULL', after: 'INCREMENTAL' }] },
      { kind: 'setting', name: 'max_workers', cells: [{ column: 'value', before: '5', after: '8' }] },
      {
        kind: 'connection',
        name: 'shop',
        cells: [{ column: 'base_url', before: 'https://u:***@a.example', after: 'https://u:***@b.example' }],
      },
      { kind: 'destination', name: 'duckdb', cells: [{ column: 'path', before: 'a', after: 'b' }] },
    ],
  });
  expect(JSON.stringify(difference)).not.toMatch(/pass-|secret-/);
});
