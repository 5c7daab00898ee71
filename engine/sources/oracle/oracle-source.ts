import type { OracleConnection } from '../../spec/connection.ts';
import { createSessionSource } from '../database/session-source.ts';
import type { Source } from '../source.ts';
import { testConnection } from './connection-test.ts';
import { discoverObjects } from './discover.ts';
import { measureTable } from './measure.ts';
import { previewTable } from './preview.ts';
import { planRead, selectStatement } from './read-plan.ts';
import { readTable } from './read-table.ts';
import { type OracleSession, openSession } from './session.ts';

/** An Oracle database (12.1 or later) as a source. Oracle knows no empty text: what was stored as one arrives as NULL. */
export function createOracleSource(connection: OracleConnection): Source {
  return createSessionSource<OracleSession>({
    open: (signal) => openSession(connection, signal),
    test: (signal) => testConnection(connection, signal),
    discover: discoverObjects,
    explain: async (session, request, signal) => selectStatement(await planRead(session, request, signal)),
    read: readTable,
    preview: previewTable,
    measure: measureTable,
  });
}
