import { createRequire } from 'node:module';
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import * as duckdb from '@duckdb/node-api';
import { parseType, type TypeTree } from '../../../engine/duckdb/type-text.ts';

const require = createRequire(import.meta.url);
/** The Thrift code that the driver was generated with, and the Arrow version that it decodes with. */
export const thriftTypes = require('@databricks/sql/thrift/TCLIService_types');
const Int64 = require('node-int64');
const arrow = createRequire(require.resolve('@databricks/sql'))('apache-arrow');

/** Rows as a warehouse gives them: types in Databricks' words. */
export interface ResultRows {
  names: string[];
  types: string[];
  rows: DuckDBValue[][];
}

export const NO_ROWS: ResultRows = { names: [], types: [], rows: [] };

/** The answer of a statement that changes rows. */
export function counted(count: number, inserted = count): ResultRows {
  const names = ['num_affected_rows', 'num_inserted_rows'];
  return { names, types: ['bigint', 'bigint'], rows: [[BigInt(count), BigInt(inserted)]] };
}

const NAMES: Readonly<Record<string, string>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'tinyint',
  SMALLINT: 'smallint',
  INTEGER: 'int',
  BIGINT: 'bigint',
  FLOAT: 'float',
  DOUBLE: 'double',
  DATE: 'date',
  TIMESTAMP: 'timestamp_ntz',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  BLOB: 'binary',
  HUGEINT: 'decimal(38,0)',
};

/** Databricks' name of a DuckDB type. */
export function sparkName(type: string): string {
  return nameOf(parseType(type));
}

function nameOf(tree: TypeTree): string {
  if (tree.kind === 'list') return `array<${nameOf(tree.element)}>`;
  if (tree.kind === 'struct')
    return `struct<${tree.fields.map(({ name, type }) => `${name}:${nameOf(type)}`).join(',')}>`;
  return /^DECIMAL/.test(tree.text) ? tree.text.toLowerCase() : (NAMES[tree.text] ?? 'string');
}

export function resultOf(names: string[], types: readonly DuckDBType[], rows: DuckDBValue[][]): ResultRows {
  return { names, types: types.map((type) => sparkName(type.toString())), rows };
}

export function metadataOf(result: ResultRows): object {
  const columns = result.names.map(
    (columnName, index) =>
      new thriftTypes.TColumnDesc({
        columnName,
        position: index + 1,
        typeDesc: new thriftTypes.TTypeDesc({
          types: [
            new thriftTypes.TTypeEntry({
              primitiveEntry: new thriftTypes.TPrimitiveTypeEntry(hiveType(result.types[index]!)),
            }),
          ],
        }),
      }),
  );
  return new thriftTypes.TGetResultSetMetadataResp({
    status: succeeded(),
    schema: new thriftTypes.TTableSchema({ columns }),
    resultFormat: thriftTypes.TSparkRowSetType.ARROW_BASED_SET,
    lz4Compressed: false,
    arrowSchema: schemaMessage(result),
    isStagingOperation: false,
  });
}

/** Rows from `start`, at most `most`. */
export function fetched(result: ResultRows, start: number, most: number): { answer: object; end: number } {
  const rows = result.rows.slice(start, start + Math.max(1, most));
  const end = start + rows.length;
  const batches =
    rows.length === 0
      ? []
      : [new thriftTypes.TSparkArrowBatch({ batch: batchMessage(result, rows), rowCount: new Int64(rows.length) })];
  const answer = new thriftTypes.TFetchResultsResp({
    status: succeeded(),
    hasMoreRows: end < result.rows.length,
    results: new thriftTypes.TRowSet({ startRowOffset: new Int64(start), rows: [], arrowBatches: batches }),
  });
  return { answer, end };
}

export function succeeded(): object {
  return new thriftTypes.TStatus({ statusCode: thriftTypes.TStatusCode.SUCCESS_STATUS });
}

function decimalOf(type: string): [precision: number, scale: number] | null {
  const match = /^decimal\((\d+),(\d+)\)/.exec(type);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

function hiveType(type: string): object {
  const ids = thriftTypes.TTypeId;
  const digits = decimalOf(type);
  if (digits) {
    const [precision, scale] = digits.map((i32Value) => new thriftTypes.TTypeQualifierValue({ i32Value }));
    return {
      type: ids.DECIMAL_TYPE,
      typeQualifiers: new thriftTypes.TTypeQualifiers({ qualifiers: { precision, scale } }),
    };
  }
  const name = type === 'timestamp_ntz' ? 'TIMESTAMP' : type.toUpperCase();
  return { type: ids[`${name}_TYPE`] ?? ids.STRING_TYPE };
}

function arrowType(type: string): object {
  const digits = decimalOf(type);
  if (digits) return new arrow.Decimal(digits[1], digits[0]);
  switch (type) {
    case 'boolean':
      return new arrow.Bool();
    case 'tinyint':
      return new arrow.Int8();
    case 'smallint':
      return new arrow.Int16();
    case 'int':
      return new arrow.Int32();
    case 'bigint':
      return new arrow.Int64();
    case 'float':
      return new arrow.Float32();
    case 'double':
      return new arrow.Float64();
    case 'timestamp':
      return new arrow.Timestamp(arrow.TimeUnit.MICROSECOND, 'Etc/UTC');
    default:
      return new arrow.Utf8();
  }
}

function schemaOf(result: ResultRows) {
  const fields = result.names.map((name, index) => {
    const type = result.types[index]!;
    return new arrow.Field(name, arrowType(type), true, new Map([['Spark:DataType:SqlName', type.toUpperCase()]]));
  });
  return new arrow.Schema(fields);
}

/** An IPC stream's first message; the end mark behind it is the last eight bytes. */
function schemaMessage(result: ResultRows): Buffer {
  return Buffer.from(arrow.tableToIPC(new arrow.Table(schemaOf(result)), 'stream')).subarray(0, -8);
}

function batchMessage(result: ResultRows, rows: DuckDBValue[][]): Buffer {
  const schema = schemaOf(result);
  const children = result.types.map((type, index) =>
    columnData(
      type,
      rows.map((row) => row[index]!),
    ),
  );
  const data = arrow.makeData({ type: new arrow.Struct(schema.fields), length: rows.length, children });
  const table = new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]);
  return Buffer.from(arrow.tableToIPC(table, 'stream')).subarray(schemaMessage(result).length);
}

/** Decimals and 64-bit times are laid out by hand: Arrow's JavaScript builders lack them. */
function columnData(typeName: string, values: DuckDBValue[]): object {
  const type = arrowType(typeName);
  const { length } = values;
  const nullBitmap = new Uint8Array(Math.ceil(length / 8));
  values.forEach((value, index) => {
    if (value !== null) nullBitmap[index >> 3]! |= 1 << (index & 7);
  });
  const nullCount = values.filter((value) => value === null).length;
  if (decimalOf(typeName)) {
    const words = new Uint32Array(length * 4);
    values.forEach((value, index) => {
      if (value === null) return;
      const digits = value instanceof duckdb.DuckDBDecimalValue ? value.value : BigInt(String(value));
      let rest = BigInt.asUintN(128, digits);
      for (let word = 0; word < 4; word += 1, rest >>= 32n) words[index * 4 + word] = Number(rest & 0xffff_ffffn);
    });
    return arrow.makeData({ type, length, nullCount, data: words, nullBitmap });
  }
  if (typeName === 'timestamp') {
    const micros = new BigInt64Array(length);
    values.forEach((value, index) => {
      if (value !== null) micros[index] = (value as duckdb.DuckDBTimestampTZValue).micros;
    });
    return arrow.makeData({ type, length, nullCount, data: new Int32Array(micros.buffer), nullBitmap });
  }
  const plain = values.map((value) => {
    if (value === null) return null;
    if (typeName === 'bigint') return BigInt(value as bigint);
    return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
  });
  return arrow.vectorFromArray(plain, type).data[0];
}
