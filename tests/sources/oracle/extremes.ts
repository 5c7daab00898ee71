/** A column: Oracle's type, values as the test server stores them, and what must land (null apart). */
export interface Extreme {
  type: string;
  values: string[];
  landed: string[];
  /** DuckDB type of the column. */
  as: string;
}

const JULIAN = "'1582-10-04 00:00:00'";

/** Every type at its ends. Values are DuckDB literals; what lands is DuckDB's text of it. */
export const EXTREMES: Record<string, Extreme> = {
  INT: {
    type: 'NUMBER(18)',
    values: ['-999999999999999999', '0', '999999999999999999'],
    landed: ['-999999999999999999', '0', '999999999999999999'],
    as: 'BIGINT',
  },
  WIDE: {
    type: 'NUMBER(38)',
    values: [`'-${'9'.repeat(38)}'`, "'1'", `'${'9'.repeat(38)}'`],
    landed: [`-${'9'.repeat(38)}`, '1', '9'.repeat(38)],
    as: 'DECIMAL(38,0)',
  },
  EXACT: {
    type: 'NUMBER(38,10)',
    values: ["'-1234567890123456789012345678.1234567891'", "'-0.0000000001'", "'0.5'"],
    landed: ['-1234567890123456789012345678.1234567891', '-0.0000000001', '0.5000000000'],
    as: 'DECIMAL(38,10)',
  },
  ROUNDED: {
    type: 'NUMBER(5,-2)',
    values: ["'-9999900'", "'0'", "'100'"],
    landed: ['-9999900', '0', '100'],
    as: 'DECIMAL(7,0)',
  },
  TINY: {
    type: 'NUMBER(2,5)',
    values: ["'0.00099'", "'-0.00001'", "'0'"],
    landed: ['.00099', '-.00001', '.00000'],
    as: 'DECIMAL(5,5)',
  },
  WHOLE: {
    type: 'NUMBER(*,0)',
    values: [`'${'9'.repeat(38)}'`, "'-7'", "'0'"],
    landed: ['9'.repeat(38), '-7', '0'],
    as: 'DECIMAL(38,0)',
  },
  LOOSE: {
    type: 'NUMBER',
    values: ["'1e-130'", "'-9.99e125'", "'0.1'"],
    landed: ['1e-130', '-9.99e+125', '0.1'],
    as: 'DOUBLE',
  },
  FLOATED: { type: 'FLOAT(126)', values: ["'1.5'", "'-0.25'", "'3'"], landed: ['1.5', '-0.25', '3.0'], as: 'DOUBLE' },
  SINGLE: {
    type: 'BINARY_FLOAT',
    values: ["'inf'", "'-3.4028235e38'", "'nan'"],
    landed: ['inf', '-3.4028235e+38', 'nan'],
    as: 'FLOAT',
  },
  REAL8: {
    type: 'BINARY_DOUBLE',
    values: ["'-inf'", "'1.7976931348623157e308'", "'5e-324'"],
    landed: ['-inf', '1.7976931348623157e+308', '5e-324'],
    as: 'DOUBLE',
  },
  DAY: {
    type: 'DATE',
    values: ["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'2024-03-31 02:30:00'"],
    landed: ['0001-01-01 00:00:00', '9999-12-31 23:59:59', '2024-03-31 02:30:00'],
    as: 'TIMESTAMP',
  },
  STAMP: {
    type: 'TIMESTAMP(6)',
    values: ["'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'", "'2024-10-27 02:30:00.5'"],
    landed: ['0001-01-01 00:00:00.000001', '9999-12-31 23:59:59.999999', '2024-10-27 02:30:00.5'],
    as: 'TIMESTAMP',
  },
  SECOND: {
    type: 'TIMESTAMP(0)',
    values: [JULIAN, "'1900-02-28 00:00:00'", "'2000-02-29 00:00:00'"],
    landed: ['1582-10-04 00:00:00', '1900-02-28 00:00:00', '2000-02-29 00:00:00'],
    as: 'TIMESTAMP',
  },
  FINE: {
    type: 'TIMESTAMP(9)',
    values: ["'2001-01-01 00:00:00.123456789'", "'2199-12-31 23:59:59.999999999'", "'2001-01-01 00:00:00'"],
    landed: ['2001-01-01 00:00:00.123456', '2199-12-31 23:59:59.999999', '2001-01-01 00:00:00'],
    as: 'TIMESTAMP',
  },
  ZONED: {
    type: 'TIMESTAMP(6) WITH TIME ZONE',
    values: ["'2024-06-01 10:00:00.000001+02'", "'0001-01-01 00:00:00+00'", "'2024-01-01 00:00:00-05:30'"],
    landed: ['2024-06-01 08:00:00.000001+00', '0001-01-01 00:00:00+00', '2024-01-01 05:30:00+00'],
    as: 'TIMESTAMP WITH TIME ZONE',
  },
  LOCAL: {
    type: 'TIMESTAMP(6) WITH LOCAL TIME ZONE',
    values: ["'2024-06-01 10:00:00+02'", "'9999-12-31 23:59:59.999999+00'", "'2024-01-01 00:00:00+00'"],
    landed: ['2024-06-01 08:00:00+00', '9999-12-31 23:59:59.999999+00', '2024-01-01 00:00:00+00'],
    as: 'TIMESTAMP WITH TIME ZONE',
  },
  MONTHS: {
    type: 'INTERVAL YEAR(2) TO MONTH',
    values: ["'+02-03'", "'-99-11'", "'+00-00'"],
    landed: ['+02-03', '-99-11', '+00-00'],
    as: 'VARCHAR',
  },
  SPAN: {
    type: 'INTERVAL DAY(2) TO SECOND(6)',
    values: ["'+01 02:03:04.000000'", "'-99 23:59:59.999999'", "'+00 00:00:00.000000'"],
    landed: ['+01 02:03:04.000000', '-99 23:59:59.999999', '+00 00:00:00.000000'],
    as: 'VARCHAR',
  },
  CODE: { type: 'CHAR(3)', values: ["'a'", "'ab'", "'abc'"], landed: ['a  ', 'ab ', 'abc'], as: 'VARCHAR' },
  NAME: {
    type: 'VARCHAR2(100)',
    values: ["'ž😀'", "'it''s; -- \"q\"'", "'  '"],
    landed: ['ž😀', 'it\'s; -- "q"', '  '],
    as: 'VARCHAR',
  },
  NATION: { type: 'NVARCHAR2(50)', values: ["'ž✓😀'", "'漢'", "'a'"], landed: ['ž✓😀', '漢', 'a'], as: 'VARCHAR' },
  NFIX: { type: 'NCHAR(2)', values: ["'é'", "'漢字'", "'ab'"], landed: ['é ', '漢字', 'ab'], as: 'VARCHAR' },
  BODY: { type: 'CLOB', values: ["'ž😀\n'", "'b'", "'c'"], landed: ['ž😀\n', 'b', 'c'], as: 'VARCHAR' },
  NBODY: { type: 'NCLOB', values: ["'ž😀'", "'b'", "'c'"], landed: ['ž😀', 'b', 'c'], as: 'VARCHAR' },
  OLD: { type: 'LONG', values: ["'old text'", "'b'", "'c'"], landed: ['old text', 'b', 'c'], as: 'VARCHAR' },
  BYTES: {
    type: 'RAW(16)',
    values: ["'\\x00\\xFF'", "'\\x01'", "'\\x02'"],
    landed: ['\\x00\\xFF', '\\x01', '\\x02'],
    as: 'BLOB',
  },
  IMAGE: {
    type: 'BLOB',
    values: ["'\\x00\\xFF'", "'\\x01'", "'\\x02'"],
    landed: ['\\x00\\xFF', '\\x01', '\\x02'],
    as: 'BLOB',
  },
  PLACE: {
    type: 'ROWID',
    values: ["'AAAR3sAAEAAAACXAAA'", "'AAAR3sAAEAAAACXAAB'", "'AAAR3sAAEAAAACXAAC'"],
    landed: ['AAAR3sAAEAAAACXAAA', 'AAAR3sAAEAAAACXAAB', 'AAAR3sAAEAAAACXAAC'],
    as: 'VARCHAR',
  },
  DOC: {
    type: 'JSON',
    values: [`'{"n":12345678901234567890.5}'`, "'[]'", "'1'"],
    landed: ['{"n":12345678901234567890.5}', '[]', '1'],
    as: 'JSON',
  },
  MARKUP: {
    type: 'XMLTYPE',
    values: ["'<a>ž</a>'", "'<b/>'", "'<c/>'"],
    landed: ['<a>ž</a>', '<b/>', '<c/>'],
    as: 'VARCHAR',
  },
  FLAG: { type: 'BOOLEAN', values: ['true', 'false', 'true'], landed: ['true', 'false', 'true'], as: 'BOOLEAN' },
};
