import type { DuckDBValue } from '@duckdb/node-api';
import type { ResultColumn } from './database.ts';
import { encodeValue, WIRE } from './types.ts';
import type { MessageWriter } from './wire.ts';

/** Message type of a row. */
const ROW = 7;

/** One row, each value with its length in front. */
export function writeRow(
  message: MessageWriter,
  columns: readonly ResultColumn[],
  row: readonly DuckDBValue[],
  defines: readonly number[] | null,
): void {
  message.byte(ROW);
  for (let index = 0; index < columns.length; index += 1) {
    const { type } = columns[index] as ResultColumn;
    message.bytes(encodeValue(type, row[index] as DuckDBValue));
    const sent = defines?.[index] ?? type.code;
    // An indicator and a return code follow what is long.
    if (sent === WIRE.long || sent === WIRE.longRaw) message.numbers(0, 0);
  }
}
