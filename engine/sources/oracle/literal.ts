import { IngestError } from '../../errors.ts';

/**
 * Quotes an identifier for Oracle, whose names hold no double quote and no zero character ("Database Object Names and Qualifiers" in the SQL reference).
 * @throws IngestError NAME_INVALID
 */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('"') || name.includes('\0')) {
    throw new IngestError('NAME_INVALID', `${JSON.stringify(name)} cannot be a name in Oracle.`, {
      hint: 'Names in Oracle hold any character but the double quote; write them without quotes here.',
    });
  }
  return `"${name}"`;
}

/** A schema-qualified name. */
export function quoteName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** The one encoder of text literals for Oracle: a quote is doubled, nothing else has a meaning. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A literal for a national column: what is not ASCII goes as UTF-16 units, since the database's character set may not have it. */
export function nationalLiteral(text: string): string {
  if (/^[ -~]*$/.test(text)) return `N${textLiteral(text)}`;
  const escaped = text.replace(/[^ -~]|\\/g, (unit) =>
    Array.from({ length: unit.length }, (_, index) => `\\${unit.charCodeAt(index).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
  return `UNISTR(${textLiteral(escaped)})`;
}

/** Masks of times, which leave nothing to the session's settings. `SYYYY` writes years before Christ with a minus. */
export const SECONDS_MASK = 'SYYYY-MM-DD HH24:MI:SS';

/** The mask with so many digits of a second. */
export function timeMask(digits: number): string {
  return digits === 0 ? SECONDS_MASK : `${SECONDS_MASK}.FF${digits}`;
}
