import type { Job } from '../../spec/job.ts';
import { type PathStep, pathText } from '../../spec/path-text.ts';
import { type Finding, samePath } from './detect.ts';
import { scalarText } from './json.ts';
import { isObject } from './json-path.ts';
import type { JsonRecord } from './records.ts';

type Kind = 'ISO time' | 'date' | 'epoch second' | 'epoch millisecond' | 'number';

interface Column {
  steps: PathStep[];
  kind: Kind;
  /** Above 0: proposed. */
  rank: number;
  nulls: number;
  order: 'oldest first' | 'newest first' | 'unordered' | 'all the same';
}

const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** 2001 to 2100. */
const SECONDS = [978_307_200, 4_102_444_800] as const;

/** The column that grows with every change: times that are called like a change before those of a creation. */
export function detectWatermark(records: readonly JsonRecord[], job: Job): { watermark_column?: Finding } {
  if (records.length < 2) return {};
  const columns = pathsOf(records)
    .map((steps) => columnOf(records, steps))
    .filter((column) => column !== null && column.rank > 0 && column.order !== 'all the same') as Column[];
  const configured = job.watermark_column;
  const best =
    (configured === null ? undefined : columns.find(({ steps }) => samePath(pathText(steps), configured))) ??
    columns.toSorted((one, other) => other.rank - one.rank || one.nulls - other.nulls)[0];
  if (best === undefined) return {};
  const nulls =
    best.nulls === 0 ? `no nulls in ${records.length} records` : `${best.nulls} of ${records.length} are null`;
  const param = job.options.incremental?.start_param;
  const created = isCreation(best.steps);
  const parts = [
    `${best.kind[0]?.toUpperCase()}${best.kind.slice(1)}s, ${best.order}, ${nulls}`,
    ...(param === undefined ? [] : [`the request takes ${param}`]),
    ...(created ? ['later changes of a record do not move it'] : []),
  ];
  return {
    watermark_column: {
      value: pathText(best.steps),
      evidence: parts.join('; '),
      confidence: best.nulls > 0 || best.kind === 'number' ? 'guess' : created || best.rank < 3 ? 'likely' : 'certain',
    },
  };
}

/** Paths to scalars of the first records, one level down too. */
function pathsOf(records: readonly JsonRecord[]): PathStep[][] {
  const paths = new Map<string, PathStep[]>();
  const add = (steps: PathStep[]) => paths.set(JSON.stringify(steps), steps);
  for (const record of records.slice(0, 20)) {
    for (const [key, value] of Object.entries(record)) {
      if (isObject(value)) {
        for (const [inner, item] of Object.entries(value)) if (scalarText(item) !== null) add([key, inner]);
      } else if (scalarText(value) !== null) add([key]);
    }
  }
  return [...paths.values()];
}

function columnOf(records: readonly JsonRecord[], steps: PathStep[]): Column | null {
  let kind: Kind | null = null;
  let nulls = 0;
  let ups = 0;
  let downs = 0;
  let before: string | number | null = null;
  for (const record of records) {
    const value = valueAt(record, steps);
    if (value === null || value === undefined || value === '') {
      nulls += 1;
      continue;
    }
    const own = kindOf(value);
    if (own === null || (kind !== null && kind !== own)) return null;
    kind = own;
    const at: string | number = typeof value === 'number' ? value : Date.parse(String(value)) || String(value);
    if (before !== null && at > before) ups += 1;
    if (before !== null && at < before) downs += 1;
    before = at;
  }
  if (kind === null) return null;
  const order =
    ups + downs === 0 ? 'all the same' : downs === 0 ? 'oldest first' : ups === 0 ? 'newest first' : 'unordered';
  return { steps, kind, nulls, order, rank: rankOf(steps, kind) };
}

function valueAt(record: JsonRecord, steps: readonly PathStep[]): unknown {
  let at: unknown = record;
  for (const step of steps) at = isObject(at) ? at[String(step)] : undefined;
  return at;
}

function kindOf(value: unknown): Kind | null {
  if (typeof value === 'string') return ISO.test(value) ? 'ISO time' : DATE.test(value) ? 'date' : null;
  if (typeof value !== 'number' || !Number.isInteger(value)) return null;
  if (value >= SECONDS[0] && value <= SECONDS[1]) return 'epoch second';
  if (value >= SECONDS[0] * 1000 && value <= SECONDS[1] * 1000) return 'epoch millisecond';
  return 'number';
}

function plainName(steps: readonly PathStep[]): string {
  return String(steps.at(-1))
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

function isCreation(steps: readonly PathStep[]): boolean {
  return /creat|insert|added|occurred|placed|received|posted|registered|start/.test(plainName(steps));
}

function rankOf(steps: readonly PathStep[], kind: Kind): number {
  const name = plainName(steps);
  const depth = steps.length > 1 ? 0.5 : 0;
  const isChange = /updat|modif|chang|edited|last_seen|synced|version|etag|revision/.test(name);
  if (kind === 'number') {
    return /^(version|revision|rev|seq|sequence|sequence_number|row_version|change_number|offset)$/.test(name)
      ? 1.5
      : 0;
  }
  if (isChange) return 4 - depth;
  if (isCreation(steps) || /^(time|timestamp|ts|date|datetime)$|(_at|_on|_time|_timestamp)$/.test(name))
    return (kind === 'date' ? 1.5 : 2.5) - depth;
  // Days of birth and the like are times too, but tell nothing about when the record came.
  return 0;
}
