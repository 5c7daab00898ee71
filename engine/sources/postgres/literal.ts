/** Quotes an identifier for PostgreSQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A schema-qualified name. */
export function quoteName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/**
 * The one encoder of text literals for PostgreSQL, needed where a statement takes no parameters (COPY). Backslashes make it an E'' literal,
 * so that it means the same whatever `standard_conforming_strings` is. PostgreSQL has no text with a zero character.
 */
export function textLiteral(text: string): string {
  if (text.includes('\0')) throw new TypeError('PostgreSQL has no text with a zero character.');
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/** A literal of a type that the server names itself (format_type), e.g. `'2024-05-01'::timestamp with time zone`. */
export function typedLiteral(text: string, type: string): string {
  return `${textLiteral(text)}::${type}`;
}
