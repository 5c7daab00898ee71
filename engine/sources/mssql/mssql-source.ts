import { createSessionSource } from '../database/session-source.ts';
import type { Source } from '../source.ts';
import type { SqlServerConnection } from './connect-options.ts';
import { testConnection } from './connection-test.ts';
import { discoverObjects } from './discover.ts';
import { openTokenSource, type TokenSource } from './entra-token.ts';
import { measureTable } from './measure.ts';
import { previewTable } from './preview.ts';
import { planRead, selectStatement } from './read-plan.ts';
import { readTable } from './read-table.ts';
import { type MssqlSession, openSession } from './session.ts';

export interface MssqlDependencies {
  /** Where tokens of Entra ID come from; default: as the connection says. */
  tokens?: TokenSource | null;
}

/** A SQL Server (2016 or later) or Azure SQL database as a source. */
export function createMssqlSource(connection: SqlServerConnection, dependencies: MssqlDependencies = {}): Source {
  const tokens = dependencies.tokens === undefined ? openTokenSource(connection) : dependencies.tokens;
  return createSessionSource<MssqlSession>({
    open: async (signal) => {
      const accessToken = (await tokens?.(signal)) ?? null;
      return await openSession({ connection, accessToken }, signal);
    },
    test: (signal) => testConnection(connection, tokens, signal),
    discover: discoverObjects,
    explain: async (session, request, signal) => selectStatement(await planRead(session, request, signal)),
    read: readTable,
    preview: previewTable,
    measure: measureTable,
  });
}
