import { IngestError } from '../../errors.ts';
import {
  connectTimeout,
  type ErrorRule,
  type Explanation,
  explainByRule,
  explained,
  explainNetwork,
  type Failure,
  type NetworkHints,
  PASSES_BY,
  saidBy,
} from '../database/explain-error.ts';
import { addressOf, type SqlServerConnection, userOf } from './connect-options.ts';

/** The slice of tedious', of sockets' and of TLS's errors that says what happened. */
interface DriverError extends Error {
  /** `ELOGIN`, `ESOCKET`, `ETIMEOUT` …, or errno of a socket. */
  code?: string;
  /** Number of a server's error. */
  number?: number;
  errors?: unknown[];
}

export interface ErrorContext {
  connection: SqlServerConnection;
  /** What was being done, e.g. `Reading dbo.Orders`. */
  doing: string;
}

/**
 * Turns what the driver, the socket or the server threw into an IngestError with a plain cause and a way out. Transient failures (connection
 * lost, deadlock, Azure SQL's reconfigurations and limits) are retryable. No password is in any of these texts.
 */
export function explainError(error: unknown, context: ErrorContext): IngestError {
  return explained(error, () => explain(rootOf(error), context));
}

/** The server would have got the password in plain text. */
export function notEncrypted(connection: SqlServerConnection): IngestError {
  return new IngestError(
    'TLS_NOT_SUPPORTED',
    `${addressOf(connection)} does not speak TLS, and the connection's encrypt insists on it.`,
    { hint: 'Turn TLS on at the server; in a network that you trust, encrypt = false connects without it.' },
  );
}

/** What is behind wrappers: a server's error of a login, or the socket's. */
function rootOf(error: unknown): DriverError {
  const own = error as DriverError;
  if (own.number !== undefined) return own;
  const inner = own.errors?.[0] ?? own.cause;
  return inner instanceof Error ? rootOf(inner) : own;
}

interface MssqlFailure extends Failure {
  user: string;
  database: string;
  isSqlLogin: boolean;
}

function explain(error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const { host, database, connect_timeout: connectSeconds } = connection;
  const { number, code = '' } = error;
  const failure: MssqlFailure = {
    doing,
    address: addressOf(connection),
    host,
    said: saidBy(error),
    code,
    connectSeconds,
    user: userOf(connection),
    database,
    isSqlLogin: connection.authentication === 'sql',
  };
  if (number !== undefined) return explainByRule(SERVER_RULES, number, failure) ?? serverError(number, failure);
  return (
    explainDriver(failure) ??
    explainNetwork(failure, HINTS) ??
    explainByRule(LOSS_RULES, code, failure) ?? { code: 'SOURCE_FAILED', message: `${doing}: ${failure.said}.` }
  );
}

/** See "Database Engine events and errors" in Microsoft's manual. */
const SERVER_RULES: readonly ErrorRule<MssqlFailure>[] = [
  {
    on: [18456],
    code: 'LOGIN_FAILED',
    message: ({ address, user }) => `${address} refused the login of ${user}.`,
    hint: ({ isSqlLogin }) =>
      isSqlLogin
        ? 'Check username and password, and that the server allows SQL logins (mixed mode); `ingest secrets explain` shows where the password came from.'
        : 'Check that this identity is a user of the database (CREATE USER … FROM EXTERNAL PROVIDER), and which database is asked for.',
  },
  {
    on: [18452],
    code: 'LOGIN_FAILED',
    message: ({ address, user }) => `${address} does not trust the domain of ${user}.`,
    hint: 'The driver cannot sign in with the Windows user itself (SSPI): give authentication = "ntlm" with domain, username and password, or use Entra ID.',
  },
  {
    on: [18470, 18486, 18487, 18488],
    code: 'LOGIN_FAILED',
    message: ({ address, user, said }) => `${address} does not let ${user} in: ${said}.`,
    hint: 'The account is disabled, locked, or its password has to be changed: ask the server’s administrator.',
  },
  {
    on: [40615, 40914],
    code: 'FIREWALL_BLOCKED',
    message: ({ address, said }) => `${address} does not allow this machine's address: ${said}.`,
    hint: 'Add the address to the firewall rules of the Azure SQL server, or come through the VPN or private endpoint.',
  },
  {
    on: [4060, 911],
    code: 'DATABASE_NOT_FOUND',
    message: ({ address, user, database }) => `There is no database "${database}" on ${address} that ${user} may open.`,
    hint: 'Check database of the connection, and that the login is a user of it.',
  },
  {
    on: [229, 230, 262, 297, 300, 916],
    code: 'PERMISSION_DENIED',
    message: ({ doing, user, said }) => `${doing}: ${user} may not do that: ${said}.`,
    hint: 'Ask the owner for GRANT SELECT ON … TO the user, or for the role db_datareader.',
  },
  {
    on: [208],
    code: 'SOURCE_TABLE_NOT_FOUND',
    hint: 'The table was dropped or renamed meanwhile, or the filter names a table that is not there.',
  },
  { on: [207], code: 'SOURCE_COLUMN_NOT_FOUND', hint: 'Check the columns that the filter names.' },
  {
    on: [102, 105, 137, 156, 170, 4145],
    code: 'SOURCE_SYNTAX',
    message: ({ doing, said }) => `${doing}: the server cannot read the statement: ${said}.`,
    hint: "The job's filter is the usual cause: write one condition as it would stand after WHERE; texts in single quotes, no variables.",
  },
  {
    on: [235, 241, 242, 244, 245, 248, 257, 295, 402, 529, 8114, 8115, 8169, 9807],
    code: 'SOURCE_CONVERSION',
    hint: 'A filter compares a column with a value of another type, or a view computes with texts that are no numbers or dates.',
  },
  {
    on: [3952],
    code: 'SNAPSHOT_NOT_ALLOWED',
    hint: 'ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or partitions = 1.',
  },
  {
    on: [3961],
    code: 'SOURCE_TABLE_CHANGED',
    message: ({ doing, said }) => `${doing}: the table was altered during the read: ${said}.`,
    hint: 'The read is tried again.',
    retryable: true,
  },
];

/** "Troubleshoot transient connection errors in SQL Database" in Microsoft's manual, and what a restart or a lock brings. */
const TRANSIENT = new Set([
  64, 233, 615, 926, 1205, 1222, 3960, 4221, 10053, 10054, 10060, 10928, 10929, 11001, 40143, 40166, 40197, 40501,
  40540, 40613, 42108, 42109, 49918, 49919, 49920, 18401, 6005, 596, 3635,
]);
const CONFLICTS = new Set([1205, 1222, 3960]);

function serverError(number: number, { doing, said }: MssqlFailure): Explanation {
  const isTransient = TRANSIENT.has(number);
  const code = isTransient ? 'CONNECTION_LOST' : 'SOURCE_QUERY_FAILED';
  return {
    code: CONFLICTS.has(number) ? 'SOURCE_CONFLICT' : code,
    message: `${doing}: the server said "${said}" (${number}).`,
    hint: isTransient
      ? PASSES_BY
      : 'Look the number up in "Database Engine events and errors"; a filter is the usual cause.',
    retryable: isTransient,
  };
}

const HINTS: NetworkHints = {
  refused: 'Check host and port, that TCP/IP is enabled for the server, and that no firewall rejects it.',
  hostMismatch: 'Use the host name that the certificate has.',
  notTrusted:
    'Set ssl_root_cert to the PEM file of the authority that signed it, or, in a network that you trust, trust_server_certificate = true.',
  tlsFailed: 'Check that the port is the one of SQL Server itself; servers before 2016 may need an update for TLS 1.2.',
};

/** tedious' own codes: see its `src/errors.ts` and `src/connection.ts`. */
const DRIVER_RULES: readonly ErrorRule<MssqlFailure>[] = [
  {
    on: ['EENCRYPT'],
    code: 'TLS_REQUIRED',
    message: ({ address }) => `${address} takes encrypted connections only.`,
    hint: 'Set encrypt = true.',
  },
  {
    on: ['EFEDAUTH', 'ELOGIN'],
    code: 'LOGIN_FAILED',
    message: ({ address, user, said }) => `${address} refused ${user}: ${said}.`,
    hint: 'Check the sign-in of the connection.',
  },
];

const LOSS_RULES: readonly ErrorRule<MssqlFailure>[] = [
  {
    on: ['ECONNCLOSED', 'EINVALIDSTATE', 'ESOCKET'],
    code: 'CONNECTION_LOST',
    message: ({ doing, address, said }) => `${doing}: the connection to ${address} was lost (${said}).`,
    hint: 'The server, a proxy, a firewall or the network ended it; the read is tried again.',
    retryable: true,
  },
];

function explainDriver(failure: MssqlFailure): Explanation | null {
  const { code, said, address } = failure;
  if (code === 'ETIMEOUT') return connectTimeout(failure);
  if (/SQL Server Browser|^Port for /.test(said)) {
    return {
      code: 'INSTANCE_NOT_FOUND',
      message: `${address}: the instance was not found (${said}).`,
      hint: 'Check instance, that SQL Server Browser runs and UDP port 1434 is open; or set port and leave instance out.',
    };
  }
  return explainByRule(DRIVER_RULES, code, failure);
}
