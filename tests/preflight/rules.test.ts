import { expect, test } from 'vitest';
import type { ExistingTable, FitFinding } from '../../engine/destinations/destination.ts';
import { isSafeWidening } from '../../engine/duckdb/widening.ts';
import { planTables } from '../../engine/pipeline/table-plan.ts';
import { fitColumns, fitColumnsOf } from '../../engine/preflight/column-fit.ts';
import { verdictOf } from '../../engine/preflight/preflight-report.ts';
import { lagFor, lagText, spanText } from '../../engine/preflight/words.ts';
import type { SchemaContract } from '../../engine/spec/kinds.ts';
import { parseLag } from '../../engine/spec/lag.ts';
import { suggestionsOf, withColumnType } from '../../renderer/screens/jobs/suggestions.ts';

const capabilities = { canWiden: isSafeWidening, maxIdentifierLength: 255, types: 'native' } as const;

interface Case {
  /** Landed types by source column. */
  columns: Record<string, string>;
  /** Live types by table and column. */
  live?: Record<string, Record<string, string>>;
  contract?: SchemaContract;
  replaces?: boolean;
  sparse?: boolean;
  checked?: FitFinding[];
}

function reported({ columns, live = {}, contract = 'evolve', replaces = false, sparse = false, checked }: Case) {
  const plan = planTables({
    job: 'shop.orders',
    table: 'orders',
    columns: Object.entries(columns).map(([name, type]) => ({
      name,
      sourceType: type,
      segmentType: type,
      landedType: type,
      nullable: true,
    })),
    unnest: true,
    maxNesting: 3,
    existing: [],
    contract: 'evolve',
    replaces: false,
    capabilities,
  });
  const existing: ExistingTable[] = Object.entries(live).map(([name, types]) => ({
    name,
    columns: Object.entries(types).map(([column, type]) => ({ name: column, type, nullable: true })),
  }));
  return fitColumns({ plan, existing, contract, replaces, capabilities, checked: checked ?? null, sparse });
}

test('a new list is a new table, or what the contract makes of it', () => {
  const change = { columns: { id: 'BIGINT', lines: 'STRUCT(sku VARCHAR)[]' }, live: { orders: { id: 'BIGINT' } } };
  const ofLines = (contract: SchemaContract) =>
    reported({ ...change, contract }).find(({ table }) => table !== 'orders');
  expect(ofLines('evolve')).toMatchObject({ table: 'orders__lines', column: 'sku', verdict: 'new', source: null });
  expect(ofLines('freeze')).toMatchObject({ verdict: 'fails', error: 'SCHEMA_FROZEN', suggestion: null });
  expect(ofLines('discard_value')).toMatchObject({ verdict: 'discarded' });
  expect(ofLines('discard_row')?.message).toContain('with the rows that have one');
});

test('a replace may change a type, values may decide, and each says so', () => {
  const live = { orders: { a: 'DATE', n: 'DOUBLE' } };
  const [retyped] = reported({ columns: { a: 'BOOLEAN', n: 'DOUBLE' }, live, replaces: true });
  expect(retyped).toMatchObject({ verdict: 'replaced', incoming: 'BOOLEAN', live: 'DATE' });
  const [, judged] = reported({ columns: { a: 'DATE', n: 'BIGINT' }, live, contract: 'freeze' });
  expect(judged).toMatchObject({ verdict: 'depends', suggestion: null });
  expect(judged?.message).toContain('is checked against DOUBLE');
});

test('suggestions speak of the source’s names, quoted where they must be, and of no types that a cell cannot hold', () => {
  const live = { orders: { order_id: 'DATE', a_b: 'DATE', nested__day: 'DATE', shape: 'MAP(VARCHAR, BIGINT)' } };
  const columns = { orderId: 'BOOLEAN', 'a,b': 'BOOLEAN', nested: 'STRUCT("day" BOOLEAN)', shape: 'DATE' };
  const found = reported({ columns, live });
  expect(found.map(({ verdict, suggestion }) => [verdict, suggestion?.entry ?? null])).toEqual([
    ['fails', 'orderId:date'],
    ['fails', '"a,b":date'],
    ['fails', null],
    ['fails', null],
  ]);
  expect(found[0]?.hint).toContain('`orderId:date`');
  expect(verdictOf(found, [])).toBe('fails');
});

test('what a destination predicts is taken, but for a contract that it does not know', () => {
  const finding: FitFinding = {
    table: 'orders',
    column: 'day',
    verdict: 'fails',
    incoming: 'BOOLEAN',
    live: 'DATE',
    error: 'DELTA_FAILED_TO_MERGE_FIELDS',
    message: 'no',
    hint: 'Keep the old type with column_types (day:date).',
    columnTypes: 'day:date',
  };
  const change = { columns: { Day: 'BOOLEAN' }, live: { orders: { day: 'DATE' } }, checked: [finding] };
  expect(reported(change)[0]).toMatchObject({
    error: 'DELTA_FAILED_TO_MERGE_FIELDS',
    hint: 'Keep the old type with column_types (Day:date).',
    suggestion: { cell: 'column_types', entry: 'Day:date' },
  });
  expect(reported({ ...change, contract: 'freeze' })[0]).toMatchObject({ verdict: 'fails', error: 'SCHEMA_FROZEN' });
  expect(reported({ ...change, contract: 'discard_value' })[0]).toMatchObject({ verdict: 'discarded' });
});

test('a column that went is told of tables, not of records', () => {
  const gone = { columns: { id: 'BIGINT' }, live: { orders: { id: 'BIGINT', old: 'DATE', _dlt_id: 'VARCHAR' } } };
  expect(reported(gone).map(({ column, verdict }) => [column, verdict])).toEqual([
    ['id', 'fits'],
    ['old', 'gone'],
  ]);
  expect(reported({ ...gone, sparse: true })).toHaveLength(1);
  expect(verdictOf(reported(gone), [])).toBe('attention');
  expect(verdictOf(reported({ ...gone, sparse: true }), [])).toBe('ready');
});

test('columns that the load adds are nobody’s business', () => {
  const plan = { root: { name: 'orders', parent: null, columns: [] }, children: [] };
  expect(fitColumnsOf(plan)).toEqual([]);
});

test.each([
  ['time', 1, '1m', '1 s'],
  ['time', 42 * 60, '1h', '42 min'],
  ['time', 3600, '1h', '60 min'],
  ['time', 3601, '2h', '61 min'],
  ['time', 20 * 86_400, '20d', '20 days'],
  ['date', 1, '1d', '1 s'],
  ['number', 1, '1', '1'],
  ['number', 51, '100', '51'],
  ['number', 1200, '2000', '1,200'],
] as const)('a %s that is %d late has lag %s and reads as %s', (scale, distance, lag, words) => {
  expect(lagFor(scale, distance)).toBe(lag);
  expect(spanText(scale, distance)).toBe(words);
  const parsed = parseLag(lag);
  expect(parsed?.kind).toBe(scale === 'number' ? 'number' : 'duration');
  // whatever is proposed covers the distance
  expect(Number(parsed?.kind === 'number' ? parsed.value : parsed?.seconds)).toBeGreaterThanOrEqual(distance);
  if (parsed) expect(lagText(parsed)).not.toBe('');
});

test('an entry of column_types takes the place of the column’s own, and leaves the others as they are', () => {
  expect(withColumnType('', 'id:bigint')).toBe('id:bigint');
  expect(withColumnType('id:text, amount:decimal(18,2)', 'id:bigint')).toBe('id:bigint, amount:decimal(18,2)');
  expect(withColumnType('amount:decimal(18,2)', '"a,b":date')).toBe('amount:decimal(18,2), "a,b":date');
  expect(withColumnType('"a,b":text', '"a,b":date')).toBe('"a,b":date');
});

test('what is proposed twice is proposed once, and what does not fail needs nothing', () => {
  const suggestion = { cell: 'lag', entry: '1h' } as const;
  const finding = { severity: 'warning', code: 'LATE_ROWS', message: '', hint: null, suggestion } as const;
  const columns = reported({ columns: { a: 'BOOLEAN', n: 'BIGINT' }, live: { orders: { a: 'DATE', n: 'BIGINT' } } });
  const report = { columns, findings: [finding, finding] } as unknown as Parameters<typeof suggestionsOf>[0];
  expect(suggestionsOf(report).map(({ entry }) => entry)).toEqual(['a:date', '1h']);
});
