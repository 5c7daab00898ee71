import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { IngestError } from '../../../engine/errors.ts';
import type { RowWorker } from '../../../engine/sources/database/row-client.ts';
import { type AnswerPort, type RowDialect, serveRows } from '../../../engine/sources/database/serve-rows.ts';

/** What a statement of this dialect says, as JSON: rows that are given again and again, or what goes wrong. */
export interface ListStatement {
  rows: unknown[][];
  /** How often the rows are given. */
  times?: number;
  /** After the rows. */
  ending?: 'fail' | 'exit' | 'hang' | 'ignore_cancel';
}

/** A dialect whose statements are lists of rows. */
export const listDialect: RowDialect<{ refuse?: boolean }> = {
  connect: async ({ refuse }) => {
    if (refuse) throw new IngestError('LOGIN_FAILED', 'No entry.', { hint: 'Knock.', retryable: true });
    let given = 0;
    return {
      execute: async (sql) => (sql === 'given' ? [{ given: String(given) }] : []),
      stream: async (query, sink, signal) => {
        const { rows, times = 1, ending } = JSON.parse(query.sql) as ListStatement;
        const values = rows.map((row) => row.map(fromJson));
        for (let time = 0; time < times; time += 1) {
          for (const row of values) {
            given += 1;
            if (sink.write(row)) continue;
            await sink.drained();
            if (signal.aborted) return;
          }
        }
        if (ending === 'fail') throw new IngestError('SOURCE_QUERY_FAILED', 'Broken.', { retryable: true });
        if (ending === 'exit') process.exit(3);
        if (ending === 'hang') await sleep(60_000, undefined, { signal });
        if (ending === 'ignore_cancel') await sleep(60_000);
      },
      close: async () => undefined,
    };
  },
};

/** `{"date": …}` and `{"bytes": …}` stand for what JSON has not. */
function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === 'NaN!' ? Number.NaN : value;
  if ('bytes' in value) return Buffer.from(value.bytes as string, 'hex');
  const { date, delta } = value as { date: string; delta: number };
  return Object.assign(new Date(date), { nanosecondsDelta: delta });
}

/** The dialect in this thread, behind a channel. */
export function inThread(dialect: RowDialect<never>): RowWorker {
  const { port1, port2 } = new MessageChannel();
  serveRows(port2 as unknown as AnswerPort, dialect as RowDialect<unknown>);
  return Object.assign(port1, {
    terminate: async () => {
      port1.close();
      port2.close();
    },
  }) as unknown as RowWorker;
}
