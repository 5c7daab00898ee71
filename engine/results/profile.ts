import { identifier } from '../duckdb/sql.ts';
import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import type { OpenResults } from './open-results.ts';
import { kindOf, textOf } from './value-text.ts';

/** Bars of a histogram, at most. */
const BARS = 12;
/** From here on distinct values are estimated (within about 2 %). */
const EXACT_ROWS = 2_000_000;
const LABEL_CHARACTERS = 60;

export interface Profile {
  name: string;
  type: string;
  /** 0–1; 0 for a table without rows. */
  null_rate: number;
  distinct: number;
  min: string | null;
  max: string | null;
  /** Numbers and times: bins of equal width, in order. Text: the most frequent values. Nested and binary values have none. */
  bars: { label: string; count: number }[];
}

/**
 * The shape of every column of a table.
 * @throws IngestError TABLE_NOT_FOUND
 */
export async function profileTable(results: OpenResults, schema: string, table: string): Promise<Profile[]> {
  const { columns, from, rows } = results.table(schema, table);
  const profiles: Profile[] = [];
  for (const column of columns) profiles.push(await profileColumn(results.connection, from, column, rows));
  return profiles;
}

async function profileColumn(
  connection: WorkspaceConnection,
  from: string,
  { name, type }: { name: string; type: string },
  rows: number,
): Promise<Profile> {
  const column = identifier(name);
  const kind = kindOf(type);
  const comparable = kind !== 'nested' && kind !== 'binary';
  const countable = comparable ? column : textOf(column, type);
  const extreme = (of: string) => (comparable ? `left(${textOf(`${of}(${column})`, type)}, 200)` : 'NULL');
  const [facts] = await connection.rows<{ filled: string; distinct: string; low: string | null; high: string | null }>(
    `SELECT count(${column}) AS filled, ${rows <= EXACT_ROWS ? 'count(DISTINCT ' : 'approx_count_distinct('}${countable}) AS distinct,
       ${extreme('min')} AS low, ${extreme('max')} AS high FROM ${from} AS source`,
  );
  const { filled, distinct, low, high } = facts!;
  const bars =
    kind === 'number' || kind === 'time'
      ? await binsOf(connection, from, column, type)
      : comparable
        ? await mostFrequent(connection, from, column, type)
        : [];
  return {
    name,
    type,
    null_rate: rows === 0 ? 0 : (rows - Number(filled)) / rows,
    distinct: Math.min(Number(distinct), Number(filled)),
    min: low,
    max: high,
    bars,
  };
}

/** A column's values on a scale of doubles; bins need no more. */
function scaleOf(column: string, type: string): string {
  if (kindOf(type) === 'number') return `CAST(${column} AS DOUBLE)`;
  if (isTimeOfDay(type)) return `epoch(${column})`;
  return `CAST(epoch_us(${/ZONE$/.test(type) ? column : `CAST(${column} AS TIMESTAMP)`}) AS DOUBLE)`;
}

function isTimeOfDay(type: string): boolean {
  return /^TIME\b/.test(type);
}

async function binsOf(
  connection: WorkspaceConnection,
  from: string,
  column: string,
  type: string,
): Promise<Profile['bars']> {
  const whole = kindOf(type) === 'number' && /INT/.test(type);
  const infinite = kindOf(type) === 'time' && !isTimeOfDay(type) ? ` AND isfinite(${column})` : '';
  const found = await connection.rows<{ low: number; high: number; bin: number; count: string }>(
    `WITH scaled AS (SELECT ${scaleOf(column, type)} AS x FROM ${from} AS source WHERE ${column} IS NOT NULL${infinite}),
       finite AS (SELECT x FROM scaled WHERE isfinite(x)),
       ends AS (SELECT min(x) AS low, max(x) AS high FROM finite)
     SELECT low, high, CAST(CASE WHEN high > low THEN least(floor((x - low) / ((high - low) / ${BARS})), ${BARS - 1}) ELSE 0 END AS INTEGER) AS bin,
       count(*) AS count FROM finite, ends GROUP BY ALL ORDER BY bin`,
  );
  const first = found[0];
  if (!first) return [];
  const { low, high } = first;
  const bins = high > low ? Math.min(BARS, whole ? high - low + 1 : BARS) : 1;
  const counts = new Array<number>(high > low ? BARS : 1).fill(0);
  for (const { bin, count } of found) counts[bin]! += Number(count);
  const label = (at: number) => scaleText(at, type, high - low);
  // Fewer whole numbers than bars: each has a bar of its own.
  if (whole && bins < BARS) {
    const each = await connection.rows<{ x: string; count: string }>(
      `SELECT ${column} AS x, count(*) AS count FROM ${from} AS source WHERE ${column} IS NOT NULL GROUP BY ${column} ORDER BY ${column}`,
    );
    return each.map(({ x, count }) => ({ label: String(x), count: Number(count) }));
  }
  if (counts.length === 1) return [{ label: label(low), count: counts[0]! }];
  const width = (high - low) / BARS;
  return counts.map((count, at) => ({ label: `${label(low + at * width)} – ${label(low + (at + 1) * width)}`, count }));
}

function scaleText(at: number, type: string, range: number): string {
  if (kindOf(type) === 'number') {
    const digits = range === 0 ? undefined : Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(range))));
    return at.toLocaleString('en-US', digits === undefined ? {} : { maximumFractionDigits: digits });
  }
  if (isTimeOfDay(type)) return new Date(at * 1000).toISOString().slice(11, 19);
  const time = new Date(at / 1000);
  if (Number.isNaN(time.getTime())) return `${Math.round(at / 31_556_952e6) + 1970}`;
  const text = time.toISOString().replace('T', ' ');
  return range > 3 * 86_400e6 || type === 'DATE' ? text.slice(0, -14) : text.slice(0, -5);
}

async function mostFrequent(
  connection: WorkspaceConnection,
  from: string,
  column: string,
  type: string,
): Promise<Profile['bars']> {
  const found = await connection.rows<{ label: string; count: string }>(
    `SELECT left(${textOf(column, type)}, ${LABEL_CHARACTERS}) AS label, count AS count FROM (
       SELECT ${column}, count(*) AS count FROM ${from} AS source WHERE ${column} IS NOT NULL
       GROUP BY ${column} ORDER BY count DESC, ${column} LIMIT ${BARS})`,
  );
  return found.map(({ label, count }) => ({ label, count: Number(count) }));
}
