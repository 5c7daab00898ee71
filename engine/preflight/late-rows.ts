import path from 'node:path';
import { identifier } from '../duckdb/sql.ts';
import type { Workspace, WorkspaceConnection } from '../duckdb/workspace.ts';
import { isIngestError } from '../errors.ts';
import { landedName, planTables, type TablePlan } from '../pipeline/table-plan.ts';
import { quietContext } from '../quality/job-checks.ts';
import type { IncrementalRead, ReadRequest, Segment, Source } from '../sources/source.ts';
import { type Job, jobName } from '../spec/job.ts';
import { parseLag } from '../spec/lag.ts';
import type { DestinationLook } from './look-at-destination.ts';
import type { LateRows } from './preflight-report.ts';
import type { TargetFacts } from './target-facts.ts';
import { countText, lagFor, spanText, type WatermarkScale } from './words.ts';

/** How far below the watermark is looked where nobody says otherwise: late transactions are seldom older, and a day is read quickly. */
export const LOOK_BACK = { time: '1d', number: '100000' } as const;
/** Rows that are compared at most; only their keys and watermarks are read. */
const MOST_ROWS = 1_000_000;

export interface LateRowsOptions {
  job: Job;
  /** The next run's request; it continues a committed load. */
  request: ReadRequest & { incremental: IncrementalRead };
  facts: TargetFacts;
  source: Source;
  look: DestinationLook;
  workspace: Workspace;
  /** A private folder of this probe's. */
  folder: string;
  /** As `lag` is written; null takes {@link LOOK_BACK}. */
  lookBack: string | null;
  signal: AbortSignal;
}

/**
 * Looks for rows that a load passed by: rows of the source whose watermark lies below the last one, and that are not in the target. They came
 * late (a transaction that was committed after a load had read beyond its rows' time), or were dated back.
 *
 * Keys and watermarks of a stretch below the watermark are read from the source, by the job's own read, and compared with the target's rows: by
 * primary key, else by how many rows there are of each watermark. Only a look at both sides can tell: a source does not know when a row became visible.
 */
export async function probeLateRows(options: LateRowsOptions): Promise<LateRows> {
  const { job, look } = options;
  const unknown = (message: string): LateRows => ({ ...NOTHING, status: 'unknown', message });
  const { name, location } = await look.about().then((about) => ({ name: about.name, location: about.location() }));
  // a table may have any size, and a bucket or a warehouse gives its rows only by sending them
  if (!path.isAbsolute(location))
    return unknown(
      `The rows of ${name} are not on this computer, and are not copied here to compare them. A load into a duckdb destination can tell.`,
    );
  if (options.facts.tables.length === 0)
    return unknown(`There is a watermark, and no table ${options.facts.target.schema}.${options.facts.target.table}.`);
  const connection = await options.workspace.connect();
  const unwatch = connection.interruptOn(options.signal);
  const keys = options.workspace.uniqueName('late_rows');
  try {
    const scale = scaleOf(options);
    if (scale === null)
      return unknown(
        `${job.watermark_column} is neither a time nor a number: it has no distance, so that no lag could bring late rows.`,
      );
    const span = options.lookBack ?? LOOK_BACK[scale === 'number' ? 'number' : 'time'];
    const read = await readKeys(options, span, connection, keys);
    if (read === null)
      return { ...NOTHING, looked_back: span, message: `The source has no row in the ${span} below the watermark.` };
    return await compare(options, connection, { ...read, scale, span, keys });
  } catch (error) {
    options.signal.throwIfAborted();
    if (!isIngestError(error)) throw error;
    return unknown(`It could not be looked below the watermark. ${error.message}`);
  } finally {
    unwatch();
    await connection.run(`DROP TABLE IF EXISTS ${identifier(keys)}`).catch(() => undefined);
    connection.close();
  }
}

const NOTHING: LateRows = {
  status: 'none',
  message: '',
  looked_back: null,
  rows_compared: 0,
  late_rows: 0,
  covered_rows: 0,
  at_least: null,
  at_most: null,
  suggested_lag: null,
};

/** By the live column: what the watermark landed as is what can be compared. */
function scaleOf({ job, facts }: LateRowsOptions): WatermarkScale | null {
  const name = landedName(job.watermark_column ?? '', { maxIdentifierLength: 65_536 });
  const table = facts.tables.find((candidate) => candidate.name.toLowerCase() === facts.target.table.toLowerCase());
  const type = table?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.type ?? '';
  if (/^DATE$/i.test(type)) return 'date';
  if (/^TIMESTAMP/i.test(type)) return 'time';
  return /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT)/i.test(type) ? 'number' : null;
}

interface ReadKeys {
  /** Landed names. */
  watermark: string;
  primaryKey: string[];
}

/** Fills `table` with keys and watermarks, typed as they land; null where there is no row. */
async function readKeys(
  options: LateRowsOptions,
  span: string,
  connection: WorkspaceConnection,
  table: string,
): Promise<ReadKeys | null> {
  const { job, request, source, look, workspace, folder, signal, facts } = options;
  const { capabilities } = await look.about();
  const lag = parseLag(span);
  const wanted = [...job.primary_key, request.incremental.column];
  const reading = source.read(
    {
      ...request,
      job: { ...job, columns: wanted },
      // its own read, for a stretch that ends where the next run's begins
      incremental: { ...request.incremental, lag, end: request.incremental.from, nullWatermarks: 'exclude' },
      sampleRows: MOST_ROWS,
    },
    quietContext(workspace, folder, signal),
  );
  const planOf = (segment: Segment): TablePlan =>
    planTables({
      job: jobName(job),
      table: facts.target.table,
      columns: segment.columns,
      unnest: false,
      maxNesting: 0,
      existing: facts.tables,
      contract: 'evolve',
      replaces: false,
      capabilities,
    });
  let plan: TablePlan | null = null;
  try {
    for (let next = await reading.next(); !next.done; next = await reading.next()) {
      const segment = next.value;
      try {
        const into = plan === null ? `CREATE TEMP TABLE ${identifier(table)} AS` : `INSERT INTO ${identifier(table)}`;
        plan ??= planOf(segment);
        const list = plan.root.columns
          .filter(({ name }) => !name.startsWith('_dlt_'))
          .map(({ name, expression }) => `${expression} AS ${identifier(name)}`);
        await connection.run(`${into} SELECT ${list.join(', ')} FROM ${segment.from}`);
      } finally {
        await segment.release();
      }
    }
  } finally {
    await reading.return({ verdict: { reason: 'stopped', detail: '', records: 0 }, retries: 0 });
  }
  if (plan === null) return null;
  const landed = plan;
  return {
    watermark: landedName(request.incremental.column, capabilities, landed),
    primaryKey: job.primary_key.map((key) => landedName(key, capabilities, landed)),
  };
}

interface Comparison extends ReadKeys {
  scale: WatermarkScale;
  span: string;
  /** Table with keys and watermarks of the source. */
  keys: string;
}

interface Counts {
  compared: string;
  late: string | null;
  covered: string | null;
  at_least: number | null;
  at_most: number | null;
}

async function compare(
  options: LateRowsOptions,
  connection: WorkspaceConnection,
  comparison: Comparison,
): Promise<LateRows> {
  const { facts, look, signal } = options;
  const counts = await look.ask(signal, async (destination) => {
    const from = await destination.from(facts.target, facts.target.table);
    const [row] = await connection.rows<Counts>(comparisonSql(options, comparison, from));
    return row;
  });
  const found = {
    looked_back: comparison.span,
    rows_compared: Number(counts?.compared ?? 0),
    late_rows: Number(counts?.late ?? 0),
    covered_rows: Number(counts?.covered ?? 0),
    at_least: counts?.at_least ?? null,
    at_most: counts?.at_most ?? null,
  };
  return judge(options, comparison, found);
}

/** Distances are taken from the watermark of the load that passed a row by, and from the newest. */
function comparisonSql({ job, facts }: LateRowsOptions, comparison: Comparison, from: string): string {
  const { primaryKey, scale, keys } = comparison;
  const w = identifier(comparison.watermark);
  const distance = (expression: string) =>
    scale === 'number' ? `CAST(${expression} AS DOUBLE)` : `epoch(${expression})`;
  const root = facts.tables.find(({ name }) => name.toLowerCase() === facts.target.table.toLowerCase());
  const loads = root?.columns.some(({ name }) => name === '_dlt_load_id') ? 'GROUP BY _dlt_load_id' : '';
  const load = loads === '' ? '' : ', _dlt_load_id';
  const columns = primaryKey.map((key) => `${identifier(key)}, `).join('');
  const sameKey = primaryKey
    .map((key) => `landed.${identifier(key)} IS NOT DISTINCT FROM source.${identifier(key)}`)
    .join(' AND ');
  const late =
    primaryKey.length > 0
      ? `SELECT ${w} AS w, 1 AS n FROM source WHERE NOT EXISTS (SELECT 1 FROM landed WHERE ${sameKey} AND landed.w >= source.${w})`
      : `SELECT s.w, s.n - coalesce(l.n, 0) AS n FROM (SELECT ${w} AS w, count(*) AS n FROM source GROUP BY 1) s
         LEFT JOIN (SELECT w, count(*) AS n FROM landed GROUP BY 1) l ON l.w = s.w WHERE s.n > coalesce(l.n, 0)`;
  // an initial value was meant to leave out what lies below it
  const floor = job.last_watermark === null ? '' : ` WHERE ${w} >= (SELECT min(${w}) FROM ${from})`;
  const finite = scale === 'number' ? '' : ` AND isfinite(${w})`;
  const lag = job.lag === null ? -1 : job.lag.kind === 'number' ? Number(job.lag.value) : job.lag.seconds;
  return `WITH source AS (SELECT * FROM ${identifier(keys)}${floor}),
    landed AS MATERIALIZED (SELECT ${columns}${w} AS w${load} FROM ${from} WHERE ${w} >= (SELECT min(${w}) FROM source)${finite}),
    loads AS (SELECT max(w) AS top FROM landed ${loads}),
    newest AS (SELECT max(top) AS top FROM loads),
    late AS (${late}),
    measured AS (
      SELECT n, ${distance('newest.top')} - ${distance('late.w')} AS below, ${distance('passing.top')} - ${distance('late.w')} AS passed
      FROM late CROSS JOIN newest ASOF LEFT JOIN loads AS passing ON late.w < passing.top)
    SELECT (SELECT count(*) FROM source) AS compared, sum(n) AS late, sum(n) FILTER (below <= ${lag}) AS covered,
      max(passed) AS at_least, max(below) AS at_most FROM measured`;
}

type Found = Omit<LateRows, 'status' | 'message' | 'suggested_lag'>;

function judge({ job }: LateRowsOptions, { scale, span }: Comparison, found: Found): LateRows {
  const column = job.watermark_column;
  const compared = countText(found.rows_compared, 'row');
  const part = found.rows_compared >= MOST_ROWS ? ` (only so many of them)` : '';
  if (found.late_rows === 0) {
    const message = `${compared}${part} of the ${span} below the watermark compared: all are in the target.`;
    return { ...found, status: 'none', message, suggested_lag: null };
  }
  if (found.late_rows === found.rows_compared && found.rows_compared > 1) {
    return {
      ...found,
      status: 'unknown',
      message: `None of the ${compared} of the source in the ${span} below the watermark is in the target: the watermark was set by hand, or the target was emptied. How late rows come cannot be told from that.`,
      suggested_lag: null,
    };
  }
  const [least, most] = [found.at_least ?? found.at_most ?? 0, found.at_most ?? 0];
  const missing = found.late_rows - found.covered_rows;
  const rows = `${countText(found.late_rows, 'row')} of ${compared}${part} below the watermark ${found.late_rows === 1 ? 'is' : 'are'} not in the target`;
  const lateness =
    spanText(scale, least) === spanText(scale, most)
      ? `up to ${spanText(scale, most)} late`
      : `between ${spanText(scale, least)} and ${spanText(scale, most)} late`;
  const how = `${rows}: they arrived ${lateness} by ${column}, or were dated back.`;
  if (missing === 0) {
    const message = `${how} The job's lag covers them: the next run brings them.`;
    return { ...found, status: 'found', message, suggested_lag: null };
  }
  const lag = lagFor(scale, most);
  const later = lagFor(scale, least);
  const afterwards = later === lag ? '' : ` Once they are there, ${later} is enough for what was seen.`;
  const key =
    job.primary_key.length === 0
      ? ' A lag needs a primary_key, which the job has not: name its key columns first.'
      : '';
  return {
    ...found,
    status: 'found',
    message: `${how} Set lag to ${lag}: the next run reads them, too.${afterwards}${key}`,
    suggested_lag: lag,
  };
}
