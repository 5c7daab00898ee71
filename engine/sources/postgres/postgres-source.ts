import type { PostgresConnection } from '../../spec/connection.ts';
import type { Source } from '../source.ts';
import { readTable } from './read-table.ts';
import { PostgresSession } from './session.ts';

export function createPostgresSource(connection: PostgresConnection): Source {
  const open = (signal: AbortSignal) => PostgresSession.open(connection, signal);
  return {
    read: (request, context) => readTable(open, request, context),
    close: async () => undefined,
  } as unknown as Source;
}
