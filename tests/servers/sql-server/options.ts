import type { ServerError } from './errors.ts';
import type { Login } from './tds-login.ts';

export interface SqlServerOptions {
  /** Default `appdb`. */
  database?: string;
  /** Passwords by login. Default: `etl` with `s3cret`. */
  users?: Record<string, string>;
  /** A token of Entra ID that is let in. */
  accessToken?: string;
  tls?: { key: string; cert: string };
  /** Takes no plain connection. */
  requiresTls?: boolean;
  /** What goes wrong at a login; it is told which. */
  onLogin?: (login: Login, count: number) => ServerError | undefined;
  /** What goes wrong with a batch. */
  onBatch?: (sql: string) => BatchFault | undefined;
  /** Sends the rows of statements over this table so many times, encoded once: for measuring clients. */
  repeat?: { table: string; times: number };
}

export interface BatchFault {
  error?: ServerError;
  /** The server computes so long before it answers. */
  seconds?: number;
  /** The connection is cut behind so many rows. */
  cutAfterRows?: number;
}
