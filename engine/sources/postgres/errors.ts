import type { IngestError } from '../../errors.ts';
import type { PostgresConnection } from '../../spec/connection.ts';
import {
  type ErrorRule,
  type Explanation,
  explainByRule,
  explained,
  explainNetwork,
  type Failure,
  type NetworkHints,
  PASSES_BY,
  passwordMissing,
  saidBy,
} from '../database/explain-error.ts';

/** The slice of node-postgres's and of sockets' errors that says what happened. */
interface DriverError extends Error {
  /** SQLSTATE, or errno of a socket. */
  code?: string;
  detail?: string;
  hint?: string;
}

export interface ErrorContext {
  connection: PostgresConnection;
  /** What was being done, e.g. `Reading public.orders`. */
  doing: string;
}

/**
 * Turns what the driver, the socket or the server threw into an IngestError with a plain cause and a way out. Transient failures
 * (connection lost, serialization, shutdown, too many connections) are retryable. The password is in none of these texts.
 */
export function explainError(error: unknown, context: ErrorContext): IngestError {
  return explained(error, () => explain(error as DriverError, context));
}

/** SQLSTATE of a server's error, else null. */
export function sqlState(error: unknown): string | null {
  const code = (error as DriverError | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object) ? code : null;
}

interface PostgresFailure extends Failure {
  username: string;
  database: string;
  sslMode: string;
}

function explain(error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const { host, port, username, database, connect_timeout: connectSeconds, ssl_mode: sslMode } = connection;
  const address = `${host}:${port}`;
  const { code = '' } = error;
  const failure = { doing, address, host, said: saidBy(error), code, connectSeconds, username, database, sslMode };
  const state = sqlState(error);
  if (state !== null) return explainByRule(SERVER_RULES, state, failure) ?? serverError(state, error, failure);
  return (
    explainDriver(failure) ??
    explainNetwork(failure, HINTS) ?? { code: 'SOURCE_FAILED', message: `${doing}: ${failure.said}.` }
  );
}

/** See "PostgreSQL Error Codes" in the manual. */
const SERVER_RULES: readonly ErrorRule<PostgresFailure>[] = [
  {
    on: ['28P01'],
    code: 'LOGIN_FAILED',
    message: ({ address, username }) => `${address} refused the password of user "${username}".`,
    hint: 'Check username and password of the connection; `ingest secrets explain` shows where the password came from.',
  },
  {
    on: ['28000'],
    code: 'LOGIN_FAILED',
    message: ({ address, username, said }) => `${address} does not let user "${username}" in: ${said}.`,
    hint: 'Check the username. If the message names pg_hba.conf, the server wants another ssl_mode, or this machine allowed in pg_hba.conf.',
  },
  {
    on: ['3D000'],
    code: 'DATABASE_NOT_FOUND',
    message: ({ address, database }) => `There is no database "${database}" on ${address}.`,
    hint: 'Check database of the connection; names are case-sensitive.',
  },
  {
    on: ['42501'],
    code: 'PERMISSION_DENIED',
    message: ({ doing, username, said }) => `${doing}: user "${username}" may not do that: ${said}.`,
    hint: ({ username }) => `Ask the owner for GRANT USAGE ON SCHEMA … and GRANT SELECT ON … TO "${username}".`,
  },
  {
    on: ['42P01'],
    code: 'SOURCE_TABLE_NOT_FOUND',
    hint: 'The table was dropped or renamed meanwhile, or the filter names a table that is not there.',
  },
  {
    on: ['42703'],
    code: 'SOURCE_COLUMN_NOT_FOUND',
    hint: 'Check the columns that the filter names; names with capital letters need double quotes in SQL.',
  },
  {
    on: ['42601'],
    code: 'SOURCE_SYNTAX',
    message: ({ doing, said }) => `${doing}: the server cannot read the statement: ${said}.`,
    hint: "The job's filter is the usual cause: write one condition as it would stand after WHERE; texts in single quotes.",
  },
  {
    on: ['22P02', '22007', '22008', '22003', '42883', '42804'],
    code: 'SOURCE_CONVERSION',
    hint: 'A filter compares a column with a value of another type, or a view computes with texts that are no numbers or dates.',
  },
  {
    on: ['57014'],
    code: 'QUERY_CANCELLED',
    message: ({ doing, said }) => `${doing}: the server ended the statement: ${said}.`,
    hint: 'An administrator or a statement_timeout ended it. Read fewer rows (columns, filter, INCREMENTAL) or have the limit raised.',
  },
  {
    on: ['22021', '22P05'],
    code: 'VALUE_NOT_UTF8',
    message: ({ doing, said }) => `${doing}: a text is not UTF-8: ${said}.`,
    hint: 'The database keeps bytes of another encoding (SQL_ASCII). Correct the rows, or read a view that converts the column with convert_from().',
  },
  {
    on: ['25006'],
    code: 'READ_ONLY',
    hint: 'Sources are read in a READ ONLY transaction: a filter or view must not call a function that writes.',
  },
  {
    on: ['53300'],
    code: 'TOO_MANY_CONNECTIONS',
    message: ({ address, said }) => `${address} has no free connection: ${said}.`,
    hint: 'Run fewer jobs at once (max_workers, partitions), or raise max_connections.',
    retryable: true,
  },
  {
    on: ['57P03'],
    code: 'SERVER_NOT_READY',
    message: ({ address, said }) => `${address}: the database is starting or stopping (${said}).`,
    hint: 'The read is tried again; if it stays so, ask the administrator whether it is open.',
    retryable: true,
  },
  {
    on: ['40001', '40P01'],
    code: 'SOURCE_CONFLICT',
    message: ({ doing, said }) => `${doing}: another session was in the way (${said}).`,
    hint: PASSES_BY,
    retryable: true,
  },
];

/** Classes and codes after which the same statement may succeed on a new connection. */
const LOST = /^(08...|57P0[12])$/;

function serverError(state: string, error: DriverError, { doing, said }: PostgresFailure): Explanation {
  const isLost = LOST.test(state);
  const hint = isLost ? PASSES_BY : (error.hint ?? error.detail);
  return {
    code: isLost ? 'CONNECTION_LOST' : 'SOURCE_QUERY_FAILED',
    message: `${doing}: the server said "${said}" (${state}).`,
    hint: hint ?? 'Look the code up in "PostgreSQL Error Codes"; a filter is the usual cause.',
    retryable: isLost,
  };
}

const HINTS: NetworkHints = {
  refused: 'Check host and port, that the server runs and listens on that address, and that no firewall rejects it.',
  hostMismatch: 'Use the host name that the certificate has, or ssl_mode verify-ca, which checks only who signed it.',
  notTrusted:
    'Set ssl_root_cert to the PEM file of the authority that signed it, or, in a network that you trust, ssl_mode require.',
  tlsFailed: 'Check that the port is the one of PostgreSQL itself and which TLS versions the server allows.',
};

/** What node-postgres says in words alone. */
function explainDriver(failure: PostgresFailure): Explanation | null {
  const { said, address, sslMode } = failure;
  if (/does not support SSL/.test(said)) {
    return {
      code: 'TLS_NOT_SUPPORTED',
      message: `${address} does not speak TLS, and ssl_mode "${sslMode}" insists on it.`,
      hint: 'Turn TLS on at the server; in a network that you trust, ssl_mode prefer connects without it.',
    };
  }
  return /SCRAM.*password|password must be a string/i.test(said) ? passwordMissing(failure) : null;
}
