import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckBench } from './check-bench.ts';

let bench: CheckBench;
beforeAll(async () => {
  bench = await CheckBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const EMPTY = "SELECT * FROM (SELECT 1 AS id, TIMESTAMP '2026-01-01' AS moment) WHERE false";

describe('row_count', () => {
  it('is between its limits, both included', async () => {
    await bench.table('SELECT range AS id FROM range(1000)');
    const check = (min_rows: number, max_rows: number | null = null) =>
      bench.check({ type: 'row_count', min_rows, max_rows });
    expect(await check(1000, 1000)).toMatchObject({
      check_name: 'row_count_t',
      check_type: 'row_count',
      status: 'passed',
      severity: 'error',
      message: 'Row count: 1,000 (expected: 1,000 - 1,000)',
      actual_value: 1000,
      expected_value: 1000,
      threshold: 1000,
    });
    expect((await check(1001)).status).toBe('failed');
    expect(await check(0, 999)).toMatchObject({ status: 'failed', message: 'Row count: 1,000 (expected: 0 - 999)' });
    expect((await check(0)).message).toBe('Row count: 1,000 (expected: 0 - ∞)');
  });

  it('counts an empty table, and cannot be run without one: that is critical', async () => {
    await bench.table(EMPTY);
    expect(await bench.check({ type: 'row_count' })).toMatchObject({ status: 'passed', actual_value: 0 });
    const missing = await bench.check({ type: 'row_count', target_table: 'nowhere', severity: 'warning' });
    expect(missing).toMatchObject({ status: 'failed', severity: 'critical', actual_value: null });
    expect(missing.message).toBe(
      'The check could not be run: There is no table raw.nowhere in the destination. Run the job that loads it.',
    );
  });
});

describe('null_rate', () => {
  it('is met exactly at its threshold, by all and by no values', async () => {
    await bench.table('SELECT CASE WHEN range < 5 THEN NULL ELSE 1 END AS a, NULL::VARCHAR AS gone FROM range(100)');
    expect(await bench.check({ type: 'null_rate', column: 'a' })).toMatchObject({
      status: 'passed',
      severity: 'warning',
      actual_value: 0.05,
      threshold: 0.05,
      message: 'Null rate for a: 5.00% (max: 5.00%), 5 of 100 rows',
    });
    expect((await bench.check({ type: 'null_rate', column: 'a', max_null_rate: 0.049999 })).message).toContain(
      '5.0000% (max: 4.9999%)',
    );
    expect(await bench.check({ type: 'null_rate', column: 'gone', max_null_rate: 0.999 })).toMatchObject({
      status: 'failed',
      actual_value: 1,
    });
    await bench.table(EMPTY);
    expect(await bench.check({ type: 'null_rate', column: 'id', max_null_rate: 0 })).toMatchObject({
      status: 'passed',
      actual_value: 0,
    });
  });

  it('takes NaN for a value, and says that it met some', async () => {
    await bench.table("SELECT unnest([1.5, 'nan'::DOUBLE, 'nan'::DOUBLE, NULL]) AS a");
    const result = await bench.check({ type: 'null_rate', column: 'a', max_null_rate: 0.25 });
    expect(result).toMatchObject({ status: 'passed', actual_value: 0.25 });
    expect(result.message).toBe(
      'Null rate for a: 25.00% (max: 25.00%), 1 of 4 rows; 2 values are NaN, which is not null',
    );
  });

  it('fails as error where its column is not there, and says which was meant', async () => {
    await bench.table('SELECT 1 AS customer_id');
    const result = await bench.check({ type: 'null_rate', column: 'custmer_id' });
    expect(result).toMatchObject({ status: 'failed', severity: 'error' });
    expect(result.message).toContain('raw.t has no column custmer_id. Did you mean customer_id?');
  });
});

describe('uniqueness', () => {
  it('counts all duplicates and shows ten', async () => {
    await bench.table('SELECT (range // 2)::INTEGER AS id FROM range(24) UNION ALL SELECT 3 UNION ALL SELECT 99');
    const result = await bench.check({ type: 'uniqueness', columns: ['id'] });
    expect(result).toMatchObject({ status: 'failed', severity: 'error', actual_value: 12, expected_value: 0 });
    expect(result.message).toContain('12 keys are there more than once, in 25 rows: (3) × 3; (0) × 2;');
    expect(result.message.match(/×/g)).toHaveLength(10);
    expect(result.message).toMatch(/ and 2 more$/);
  });

  it('takes columns together, nulls and NaN for one value each', async () => {
    await bench.table("SELECT * FROM (VALUES (1, 'a'), (1, 'b'), (2, 'a')) v(id, line)");
    expect(await bench.check({ type: 'uniqueness', columns: ['id', 'line'] })).toMatchObject({
      status: 'passed',
      actual_value: 0,
    });
    await bench.table("SELECT unnest([NULL, NULL, 'nan'::DOUBLE, 'nan'::DOUBLE, 1]) AS id");
    const result = await bench.check({ type: 'uniqueness', columns: ['id'] });
    expect(result.actual_value).toBe(2);
    expect(result.message).toContain('(NULL) × 2');
    await bench.table(EMPTY);
    expect((await bench.check({ type: 'uniqueness', columns: ['id'] })).status).toBe('passed');
  });

  it('quotes whatever names hold', async () => {
    const name = 'or"der; DROP TABLE x --';
    await bench.table(`SELECT 1 AS "${name.replaceAll('"', '""')}", 2 AS "Größe ä"`, 'it\'s "a" table');
    const check = (columns: string[]) => bench.check({ type: 'uniqueness', columns, target_table: 'it\'s "a" table' });
    expect((await check([name, 'Größe ä'])).status).toBe('passed');
  });
});

describe('freshness', () => {
  it.each([
    ["TIMESTAMP '2026-01-31 12:00:00'", 'passed', 24],
    ["TIMESTAMP '2026-01-31 11:59:59.999999'", 'failed', 24],
    ["TIMESTAMPTZ '2026-02-01 13:00:00+02:00'", 'passed', 1],
    ["DATE '2026-01-31'", 'failed', 36],
    ["'2026-02-01T01:00:00+02:00'", 'passed', 13],
    ["'2026-01-31 12:00:00'", 'passed', 24],
  ])('%s is %s', async (value, status, hours) => {
    await bench.table(`SELECT ${value} AS moment UNION ALL SELECT NULL`);
    const result = await bench.check({ type: 'freshness', column: 'moment' });
    expect(result).toMatchObject({ status, severity: 'warning', threshold: 24 });
    expect(result.actual_value).toBeCloseTo(hours, 3);
  });

  it('of an empty table, or of none but nulls, has failed as a warning, whatever its severity', async () => {
    for (const table of [
      EMPTY,
      'SELECT NULL::TIMESTAMP AS moment',
      "SELECT 'infinity'::TIMESTAMP AS moment WHERE false",
    ]) {
      await bench.table(table);
      expect(await bench.check({ type: 'freshness', column: 'moment', severity: 'critical' })).toMatchObject({
        status: 'failed',
        severity: 'warning',
        message: 'No data found in raw.t',
      });
    }
  });

  it('leaves infinite moments out and says what is in the future', async () => {
    await bench.table("SELECT unnest(['infinity'::TIMESTAMP, TIMESTAMP '2026-02-01 14:00:00']) AS moment");
    const result = await bench.check({ type: 'freshness', column: 'moment' });
    expect(result).toMatchObject({ status: 'passed', actual_value: -2 });
    expect(result.message).toBe(
      'Data is from 2.0 hours in the future (max: 24 hours); newest 2026-02-01T14:00:00.000Z (UTC)',
    );
  });

  it('cannot be told from what holds no time', async () => {
    await bench.table("SELECT 1 AS id, 'soon' AS word");
    expect((await bench.check({ type: 'freshness', column: 'id' })).message).toContain('INTEGER, which holds no time');
    expect(await bench.check({ type: 'freshness', column: 'word' })).toMatchObject({
      status: 'failed',
      severity: 'error',
    });
  });
});

describe('custom_sql', () => {
  const check = (sql: string, expected_value: string | null = '0', more: object = {}) =>
    bench.check({ type: 'custom_sql', sql, expected_value, ...more });

  it('compares one value: numbers by value, null with null, the rest by letters', async () => {
    await bench.table("SELECT * FROM (VALUES (1, 'a', 1.50), (2, NULL, 2.25)) v(id, name, price)");
    const values: [string, string | null, string][] = [
      ['SELECT count(*) FROM {table} WHERE id < 0;', '0', 'passed'],
      ['SELECT sum(price) FROM {table} -- all of it', '3.750', 'passed'],
      ['SELECT 12345678901234567890123', '12345678901234567890124', 'failed'],
      ['SELECT max(name) FROM {table} WHERE id = 2', null, 'passed'],
      ['SELECT max(name) FROM {table}', null, 'failed'],
      ["SELECT 'nan'::DOUBLE", 'nan', 'passed'],
      ["SELECT 'nan'::DOUBLE", '0', 'failed'],
      ['SELECT count(*) > 1 FROM {table} AS t', 'TRUE', 'passed'],
      ["SELECT 'x'", 'X', 'failed'],
      ['WITH big AS (SELECT * FROM {table} WHERE id > 1) SELECT count(*) FROM big', '1', 'passed'],
      ['FROM {table} SELECT count(*)', '2', 'passed'],
    ];
    for (const [sql, expected, status] of values) {
      const result = await check(sql, expected);
      expect([sql, result.status, result.message]).toEqual([sql, status, expect.stringMatching(/^Custom check:/)]);
    }
    expect(await check('SELECT 1')).toMatchObject({
      severity: 'error',
      message: 'Custom check: 1 != 0',
      actual_value: '1',
      expected_value: '0',
    });
  });

  it('sees other tables of its schema by their bare names', async () => {
    await bench.table('SELECT 1 AS id');
    await bench.table('SELECT 1 AS id UNION ALL SELECT 7', 'customers');
    expect(
      await check('SELECT count(*) FROM customers c WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = c.id)', '1'),
    ).toMatchObject({ status: 'passed' });
  });

  it('needs one value: otherwise it could not be run, which is critical', async () => {
    await bench.table('SELECT unnest([1, 2]) AS id');
    for (const [sql, why] of [
      ['SELECT id FROM {table}', 'several rows'],
      ['SELECT 1, 2', '2 columns'],
      ['SELECT 1 WHERE false', 'no row'],
      ['SELECT nothing FROM {table}', 'nothing'],
      ['SELEC 1', 'syntax error'],
    ] as const) {
      const result = await check(sql);
      expect(result).toMatchObject({ status: 'failed', severity: 'critical' });
      expect(result.message).toContain(why);
    }
  });

  it('can do nothing but read tables', async () => {
    await bench.table('SELECT 1 AS id');
    await bench.table('SELECT 1 AS id', 'keep');
    await bench.connection.run('CREATE SEQUENCE raw.numbers');
    const csv = path.join(bench.folder, 'secret.csv');
    await writeFile(csv, 'password\nhunter2\n');
    const out = path.join(bench.folder, 'out');
    // A file whose name, taken apart, ends like a table's.
    await bench.table('SELECT 1 AS id', 'csv');
    const refused = [
      'DELETE FROM {table}',
      'DROP TABLE raw.keep',
      'INSERT INTO {table} VALUES (2)',
      'UPDATE {table} SET id = 2',
      'CREATE TABLE raw.x AS SELECT 1',
      `ATTACH '${out}.db' AS other`,
      `COPY {table} TO '${out}.csv'`,
      `COPY (SELECT 1) TO '${out}.csv'`,
      `EXPORT DATABASE '${out}'`,
      'PRAGMA database_list',
      'SET threads = 1',
      'INSTALL httpfs',
      'CALL pragma_version()',
      'SELECT 1; DROP TABLE raw.keep',
      'SELECT 1; SELECT 2',
      '1) AS answer; DROP TABLE raw.keep; SELECT (1',
      'SELECT 1) AS a UNION ALL SELECT * FROM (SELECT 1',
      `SELECT password FROM read_csv('${csv}')`,
      `SELECT password FROM '${csv}'`,
      `SELECT password FROM "${csv}"`,
      `WITH "${csv}" AS (SELECT * FROM "${csv}") SELECT password FROM "${csv}"`,
      `SELECT (SELECT password FROM '${csv}')`,
      `SELECT password FROM "${csv.replace(/\.csv$/, '')}".csv`,
      'SELECT id FROM raw.keep',
      `SELECT content FROM read_text('${csv}')`,
      `SELECT file FROM glob('${bench.folder}/*')`,
      "SELECT * FROM query('SELECT 1')",
      "SELECT * FROM query_table('keep')",
      'SELECT count(*) FROM duckdb_secrets()',
      'SELECT count(*) FROM duckdb_settings()',
      "SELECT current_setting('temp_directory')",
      "SELECT nextval('raw.numbers')",
      'SELECT count(*) FROM information_schema.tables',
      'SELECT count(*) FROM duckdb_tables',
      'SELECT count(*) FROM no_such_table',
      'SHOW TABLES',
      'DESCRIBE {table}',
      "SELECT write_log('x')",
    ];
    for (const sql of refused) {
      const result = await check(sql, 'hunter2');
      expect([sql, result.status, result.severity]).toEqual([sql, 'failed', 'critical']);
      expect(result.message).not.toContain('hunter2');
    }
    expect(await bench.connection.rows('SELECT id FROM raw.keep')).toEqual([{ id: 1 }]);
    expect((await readdir(bench.folder)).sort()).toEqual(['secret.csv', 'tmp']);
    expect(await bench.connection.rows("SELECT nextval('raw.numbers') AS n")).toEqual([{ n: '1' }]);
  });

  it('leaves the connection as it was after an error', async () => {
    await bench.table('SELECT 1 AS id');
    await check("SELECT error('stop')");
    expect((await check('SELECT count(*) FROM {table}', '1')).status).toBe('passed');
  });
});

describe('scope', () => {
  it('load looks at the rows of one load, or of the newest', async () => {
    await bench.table("SELECT * FROM (VALUES (1, '1.5'), (2, '2.5'), (3, '2.5')) v(id, _dlt_load_id)");
    const check = (load: Parameters<CheckBench['check']>[1]) => bench.check({ type: 'row_count', scope: 'load' }, load);
    expect((await check({ loadId: '1.5' })).actual_value).toBe(1);
    expect((await check('newest')).actual_value).toBe(2);
    expect(await check(null)).toMatchObject({ status: 'skipped', actual_value: null });
  });

  it('load needs to know which load a row is from', async () => {
    await bench.table('SELECT 1 AS id');
    const result = await bench.check({ type: 'row_count', scope: 'load' }, 'newest');
    expect(result.message).toContain('does not say which load');
  });

  it('load means nothing for reconcile, which is skipped', async () => {
    expect(await bench.check({ type: 'reconcile', scope: 'load' }, 'newest')).toMatchObject({ status: 'skipped' });
    await bench.table('SELECT 1 AS id');
    expect(await bench.check({ type: 'reconcile' })).toMatchObject({ status: 'skipped', severity: 'error' });
  });
});

it('a cancelled check is no failed one', async () => {
  await bench.table('SELECT 1 AS id');
  await expect(bench.check({ type: 'row_count' }, null, AbortSignal.abort())).rejects.toMatchObject({
    code: 'CANCELLED',
  });
});
