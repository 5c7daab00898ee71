import type { PostgresConnection } from '../../spec/connection.ts';
import { createSessionSource } from '../database/session-source.ts';
import type { Source } from '../source.ts';
import { testConnection } from './connection-test.ts';
import { discoverObjects } from './discover.ts';
import { measureTable } from './measure.ts';
import { previewTable } from './preview.ts';
import { planRead, selectStatement } from './read-plan.ts';
import { readTable } from './read-table.ts';
import { PostgresSession } from './session.ts';

/** A PostgreSQL server (10 or later) as a source. */
export function createPostgresSource(connection: PostgresConnection): Source {
  return createSessionSource<PostgresSession>({
    open: (signal) => PostgresSession.open(connection, signal),
    test: (signal) => testConnection(connection, signal),
    discover: discoverObjects,
    explain: async (session, request, signal) => selectStatement(await planRead(session, request, signal)),
    read: readTable,
    preview: previewTable,
    measure: measureTable,
  });
}
