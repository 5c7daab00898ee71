export interface ServerError {
  number: number;
  message: string;
  severity?: number;
}

/** An error of the server, as it goes to the client. */
export class SqlError extends Error {
  readonly number: number;
  readonly severity: number;

  constructor(number: number, message: string, severity = 16) {
    super(message);
    this.number = number;
    this.severity = severity;
  }
}

/** DuckDB's error as SQL Server would put it. */
export function sqlError(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const table = /Table with name "?([^"!]+?)"? does not exist/.exec(message);
  if (table) return new SqlError(208, `Invalid object name '${table[1]}'.`);
  const column = /Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"/.exec(message);
  if (column) return new SqlError(207, `Invalid column name '${column[1] ?? column[2]}'.`);
  const syntax = /syntax error at or near "([^"]+)"/.exec(message);
  if (syntax) return new SqlError(102, `Incorrect syntax near '${syntax[1]}'.`, 15);
  if (/Conversion Error|Could not convert|out of range/i.test(message)) return new SqlError(241, 'Conversion failed.');
  return new SqlError(50000, `test server: ${message}`);
}
