/** An error of the database, as a client gets it. */
export class OracleError extends Error {
  readonly number: number;

  constructor(number: number, text: string) {
    super(`ORA-${String(number).padStart(5, '0')}: ${text}`);
    this.number = number;
  }
}

/** What DuckDB complains about, in Oracle's words. */
export function asOracleError(error: unknown): OracleError {
  if (error instanceof OracleError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const table = /Table with name "?([^"!\s]+)"? does not exist/.exec(said)?.[1];
  if (table !== undefined) return new OracleError(942, 'table or view does not exist');
  const column = /(?:Referenced column|Values list "q" does not have a column named) "([^"]+)"/.exec(said)?.[1];
  if (column !== undefined) return new OracleError(904, `"${column.toUpperCase()}": invalid identifier`);
  if (/Parser Error/.test(said)) return new OracleError(933, `SQL command not properly ended (${said.slice(0, 200)})`);
  return new OracleError(6502, `PL/SQL: numeric or value error: ${said.slice(0, 300)}`);
}
