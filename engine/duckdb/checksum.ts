/**
 * What a column's values are in a checksum that every system can compute alike: the sum over all values, in whatever order, of the first 15 hexadecimal
 * digits of MD5 over the value's UTF-8 text, as a number. Texts: integers in digits; decimals without trailing zeros; `true`, `false`; dates `YYYY-MM-DD`;
 * timestamps as microseconds since the epoch (without a zone: UTC); UUIDs in lower case. Nulls add nothing. Binary floating point has no such text.
 */
export const CHECKSUM_KINDS = ['integer', 'decimal', 'text', 'boolean', 'date', 'timestamp', 'uuid'] as const;
export type ChecksumKind = (typeof CHECKSUM_KINDS)[number];

/** DuckDB's SQL for it, as text; null over no values. */
export function checksumSql(expression: string, kind: ChecksumKind): string {
  const digits = `substr(md5(${canonicalText(expression, kind)}), 1, 15)`;
  return `CAST(sum(CAST('0x' || ${digits} AS BIGINT)) AS VARCHAR)`;
}

function canonicalText(expression: string, kind: ChecksumKind): string {
  const text = `CAST(${expression} AS VARCHAR)`;
  switch (kind) {
    case 'integer':
    case 'text':
    case 'boolean':
    case 'date':
    case 'uuid':
      return text;
    case 'decimal':
      return `CASE WHEN contains(${text}, '.') THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
    case 'timestamp':
      return `CAST(epoch_us(${expression}) AS VARCHAR)`;
    default:
      return kind satisfies never;
  }
}
