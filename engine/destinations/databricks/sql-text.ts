/** Quotes an identifier for Databricks SQL. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** Quotes a text literal for Databricks SQL, where a backslash escapes. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A point in time as a literal. */
export function timestamp(at: Date): string {
  return `TIMESTAMP ${literal(at.toISOString())}`;
}

/** `catalog`.`schema`.`table` for a table's name. */
export type Qualify = (table: string) => string;

export function qualifier(catalog: string, schema: string): Qualify {
  return (table) => [catalog, schema, table].map(identifier).join('.');
}
