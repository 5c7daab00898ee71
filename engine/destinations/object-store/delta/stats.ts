import { identifier } from '../../../duckdb/sql.ts';
import type { PackageColumn } from '../../../load/load-package.ts';
import type { ReaderConnection } from '../../reader.ts';
import { exactPaths } from '../stored-rows.ts';

/** Columns that statistics are collected of: Delta's default of `delta.dataSkippingNumIndexedCols`. */
const MOST_COLUMNS = 32;
/** Longer texts are cut as Spark does; then only a lower bound remains. */
const MOST_CHARACTERS = 32;

/** How bounds of a type are said in JSON, as SQL that gives text or null; `c` is the value. Missing types have none. */
const BOUNDS: readonly [pattern: RegExp, low: (c: string) => string, high: (c: string) => string, quoted: boolean][] = [
  [/^(TINYINT|SMALLINT|INTEGER|BIGINT|DECIMAL\(.*\))$/, asText, asText, false],
  [/^(FLOAT|DOUBLE)$/, finite, finite, false],
  [/^DATE$/, fourDigits, fourDigits, true],
  // Milliseconds are what all readers take: rounded away from the values.
  [/^TIMESTAMP WITH TIME ZONE$/, (c) => instant(c, 0), (c) => instant(c, 999), true],
  [
    /^VARCHAR$/,
    (c) => `left(${c}, ${MOST_CHARACTERS})`,
    (c) => `CASE WHEN length(${c}) <= ${MOST_CHARACTERS} THEN ${c} END`,
    true,
  ],
];

/**
 * Per-file statistics as JSON text (PROTOCOL.md, "Per-file Statistics"): count of rows, and of the first columns nulls and bounds, exactly or wider.
 * @param path a Parquet file on this computer
 */
export async function fileStats(
  path: string,
  columns: readonly PackageColumn[],
  connection: ReaderConnection,
): Promise<string> {
  const indexed = columns.slice(0, MOST_COLUMNS).flatMap((column, at) => {
    const bounds = BOUNDS.find(([pattern]) => pattern.test(column.stored_type));
    return bounds ? [{ name: column.name, at, bounds }] : [];
  });
  const aggregates = indexed.flatMap(({ name, at, bounds: [, low, high] }) => {
    const c = identifier(name);
    return [`${low(`min(${c})`)} AS low${at}`, `${high(`max(${c})`)} AS high${at}`, `count(${c}) AS n${at}`];
  });
  const [row] = await connection.rows<Record<string, string | null>>(
    `SELECT ${['count(*) AS total', ...aggregates].join(', ')} FROM read_parquet(${exactPaths([path])}, hive_partitioning = false)`,
  );
  const total = Number(row?.total ?? 0);
  const bound = (side: 'low' | 'high') =>
    indexed.flatMap(({ name, at, bounds: [, , , quoted] }) => {
      const value = row?.[`${side}${at}`];
      // Numbers keep all their digits: they never become JavaScript's.
      return value == null ? [] : [`${JSON.stringify(name)}:${quoted ? JSON.stringify(value) : value}`];
    });
  const nulls = indexed.map(({ name, at }) => `${JSON.stringify(name)}:${total - Number(row?.[`n${at}`] ?? 0)}`);
  return `{"numRecords":${total},"minValues":{${bound('low')}},"maxValues":{${bound('high')}},"nullCount":{${nulls}}}`;
}

function asText(c: string): string {
  return `CAST(${c} AS VARCHAR)`;
}

/** NaN and infinity are no JSON. A FLOAT's shortest digits are not its value to who reads a DOUBLE. */
function finite(c: string): string {
  return `CASE WHEN isfinite(${c}) THEN CAST(CAST(${c} AS DOUBLE) AS VARCHAR) END`;
}

function fourDigits(c: string): string {
  return `CASE WHEN isfinite(${c}) AND year(${c}) BETWEEN 1 AND 9999 THEN CAST(${c} AS VARCHAR) END`;
}

function instant(c: string, roundUpMicroseconds: number): string {
  const rounded = `(${c} + to_microseconds(${roundUpMicroseconds}))`;
  return `CASE WHEN isfinite(${c}) AND year(${c}) BETWEEN 1 AND 9998 THEN strftime(${rounded} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ') END`;
}
