import type { OracleDatabase } from './database.ts';
import { writeRow } from './row-encoder.ts';
import { MessageWriter } from './wire.ts';

/** Rows that are sent as they are. */
export interface EncodedRows {
  /** The next rows; fewer than asked for: there are no more. */
  take(rows: number): { bytes: Buffer; rows: number };
}

interface Block {
  bytes: Buffer;
  /** Where each row begins, and the end of the last. */
  starts: number[];
}

/** Rows in the form in which they are sent, by statement. */
export class PreloadedRows {
  readonly #database: OracleDatabase;
  readonly #rows: number;
  readonly #blocks = new Map<string, Promise<Block>>();

  constructor(database: OracleDatabase, rows: number) {
    this.#database = database;
    this.#rows = rows;
  }

  async #load(sql: string): Promise<Block> {
    const connection = await this.#database.connect();
    const result = await this.#database.query(connection, sql, []);
    const message = new MessageWriter();
    const starts = [0];
    for (let batch = await result.next(); batch !== null; batch = await result.next()) {
      for (const row of batch) {
        writeRow(message, result.columns, row, null);
        starts.push(message.length);
      }
    }
    connection.closeSync();
    return { bytes: message.take(), starts };
  }

  /** A statement's rows from the first on; encoded when it is asked for the first time. */
  async cursor(sql: string): Promise<EncodedRows> {
    const loading = this.#blocks.get(sql) ?? this.#load(sql);
    this.#blocks.set(sql, loading);
    const block = await loading;
    const inBlock = block.starts.length - 1;
    let sent = 0;
    return {
      take: (wanted) => {
        const parts: Buffer[] = [];
        let left = Math.min(wanted, this.#rows - sent);
        const rows = left;
        while (left > 0) {
          const at = sent % inBlock;
          const count = Math.min(left, inBlock - at);
          parts.push(block.bytes.subarray(block.starts[at], block.starts[at + count]));
          sent += count;
          left -= count;
        }
        return { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), rows };
      },
    };
  }
}
