import type { FitFinding, FitVerdict } from '../destinations/destination.ts';
import type { Job } from '../spec/job.ts';

/** `ready`: a run of now goes through, as far as can be told; `attention`: it does, and something changes or may go wrong; `fails`: it would fail. */
export const PREFLIGHT_VERDICTS = ['ready', 'attention', 'fails'] as const;
export type PreflightVerdict = (typeof PREFLIGHT_VERDICTS)[number];

/**
 * Besides a destination's own verdicts, `new` being a column of a table that is made: one that is added to a table that is there; one that the schema
 * contract leaves out, or values of it; one of the target that no longer arrives.
 */
export type ColumnVerdict = FitVerdict | 'added' | 'discarded' | 'gone';

export interface ColumnReport extends Omit<FitFinding, 'verdict' | 'columnTypes'> {
  verdict: ColumnVerdict;
  /** The column in the source; null where it is a field below a column, or only in the target. */
  source: string | null;
  /** A cell of the job that makes it fit; null where none does or none is needed. */
  suggestion: CellSuggestion | null;
}

/** What a cell of SourceConfig should hold. `entry` of column_types is one among others. */
export interface CellSuggestion {
  cell: 'column_types' | 'lag';
  entry: string;
}

export interface PreflightFinding {
  severity: 'error' | 'warning' | 'info';
  /** SCREAMING_SNAKE_CASE, that of the error where it is one that a run would end with. */
  code: string;
  message: string;
  hint: string | null;
  suggestion: CellSuggestion | null;
}

/** Where a watermark comes from: the destination's state, a load package that is loaded first, or the job's own `last_watermark`. */
export type WatermarkOrigin = 'state' | 'package' | 'last_watermark';

export interface NextRead {
  /** The SQL, the request or the files; null where the source was not asked or did not answer. */
  statement: string | null;
  load_type: Job['load_type'];
  write_disposition: Job['write_disposition'];
  /** Null where everything is read. For files, by the source's own rules. */
  watermark: { value: string; origin: WatermarkOrigin; since: string | null } | null;
  watermark_column: string | null;
  /** What is read again behind the watermark, in words; null for nothing. */
  lag: string | null;
}

/** What a look below the watermark found. */
export interface LateRows {
  /** `unknown`: it cannot be told, the message says why. */
  status: 'none' | 'found' | 'unknown';
  message: string;
  /** How far below the watermark was looked: `1d`, or a number. */
  looked_back: string | null;
  /** Rows of the source that were compared. */
  rows_compared: number;
  /** Rows of the source below the watermark that are not in the target. */
  late_rows: number;
  /** Of them, those that the job's lag brings with the next run. */
  covered_rows: number;
  /** Farthest below the watermark of the load that passed them by: so late they came at least. Seconds, or units of a number. */
  at_least: number | null;
  /** Farthest below the newest watermark: so late they came at most. Seconds, or units of a number. */
  at_most: number | null;
  /** A value for `lag`; null where none is needed or possible. */
  suggested_lag: string | null;
}

export interface JobPreflight {
  /** 1-based row in the workbook. */
  row: number;
  source_name: string;
  table_name: string;
  /** `schema.table` in the destination. */
  target: string;
  verdict: PreflightVerdict;
  next_read: NextRead;
  /** In the order of the source, the job's own table first; empty where the source's columns are not known. */
  columns: ColumnReport[];
  findings: PreflightFinding[];
  /** Null where it does not apply: full loads, files, APIs, nothing loaded yet. */
  late_rows: LateRows | null;
  seconds: number;
}

export interface PreflightReport {
  pipeline: string;
  destination: string;
  /** Path or URL without secrets. */
  location: string;
  /** ISO 8601, UTC. */
  checked_at: string;
  jobs: JobPreflight[];
  summary: Record<PreflightVerdict, number>;
}

/** What findings and columns say together. */
export function verdictOf(columns: readonly ColumnReport[], findings: readonly PreflightFinding[]): PreflightVerdict {
  if (findings.some(({ severity }) => severity === 'error') || columns.some(({ verdict }) => verdict === 'fails'))
    return 'fails';
  const changes = columns.some((column) => !isQuiet(column));
  return changes || findings.some(({ severity }) => severity === 'warning') ? 'attention' : 'ready';
}

/** True for a column of which there is nothing to say. */
export function isQuiet({ verdict }: ColumnReport): boolean {
  return verdict === 'fits' || verdict === 'new';
}

export function summaryOf(jobs: readonly JobPreflight[]): PreflightReport['summary'] {
  const count = (verdict: PreflightVerdict) => jobs.filter((job) => job.verdict === verdict).length;
  return { ready: count('ready'), attention: count('attention'), fails: count('fails') };
}
