import { literal } from '../duckdb/sql.ts';
import { decimalOf } from '../duckdb/type-text.ts';
import { isSafeWidening } from '../duckdb/widening.ts';
import { IngestError, messageOf } from '../errors.ts';

/** Marks errors that {@link exactCast} raises inside DuckDB, so that {@link describeCastError} can tell them from others. */
const MARK = 'INGEST_CAST';
/** Between the parts of such an error; no column name or type holds it. */
const SEPARATOR = '\u001f';

const INTEGERS = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;

/**
 * A DuckDB expression that casts `expression` from one type to another and keeps every value exactly, or raises an error that names the column and the value.
 * DuckDB's own casts round decimals and drop fractions silently; here a value that would change is an error. Types are in canonical spelling.
 * Permitted by spec section 2: digits beyond microseconds (the source warns about them), and DOUBLE or FLOAT where a person asked for it.
 */
export function exactCast(expression: string, from: string, to: string, column: string): string {
  if (from === to) return expression;
  if (from === '"NULL"' || from === 'NULL') return `CAST(NULL AS ${to})`;
  if (to === 'VARCHAR') return `CAST(${expression} AS VARCHAR)`;
  if (isSafeWidening(from, to)) return `CAST(${expression} AS ${to})`;
  return `CASE WHEN ${expression} IS NULL THEN NULL WHEN ${fits(expression, from, to)} THEN TRY_CAST(${expression} AS ${to}) ELSE error(${literal(
    [MARK, column, to, ''].join(SEPARATOR),
  )} || CAST(${expression} AS VARCHAR)) END`;
}

/** Like {@link exactCast}, with null in place of the values that do not fit (contract `discard_value`). */
export function castOrNull(expression: string, from: string, to: string): string {
  if (from === to || to === 'VARCHAR' || isSafeWidening(from, to)) return exactCast(expression, from, to, '');
  return `CASE WHEN ${fits(expression, from, to)} THEN TRY_CAST(${expression} AS ${to}) END`;
}

/** A DuckDB predicate: true where the value casts to `to` without changing, false where not, null for null. */
export function fits(expression: string, from: string, to: string): string {
  const cast = `TRY_CAST(${expression} AS ${to})`;
  const possible = `${cast} IS NOT NULL`;
  if (from === 'TIMESTAMP_NS' && (to === 'TIMESTAMP' || to === 'TIMESTAMP WITH TIME ZONE')) return possible;
  if (to === 'DOUBLE' || to === 'FLOAT') {
    // from an integer column the digits must survive; from text and decimals a person asked for floating point by column_types
    return !INTEGERS.test(from) ? possible : `(${possible} AND TRY_CAST(${cast} AS ${from}) = ${expression})`;
  }
  if (from !== 'VARCHAR') return `(${possible} AND TRY_CAST(${cast} AS ${from}) IS NOT DISTINCT FROM ${expression})`;
  const scale = decimalOf(to)?.scale ?? (INTEGERS.test(to) ? 0 : null);
  if (scale !== null) {
    // the digits behind the point decide; with an exponent the value itself is compared, as double
    const fraction = `length(rtrim(regexp_extract(${expression}, '\\.([0-9]*)', 1), '0'))`;
    return `(${possible} AND CASE WHEN regexp_matches(${expression}, '[eE]') THEN TRY_CAST(${expression} AS DOUBLE) = CAST(${cast} AS DOUBLE) ELSE ${fraction} <= ${scale} END)`;
  }
  if (to === 'DATE') {
    // a time of day would be dropped
    return `(${possible} AND TRY_CAST(${expression} AS TIMESTAMP) = CAST(${cast} AS TIMESTAMP))`;
  }
  if (to === 'TIMESTAMP') {
    // an offset would be dropped; the session's zone is UTC, so a text without one compares equal
    return `(${possible} AND TRY_CAST(${expression} AS TIMESTAMP WITH TIME ZONE) = CAST(${cast} AS TIMESTAMP WITH TIME ZONE))`;
  }
  return possible;
}

/** Turns an error raised by {@link exactCast} (or a plain DuckDB conversion error) into one that names column, value and way out; any other error is given back as it is. */
export function describeCastError(error: unknown, job: string): unknown {
  const message = messageOf(error);
  const at = message.indexOf(MARK + SEPARATOR);
  if (at >= 0) {
    const [, column, type, ...value] = message.slice(at).split(SEPARATOR);
    const text = value.join(SEPARATOR).split('\n')[0] ?? '';
    return new IngestError(
      'VALUE_DOES_NOT_FIT',
      `${job}: column "${column}" has the value ${shorten(text)}, which ${type} cannot hold exactly.`,
      {
        hint: `Choose a type that holds it in column_types, e.g. \`${column}:varchar\` or a wider decimal.`,
      },
    );
  }
  return error;
}

function shorten(text: string): string {
  return text.length > 80 ? `"${text.slice(0, 77)}…" (${text.length} characters)` : `"${text}"`;
}

/** The type that a Parquet file keeps without loss: DuckDB writes INTERVAL in milliseconds, HUGEINT as DOUBLE, and forgets a time's offset, so those are kept as text. */
export function storedType(type: string): string {
  return /\b(INTERVAL|TIME WITH TIME ZONE|U?HUGEINT|BIT|BIGNUM|VARINT|UNION)\b/.test(type) ? 'VARCHAR' : type;
}
