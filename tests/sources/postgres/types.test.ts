import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPostgresSource } from '../../../engine/sources/postgres/postgres-source.ts';
import { type PostgresServer, startPostgres } from '../../helpers/postgres-server.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { rowsInZone, ZONES } from '../rows-in-zone.ts';

let server: PostgresServer;
let bench: ReadBench;

// Neither the server's nor this process's time zone may show in a value.
process.env.TZ = 'Europe/Berlin';

beforeAll(async () => {
  server = await startPostgres({ settings: { timezone: 'Europe/Berlin' } });
  bench = await ReadBench.open();
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await server.stop();
});

/** DuckDB's text of a value as PostgreSQL would write it. */
type Rewrite = (text: string) => string;
const same: Rewrite = (text) => text;
const bc: Rewrite = (text) => (text.includes(' (BC)') ? `${text.replace(' (BC)', '')} BC` : text);

interface TypeCase {
  type: string;
  values: string[];
  /** DuckDB type of the segment's column. */
  segment: string;
  /** How the server is asked for its text; `c` is the column. */
  server?: string;
  rewrite?: Rewrite;
}

const digits = (count: number, digit = '9') => digit.repeat(count);
const TYPES: TypeCase[] = [
  { type: 'boolean', values: ['true', 'false'], segment: 'BOOLEAN', server: 'c::text' },
  { type: 'smallint', values: ['-32768', '-1', '0', '32767'], segment: 'SMALLINT' },
  { type: 'integer', values: ['-2147483648', '-1', '0', '2147483647'], segment: 'INTEGER' },
  {
    type: 'bigint',
    values: ['-9223372036854775808', '-4294967297', '-1', '0', '9007199254740993', '9223372036854775807'],
    segment: 'BIGINT',
  },
  { type: 'oid', values: ['0', '4294967295'], segment: 'BIGINT' },
  { type: 'numeric(4,2)', values: ['99.99', '-99.99', '0.01', '0', '-0.10', '10'], segment: 'DECIMAL(4,2)' },
  { type: 'numeric(9,0)', values: [digits(9), `-${digits(9)}`, '10000', '100000000'], segment: 'DECIMAL(9,0)' },
  { type: 'numeric(12,3)', values: ['123456789.123', '-0.001', '10000.5', '99990000'], segment: 'DECIMAL(12,3)' },
  {
    type: 'numeric(18,6)',
    values: [
      '999999999999.999999',
      '-999999999999.999999',
      '0.000001',
      '-0.000001',
      '100000000000',
      '1.5',
      '9007199254.740993',
    ],
    segment: 'DECIMAL(18,6)',
  },
  {
    type: 'numeric(38,0)',
    values: [
      digits(38),
      `-${digits(38)}`,
      '-1',
      '18446744073709551616',
      '-18446744073709551616',
      '4294967296',
      `1${'0'.repeat(37)}`,
    ],
    segment: 'DECIMAL(38,0)',
  },
  {
    type: 'numeric(38,37)',
    values: [`9.${digits(37)}`, `-9.${digits(37)}`, `0.${'0'.repeat(36)}1`],
    segment: 'DECIMAL(38,37)',
  },
  {
    type: 'numeric(38,19)',
    values: [`${digits(19)}.${digits(19)}`, `-0.${'0'.repeat(18)}1`, '-1'],
    segment: 'DECIMAL(38,19)',
  },
  { type: 'numeric(3,-2)', values: ['99900', '-12300', '0'], segment: 'DECIMAL(5,0)' },
  {
    type: 'numeric(2,4)',
    values: ['0.0099', '-0.0001'],
    segment: 'DECIMAL(4,4)',
    rewrite: (text) => text.replace('.', '0.'),
  },
  { type: 'numeric(45,5)', values: ['123.45678', `-${digits(33)}.99999`], segment: 'DECIMAL(38,5)' },
  {
    type: 'numeric',
    values: ['123.456', '-0.000000001', `${digits(29)}.${digits(9)}`, '0', '1e-9', '5000000000'],
    segment: 'DECIMAL(38,9)',
    server: 'trim_scale(c)::text',
    rewrite: (text) =>
      text.replace(/\.?0+$/, (zeros) =>
        zeros.startsWith('.') ? '' : zeros.includes('.') ? '' : zeros.replace(/0+$/, ''),
      ),
  },
  {
    type: 'real',
    values: ['0', '-0', '1.5', '3.4028235e38', '1e-45', 'NaN', 'Infinity', '-Infinity'],
    segment: 'FLOAT',
    server: "encode(float4send(c), 'hex')",
    rewrite: floatHex(4),
  },
  {
    type: 'double precision',
    values: [
      '0',
      '-0',
      '0.1',
      '1.7976931348623157e308',
      '5e-324',
      'NaN',
      'Infinity',
      '-Infinity',
      '123456789.123456789',
    ],
    segment: 'DOUBLE',
    server: "encode(float8send(c), 'hex')",
    rewrite: floatHex(8),
  },
  {
    type: 'date',
    values: [
      '4713-01-01 BC',
      '0044-03-15 BC',
      '0001-01-01',
      '1970-01-01',
      '1999-12-31',
      '2000-01-01',
      '2024-02-29',
      '9999-12-31',
      '12345-06-07',
      '5874897-12-31',
      'infinity',
      '-infinity',
    ],
    segment: 'DATE',
    rewrite: bc,
  },
  { type: 'time', values: ['00:00:00', '12:34:56.789012', '23:59:59.999999', '24:00:00'], segment: 'TIME' },
  {
    type: 'timestamp',
    values: [
      '4713-01-01 00:00:00 BC',
      '0044-03-15 12:00:00.000001 BC',
      '0001-01-01 00:00:00',
      '1969-12-31 23:59:59.999999',
      '1970-01-01 00:00:00',
      '2000-01-01 00:00:00',
      '2024-10-27 02:30:00.123456',
      '9999-12-31 23:59:59.999999',
      '294247-01-10 04:00:54.775806',
      'infinity',
      '-infinity',
    ],
    segment: 'TIMESTAMP',
    rewrite: bc,
  },
  {
    type: 'timestamptz',
    values: [
      '4713-01-02 00:00:00+00 BC',
      '1970-01-01 00:00:00+00',
      '2024-10-27 02:30:00.123456+02',
      '2024-10-27 02:30:00.123456+01',
      '2024-03-31 03:00:00+02',
      '9999-12-31 23:59:59.999999+00',
      'infinity',
      '-infinity',
    ],
    segment: 'TIMESTAMP WITH TIME ZONE',
    server:
      "(SELECT CASE WHEN isfinite(c) THEN to_char(c AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || coalesce(rtrim('.' || nullif(to_char(c AT TIME ZONE 'UTC', 'US'), '000000'), '0'), '') || '+00' || CASE WHEN c < '0001-01-01 00:00+00' THEN ' BC' ELSE '' END ELSE c::text END)",
    rewrite: bc,
  },
  {
    type: 'interval',
    values: [
      '1 year 2 months 3 days 04:05:06.789012',
      '-1 year -2 mons +3 days -04:05:06',
      '0',
      '178000000 years',
      '-178000000 years',
      '106751991 days 04:00:54.775807',
    ],
    segment: 'INTERVAL',
    server:
      "(extract(year from c) * 12 + extract(month from c))::bigint || ' ' || extract(day from c)::bigint || ' ' || ((extract(hour from c) * 3600 + extract(minute from c) * 60 + extract(second from c)) * 1000000)::bigint",
    rewrite: same,
  },
  {
    type: 'uuid',
    values: [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '7fffffff-ffff-ffff-8000-000000000001',
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    ],
    segment: 'UUID',
  },
  {
    type: 'text',
    values: [
      '',
      ' ',
      'twelve bytes',
      'thirteen byte',
      'Grüße 😀',
      '\t\n\\N"\'',
      '😀'.repeat(3),
      'x'.repeat(100_000),
      'NULL',
    ],
    segment: 'VARCHAR',
  },
  { type: 'varchar(20)', values: ['', 'Zürich', '😀😀😀😀😀'], segment: 'VARCHAR' },
  { type: 'char(5)', values: ['ab', ''], segment: 'VARCHAR', server: 'rpad(c::text, 5)' },
  { type: '"char"', values: ['a', ''], segment: 'VARCHAR' },
  { type: 'name', values: ['a name'], segment: 'VARCHAR' },
  {
    type: 'bytea',
    values: ['', '\\x00', '\\x00ff7f80', `\\x${'ab'.repeat(5000)}`],
    segment: 'BLOB',
    server: "encode(c, 'hex')",
    rewrite: same,
  },
  {
    type: 'json',
    values: ['{"b": 1, "a":2, "a":3}', '[]', '"text"', 'null', '12345678901234567890.123456789'],
    segment: 'JSON',
  },
  {
    type: 'jsonb',
    values: ['{"b": 1, "a": [1, 2.50, "x"]}', '[]', '"Grüße"', 'null', '12345678901234567890.123456789'],
    segment: 'JSON',
  },
  { type: 'timetz', values: ['12:34:56.789012+05:30', '24:00:00-12'], segment: 'VARCHAR' },
  { type: 'money', values: ['1234.56', '-0.01'], segment: 'VARCHAR' },
  { type: 'bit(5)', values: ['10101'], segment: 'VARCHAR' },
  { type: 'bit varying', values: ['', '1011'], segment: 'VARCHAR' },
  { type: 'inet', values: ['192.168.0.1/24', '::1'], segment: 'VARCHAR' },
  { type: 'cidr', values: ['10.0.0.0/8'], segment: 'VARCHAR' },
  { type: 'macaddr', values: ['08:00:2b:01:02:03'], segment: 'VARCHAR' },
  { type: 'xml', values: ['<a>ü</a>'], segment: 'VARCHAR' },
  { type: 'tsvector', values: ["'fat':2 'rat':3"], segment: 'VARCHAR' },
  { type: 'tsquery', values: ["'fat' & 'rat'"], segment: 'VARCHAR' },
  { type: 'point', values: ['(1.5,2)'], segment: 'VARCHAR' },
  { type: 'polygon', values: ['((0,0),(1,1),(1,0))'], segment: 'VARCHAR' },
  { type: 'int4range', values: ['[1,10)', 'empty'], segment: 'VARCHAR' },
  { type: 'nummultirange', values: ['{[1.5,2.5],(10,)}'], segment: 'VARCHAR' },
  { type: 'pg_lsn', values: ['16/B374D848'], segment: 'VARCHAR' },
  { type: 'mood', values: ['sad', 'over the moon 😀'], segment: 'VARCHAR' },
  { type: 'address', values: ['("Main St, 1",12345)', '(,)'], segment: 'VARCHAR' },
  { type: 'positive', values: ['0.01', '99999999.99'], segment: 'DECIMAL(10,2)' },
  { type: 'very_positive', values: ['5.00'], segment: 'DECIMAL(10,2)' },
  { type: 'integer[]', values: ['{}', '{1,NULL,3}', '{{1,2},{3,4}}'], segment: 'JSON', server: 'to_json(c)::text' },
  { type: 'text[]', values: ['{"a,b",NULL,"",😀}'], segment: 'JSON', server: 'to_json(c)::text' },
  { type: 'int2vector', values: ['1 2 3'], segment: 'JSON', server: 'to_json(c)::text' },
  { type: 'numeric(10,2)[]', values: ['{1.50,12345678.90}'], segment: 'JSON', server: 'to_json(c)::text' },
  { type: 'address[]', values: ['{"(a,1)","(b,2)"}'], segment: 'JSON', server: 'to_json(c)::text' },
];

/** The bytes of a float from DuckDB's shortest text. */
function floatHex(bytes: 4 | 8): Rewrite {
  return (text) => {
    const value =
      text === 'inf'
        ? Number.POSITIVE_INFINITY
        : text === '-inf'
          ? Number.NEGATIVE_INFINITY
          : text === 'nan'
            ? Number.NaN
            : Number(text);
    const buffer = Buffer.alloc(bytes);
    if (bytes === 4) buffer.writeFloatBE(value);
    else buffer.writeDoubleBE(value);
    return buffer.toString('hex');
  };
}

test('every type at its extremes arrives as the server itself writes it', async () => {
  await server.query(`CREATE TYPE mood AS ENUM ('sad', 'over the moon 😀');
    CREATE TYPE address AS (street text, zip int);
    CREATE DOMAIN positive AS numeric(10,2) CHECK (VALUE > 0);
    CREATE DOMAIN very_positive AS positive CHECK (VALUE > 1)`);
  const rows = Math.max(...TYPES.map(({ values }) => values.length)) + 1;
  const list = TYPES.map(({ type }, index) => `"c${index}" ${type}`).join(', ');
  await server.query(`CREATE TABLE every_type (row_number int, ${list})`);
  for (let row = 0; row < rows; row += 1) {
    // The last row is NULL throughout, and so is what a type has no further value for.
    const values = TYPES.map(({ values }) => values[row] ?? null);
    const marks = TYPES.map(({ type }, index) => `$${index + 2}::text::${type === 'json' ? 'json' : type}`);
    await server.query(`INSERT INTO every_type VALUES ($1, ${marks.join(', ')})`, [row, ...values]);
  }
  const source = createPostgresSource(server.connection());
  const result = await bench.read(source, request({ table_name: 'every_type' }));
  expect(result.columns.slice(1).map(({ segmentType }, index) => `${TYPES[index]?.type}: ${segmentType}`)).toEqual(
    TYPES.map(({ type, segment }) => `${type}: ${segment}`),
  );
  await server.query("SET IntervalStyle = 'postgres'");
  const expressions = TYPES.map(
    ({ server: text }, index) => `${(text ?? 'c::text').replaceAll(/\bc\b/g, `"c${index}"`)} AS "c${index}"`,
  );
  const expected = await server.query<Record<string, string | null>>(
    `SELECT ${expressions.join(', ')} FROM every_type ORDER BY row_number`,
  );
  expect(result.rows).toHaveLength(rows);
  const read = await readTexts(source);
  for (const [index, { type, rewrite = same }] of TYPES.entries()) {
    const column = `c${index}`;
    const got = read.map((row) => (row[column] == null ? null : rewrite(row[column])));
    expect.soft([type, ...got], type).toEqual([type, ...expected.map((row) => row[column])]);
  }
});

test.each(ZONES)('TZ=%s changes nothing', async (zone) => {
  const here = await bench.read(createPostgresSource(server.connection()), request({ table_name: 'every_type' }));
  const there = await rowsInZone(zone, server.connection(), { table_name: 'every_type' });
  expect(there).toEqual(here.rows);
});

/** The rows in order; blobs as hexadecimal text and intervals as their three numbers, which have one text each. */
async function readTexts(source: ReturnType<typeof createPostgresSource>): Promise<Record<string, string | null>[]> {
  const connection = await bench.workspace.connect();
  const rows: Record<string, string | null>[] = [];
  for await (const segment of source.read(request({ table_name: 'every_type' }), bench.context())) {
    const list = segment.columns.map(({ name, segmentType }) => {
      if (segmentType === 'BLOB') return `lower(hex(${name})) AS ${name}`;
      if (segmentType !== 'INTERVAL') return `CAST(${name} AS VARCHAR) AS ${name}`;
      const micros = `(${name} - to_months(datepart('year', ${name})::INT * 12 + datepart('month', ${name})::INT) - to_days(datepart('day', ${name})::INT))`;
      return `(datepart('year', ${name}) * 12 + datepart('month', ${name})) || ' ' || datepart('day', ${name}) || ' ' || epoch_us(${micros}) AS ${name}`;
    });
    rows.push(
      ...(await connection.rows<Record<string, string | null>>(`SELECT ${list.join(', ')} FROM ${segment.from}`)),
    );
    await segment.release();
  }
  connection.close();
  return rows;
}
