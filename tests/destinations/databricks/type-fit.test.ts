import { describe, expect, it } from 'vitest';
import { checkColumns } from '../../../engine/destinations/databricks/check-fit.ts';
import { bareFit, castFit, isDeltaWidening } from '../../../engine/destinations/databricks/type-fit.ts';
import { duckDbTypeOf, parseSparkType, sparkTypeOf, sparkTypeText } from '../../../engine/duckdb/spark-type.ts';
import type { WriteDisposition } from '../../../engine/spec/kinds.ts';
import { TYPES } from './landed-types.ts';

/** A row a source type, a sign a target type in the order of TYPES. */
function matrix(sign: (from: string, to: string) => string): Record<string, string> {
  return Object.fromEntries(TYPES.map((from) => [from, TYPES.map((to) => sign(from, to)).join(' ')]));
}

const SIGNS = { same: '=', cast: 'c', checked: '?', lossy: '~', fails: '-' } as const;
const spark = parseSparkType;

describe('the type matrix', () => {
  it('says what an explicit cast does (= same, c every value, ? value by value, ~ silently other, - refused)', () => {
    expect(matrix((from, to) => SIGNS[castFit(spark(from), spark(to)).fit])).toEqual({
      //               bool tiny smal int big flt dbl d10 d38 str bin dat ts ntz arr str
      BOOLEAN: '= c c c c c c c c c - - - - - -',
      TINYINT: '~ = c c c c c c c c - - ~ - - -',
      SMALLINT: '~ ? = c c c c c c c - - ~ - - -',
      INT: '~ ? ? = c ~ c ? c c - - ~ - - -',
      BIGINT: '~ ? ? ? = ~ ~ ? c c - - ~ - - -',
      FLOAT: '~ ~ ~ ~ ~ = c ~ ~ c - - ~ - - -',
      DOUBLE: '~ ~ ~ ~ ~ ~ = ~ ~ c - - ~ - - -',
      'DECIMAL(10,2)': '~ ~ ~ ~ ~ ~ ~ = ~ c - - ~ - - -',
      'DECIMAL(38,0)': '~ ? ? ? ? ~ ~ ? = c - - ~ - - -',
      STRING: '? ? ? ? ? ? ? ? ? = c ? ? ? - -',
      BINARY: '- - - - - - - - - ~ = - - - - -',
      DATE: '- - - - - - - - - c - = c c - -',
      TIMESTAMP: '- ~ ~ ~ ~ ~ ~ ~ ~ c - ~ = c - -',
      TIMESTAMP_NTZ: '- - - - - - - - - c - ~ c = - -',
      'ARRAY<INT>': '- - - - - - - - - ~ - - - - = -',
      'STRUCT<a: INT>': '- - - - - - - - - ~ - - - - - =',
    });
  });

  it('predicts COPY INTO without casts: DELTA_FAILED_TO_MERGE_FIELDS for all but narrower integers of 32 bits', () => {
    for (const from of TYPES) {
      for (const to of TYPES) {
        const fits = from === to || ['TINYINT SMALLINT', 'TINYINT INT', 'SMALLINT INT'].includes(`${from} ${to}`);
        expect([from, to, bareFit(spark(from), spark(to), 'copy')]).toEqual([
          from,
          to,
          fits ? { fit: 'same' } : { fit: 'fails', error: 'DELTA_FAILED_TO_MERGE_FIELDS' },
        ]);
      }
    }
  });

  it('predicts MERGE and INSERT OVERWRITE without casts: the store assignment', () => {
    const assigned = {
      BOOLEAN: '= - - - - - - - - c - - - - - -',
      TINYINT: '- = c c c c c c c c - - - - - -',
      SMALLINT: '- ? = c c c c c c c - - - - - -',
      INT: '- ? ? = c ~ c ? c c - - - - - -',
      BIGINT: '- ? ? ? = ~ ~ ? c c - - - - - -',
      FLOAT: '- ~ ~ ~ ~ = c ~ ~ c - - - - - -',
      DOUBLE: '- ~ ~ ~ ~ ~ = ~ ~ c - - - - - -',
      'DECIMAL(10,2)': '- ~ ~ ~ ~ ~ ~ = ~ c - - - - - -',
      'DECIMAL(38,0)': '- ? ? ? ? ~ ~ ? = c - - - - - -',
      STRING: '- - - - - - - - - = - - - - - -',
      BINARY: '- - - - - - - - - ~ = - - - - -',
      DATE: '- - - - - - - - - c - = c c - -',
      TIMESTAMP: '- - - - - - - - - c - ~ = c - -',
      TIMESTAMP_NTZ: '- - - - - - - - - c - ~ c = - -',
      'ARRAY<INT>': '- - - - - - - - - - - - - - = -',
      'STRUCT<a: INT>': '- - - - - - - - - - - - - - - =',
    };
    for (const statement of ['merge', 'overwrite'] as const)
      expect(matrix((from, to) => SIGNS[bareFit(spark(from), spark(to), statement).fit])).toEqual(assigned);
    expect(bareFit(spark('BIGINT'), spark('INT'), 'merge')).toEqual({
      fit: 'checked',
      error: 'DELTA_CAST_OVERFLOW_IN_TABLE_WRITE',
    });
    expect(bareFit(spark('BIGINT'), spark('INT'), 'overwrite')).toEqual({
      fit: 'checked',
      error: 'CAST_OVERFLOW_IN_TABLE_INSERT',
    });
    expect(bareFit(spark('STRING'), spark('INT'), 'overwrite')).toMatchObject({
      error: 'INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST',
    });
    expect(castFit(spark('STRING'), spark('INT'))).toEqual({ fit: 'checked', error: 'CAST_INVALID_INPUT' });
    expect(castFit(spark('BIGINT'), spark('DECIMAL(10,2)'))).toEqual({
      fit: 'checked',
      error: 'NUMERIC_VALUE_OUT_OF_RANGE',
    });
  });

  it('looks into nested types', () => {
    const cases = {
      'ARRAY<INT> ARRAY<BIGINT>': 'c',
      'ARRAY<BIGINT> ARRAY<INT>': '?',
      'ARRAY<DATE> ARRAY<INT>': '-',
      'MAP<STRING,INT> MAP<STRING,DECIMAL(12,2)>': 'c',
      'STRUCT<a:INT,b:STRING> STRUCT<a:BIGINT,b:STRING>': 'c',
      'STRUCT<a:INT,b:STRING> STRUCT<a:INT>': '-',
    };
    for (const [pair, sign] of Object.entries(cases)) {
      const [from = '', to = ''] = pair.split(' ');
      expect([pair, SIGNS[castFit(spark(from), spark(to)).fit]]).toEqual([pair, sign]);
    }
    expect(bareFit(spark('ARRAY<INT>'), spark('ARRAY<STRING>'), 'merge').fit).toBe('cast' satisfies string);
    expect(bareFit(spark('MAP<STRING,INT>'), spark('MAP<STRING,DATE>'), 'merge').fit).toBe('fails');
    expect(bareFit(spark('STRUCT<a:INT>'), spark('STRUCT<a:BIGINT>'), 'merge').fit).toBe('cast');
  });

  it('knows what Delta widens in place', () => {
    expect(matrix((from, to) => (isDeltaWidening(spark(from), spark(to)) ? 'w' : '.'))).toEqual({
      BOOLEAN: '. . . . . . . . . . . . . . . .',
      TINYINT: '. . w w w . w . w . . . . . . .',
      SMALLINT: '. . . w w . w . w . . . . . . .',
      INT: '. . . . w . w . w . . . . . . .',
      BIGINT: '. . . . . . . . w . . . . . . .',
      FLOAT: '. . . . . . w . . . . . . . . .',
      DOUBLE: '. . . . . . . . . . . . . . . .',
      'DECIMAL(10,2)': '. . . . . . . . . . . . . . . .',
      'DECIMAL(38,0)': '. . . . . . . . . . . . . . . .',
      STRING: '. . . . . . . . . . . . . . . .',
      BINARY: '. . . . . . . . . . . . . . . .',
      DATE: '. . . . . . . . . . . . . w . .',
      TIMESTAMP: '. . . . . . . . . . . . . . . .',
      TIMESTAMP_NTZ: '. . . . . . . . . . . . . . . .',
      'ARRAY<INT>': '. . . . . . . . . . . . . . . .',
      'STRUCT<a: INT>': '. . . . . . . . . . . . . . . .',
    });
    expect(isDeltaWidening(spark('DECIMAL(6,2)'), spark('DECIMAL(8,3)'))).toBe(true);
    expect(isDeltaWidening(spark('DECIMAL(6,2)'), spark('DECIMAL(8,5)'))).toBe(false);
    expect(isDeltaWidening(spark('BIGINT'), spark('DECIMAL(19,0)'))).toBe(false);
  });
});

describe('types of a load package', () => {
  it('get the type that holds every value', () => {
    const landed: Record<string, string> = {
      BOOLEAN: 'BOOLEAN',
      UTINYINT: 'SMALLINT',
      USMALLINT: 'INT',
      UINTEGER: 'BIGINT',
      UBIGINT: 'DECIMAL(20,0)',
      HUGEINT: 'DECIMAL(38,0)',
      'DECIMAL(18,4)': 'DECIMAL(18,4)',
      TIME: 'STRING',
      INTERVAL: 'STRING',
      UUID: 'STRING',
      JSON: 'STRING',
      BLOB: 'BINARY',
      TIMESTAMP: 'TIMESTAMP_NTZ',
      TIMESTAMP_NS: 'TIMESTAMP_NTZ',
      'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
      'INTEGER[]': 'ARRAY<INT>',
      'STRUCT("odd `name`" BIGINT[])': 'STRUCT<`odd ``name```: ARRAY<BIGINT>>',
    };
    for (const [from, to] of Object.entries(landed))
      expect([from, sparkTypeText(sparkTypeOf(from))]).toEqual([from, to]);
  });

  it('are read back from what Databricks prints', () => {
    const read: Record<string, string> = {
      'decimal(10,2)': 'DECIMAL(10,2)',
      decimal: 'DECIMAL(10,0)',
      'varchar(20)': 'VARCHAR',
      'string collate UTF8_LCASE': 'VARCHAR',
      long: 'BIGINT',
      timestamp_ltz: 'TIMESTAMP WITH TIME ZONE',
      timestamp_ntz: 'TIMESTAMP',
      'array<struct<a:int,`b c`:map<string,double>>>': 'STRUCT("a" INTEGER, "b c" MAP(VARCHAR, DOUBLE))[]',
      "struct<a: int NOT NULL COMMENT 'x', b: string>": 'STRUCT("a" INTEGER, "b" VARCHAR)',
      variant: 'VARCHAR',
      'interval day to second': 'VARCHAR',
    };
    for (const [from, to] of Object.entries(read))
      expect([from, duckDbTypeOf(parseSparkType(from))]).toEqual([from, to]);
    for (const bad of ['', 'array<int', 'struct<a int>', 'int;drop'])
      expect(() => parseSparkType(bad)).toThrow('Not a Databricks type');
  });
});

describe('the fit of a load', () => {
  const live = [
    {
      name: 'orders',
      columns: [
        ['id', 'int', 'INTEGER'],
        ['amount', 'decimal(10,2)', 'DECIMAL(10,2)'],
        ['note', 'string', 'VARCHAR'],
        ['at', 'timestamp', 'TIMESTAMP WITH TIME ZONE'],
      ].map(([name, sparkType, type]) => ({ name: name!, sparkType: sparkType!, type: type!, nullable: true })),
    },
  ];
  const verdicts = (columns: Record<string, string>, disposition: WriteDisposition = 'append', typeWidening = false) =>
    checkColumns(
      live,
      Object.entries(columns).map(([name, type]) => ({ table: 'orders', name, type, nullable: true })),
      { disposition, typeWidening },
    );

  it('goes column by column, each verdict with its reason and way out', () => {
    const found = verdicts({ id: 'BIGINT', amount: 'DECIMAL(8,2)', note: 'BIGINT', at: 'TIMESTAMP', extra: 'UUID' });
    expect(
      found.map(({ column, verdict, incoming, live: to, error }) => [column, verdict, incoming, to, error]),
    ).toEqual([
      ['id', 'fails', 'BIGINT', 'INT', 'DELTA_FAILED_TO_MERGE_FIELDS'],
      ['amount', 'fits', 'DECIMAL(8,2)', 'DECIMAL(10,2)', 'DELTA_FAILED_TO_MERGE_FIELDS'],
      ['note', 'fits', 'BIGINT', 'STRING', 'DELTA_FAILED_TO_MERGE_FIELDS'],
      ['at', 'fails', 'TIMESTAMP_NTZ', 'TIMESTAMP', 'DELTA_FAILED_TO_MERGE_FIELDS'],
      ['extra', 'new', 'STRING', null, null],
    ]);
    expect(found[0]).toMatchObject({ columnTypes: 'id:integer', hint: expect.stringContaining('type_widening') });
    expect(found[3]).toMatchObject({
      columnTypes: 'at:timestamp with time zone',
      hint: expect.stringContaining('--full-refresh'),
    });
  });

  it('widens where the destination may, and a replace gives another type', () => {
    expect(verdicts({ id: 'BIGINT' }, 'append', true)).toMatchObject([
      { verdict: 'widens', message: expect.stringContaining('BIGINT') },
    ]);
    expect(verdicts({ at: 'TIMESTAMP' }, 'replace')).toMatchObject([{ verdict: 'replaced' }]);
    expect(verdicts({ amount: 'DECIMAL(12,4)' }, 'merge', true)).toMatchObject([{ verdict: 'widens' }]);
  });

  it('leaves to the values what may fit', () => {
    expect(verdicts({ amount: 'DOUBLE' }, 'merge')).toMatchObject([
      { verdict: 'depends', columnTypes: 'amount:decimal(10,2)', message: expect.stringContaining('checked') },
    ]);
    expect(verdicts({ amount: 'DECIMAL(12,4)' })).toMatchObject([
      { verdict: 'depends', hint: expect.stringContaining('type_widening') },
    ]);
    expect(verdicts({ id: 'INTEGER' })).toMatchObject([{ verdict: 'fits', error: null, hint: null }]);
  });
});
