import { expect, test } from 'vitest';
import {
  adaptDecimal,
  adaptOracleType,
  adaptPostgresType,
  adaptSqlServerType,
} from '../../engine/sources/type-adapters.ts';

const type = (name: string, precision: number | null = null, scale: number | null = null) => ({
  name,
  precision,
  scale,
});

test.each([
  [10, 2, 'DECIMAL(10,2)'],
  [5, -2, 'DECIMAL(7,0)'],
  [3, 5, 'DECIMAL(5,5)'],
  [38, 38, 'DECIMAL(38,38)'],
  [60, 10, 'DECIMAL(38,10)'],
  [60, 40, 'DECIMAL(38,9)'],
  [38, -5, 'DECIMAL(38,0)'],
])('a number of %i digits, %i of them decimals', (precision, scale, expected) => {
  expect(adaptDecimal(precision, scale)).toBe(expected);
});

test.each([
  [type('number', 18, 0), { landedType: 'BIGINT' }],
  [type('number', 19, 0), { landedType: 'DECIMAL(19,0)' }],
  [type('number', 12, 2), { landedType: 'DECIMAL(12,2)' }],
  [type('number', null, 0), { landedType: 'DECIMAL(38,0)' }],
  [type('number'), { landedType: 'DOUBLE', loss: 'unbounded_number_as_double' }],
  [type('date'), { landedType: 'TIMESTAMP' }],
  [type('timestamp', null, 9), { landedType: 'TIMESTAMP', loss: 'digits_beyond_microseconds' }],
  [type('timestamp', null, 6), { landedType: 'TIMESTAMP' }],
  [type('timestamp with time zone'), { landedType: 'TIMESTAMP WITH TIME ZONE', loss: 'offset_folded_into_utc' }],
  [type('varchar2'), { landedType: 'VARCHAR' }],
])('Oracle %o', (source, expected) => {
  expect(adaptOracleType(source, 'portable')).toEqual(expected);
});

test('numbers = double is the rule of the plan', () => {
  expect(adaptOracleType(type('number', 12, 2), 'portable', 'double')).toEqual({ landedType: 'DOUBLE' });
});

test.each([
  [type('time', null, 7), 'portable', { landedType: 'VARCHAR' }],
  [type('time', null, 7), 'native', { landedType: 'TIME', loss: 'digits_beyond_microseconds' }],
  [
    type('datetimeoffset', null, 7),
    'portable',
    { landedType: 'TIMESTAMP WITH TIME ZONE', loss: 'offset_folded_into_utc' },
  ],
  [type('datetime2', null, 3), 'portable', { landedType: 'TIMESTAMP' }],
  [type('decimal', 18, 4), 'portable', { landedType: 'DECIMAL(18,4)' }],
  [type('money'), 'portable', { landedType: 'DECIMAL(19,4)' }],
  [type('uniqueidentifier'), 'portable', { landedType: 'VARCHAR' }],
  [type('uniqueidentifier'), 'native', { landedType: 'UUID' }],
  [type('nvarchar'), 'portable', { landedType: 'VARCHAR' }],
] as const)('SQL Server %o, %s', (source, policy, expected) => {
  expect(adaptSqlServerType(source, policy)).toEqual(expected);
});

test('PostgreSQL: kept where DuckDB keeps it, text where Spark needs it', () => {
  const adapt = (name: string, policy: 'native' | 'portable', isArray = false) =>
    adaptPostgresType({ ...type(name), isArray }, policy).landedType;
  expect([adapt('numeric', 'native'), adapt('time', 'native'), adapt('time', 'portable')]).toEqual([
    'DECIMAL(38,9)',
    'TIME',
    'VARCHAR',
  ]);
  expect([adapt('int4', 'native', true), adapt('int4', 'portable', true)]).toEqual(['JSON', 'VARCHAR']);
  expect([adapt('constructor', 'native'), adapt('tsvector', 'portable')]).toEqual(['VARCHAR', 'VARCHAR']);
});
