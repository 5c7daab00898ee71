import { TABLE_NAME } from '../../../engine/spec/job-columns.ts';
import { FILE_FORMATS, INCREMENTAL_MODES, type LoadType, type SourceType } from '../../../engine/spec/kinds.ts';
import { normalizeName } from '../../../engine/spec/naming.ts';
import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { globsMeet } from './globs-meet.ts';

/** How a discovered object would be loaded. */
export interface Proposal {
  load_type: LoadType;
  /** Column of the watermark, or how new files are told; '' for a full load. */
  watermark: string;
  primary_key: readonly string[];
  /** One sentence: why. */
  reason: string;
}

/** What the person chose otherwise. */
export type Choice = Partial<Pick<Proposal, 'load_type' | 'watermark' | 'primary_key'>>;

/** Below so many rows reading all of them is quicker than it is worth to think about. */
const SMALL = 10_000;

/** Incremental where there is a column that grows with every change and a key to merge by; else everything each time. */
export function propose(object: DiscoveredObject): Proposal {
  const [first] = object.watermarkSuggestions;
  const { primaryKey: primary_key } = object;
  const full = (reason: string): Proposal => ({ load_type: 'FULL', watermark: '', primary_key, reason });
  if (object.kind === 'file_group') {
    return first === undefined
      ? full('Nothing tells new files from old ones')
      : { load_type: 'INCREMENTAL', watermark: first.column, primary_key, reason: `New files only: ${first.reason}` };
  }
  if (first === undefined)
    return full(object.columns.length === 0 ? 'Columns are not known yet' : 'No column grows with every change');
  const { column, reason } = first;
  const misses = /later changes of a row are not seen/.test(reason);
  if (object.rowEstimate !== null && object.rowEstimate < SMALL && misses) {
    return full(`Small, and ${column} would miss changes`);
  }
  if (primary_key.length === 0 && !misses) return full(`No primary key: rows that change would be doubled`);
  return { load_type: 'INCREMENTAL', watermark: column, primary_key, reason: `${column}: ${reason}` };
}

export function withChoice(proposal: Proposal, choice: Choice | undefined, object: DiscoveredObject): Proposal {
  if (choice === undefined) return proposal;
  const next = { ...proposal, ...choice };
  if (next.load_type === 'FULL') return { ...next, watermark: '' };
  return { ...next, watermark: next.watermark || (object.watermarkSuggestions[0]?.column ?? '') };
}

/** The cells of SourceConfig that make an object a job; blank ones are left out. `taken` are table names of the connection's other jobs. */
export function jobCells(
  object: DiscoveredObject,
  proposal: Proposal,
  source: { type: SourceType; name: string },
  taken: ReadonlySet<string>,
): Record<string, string> {
  const { load_type, watermark, primary_key } = proposal;
  const cells: Record<string, string> = {
    source_type: source.type,
    source_name: source.name,
    load_type,
    primary_key: primary_key.join(', '),
    enabled: 'Y',
  };
  if (source.type === 'filesystem') {
    cells.table_name = freeTableName(fileTableName(object.name), taken);
    cells.file_glob = object.name;
    cells.file_format = fileFormat(object.name);
    if (load_type === 'INCREMENTAL' && (INCREMENTAL_MODES as readonly string[]).includes(watermark)) {
      cells.incremental_mode = watermark;
    }
  } else {
    const plain = TABLE_NAME.test(object.name) && !object.name.includes('.');
    cells.table_name = plain ? object.name : freeTableName(tableName(object.name), taken);
    if (source.type !== 'api') {
      cells.schema_name = object.schema ?? '';
      if (!plain) cells.source_object = object.name;
    }
    if (load_type === 'INCREMENTAL') cells.watermark_column = watermark;
  }
  return Object.fromEntries(Object.entries(cells).filter(([, text]) => text !== ''));
}

function tableName(name: string): string {
  const snake = normalizeName(name.replace(/[^\p{L}\p{N}]+/gu, '_'))
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '');
  if (snake === '') return 'table_1';
  return /^[A-Za-z_]/.test(snake) ? snake : `t_${snake}`;
}

/** A folder below which files lie gives the name; files that lie in the folder itself are told by their format. */
function fileTableName(glob: string): string {
  const folders = glob.split('/').filter((part) => part !== '' && !part.includes('*'));
  return tableName(folders.join('_') || `${fileFormat(glob)}_files`);
}

function fileFormat(glob: string): string {
  const ending = /\.(parquet|csv|tsv|jsonl|ndjson)(?:\.gz|\.zst)?$/i.exec(glob)?.[1]?.toLowerCase() ?? '';
  const format = ending === 'tsv' ? 'csv' : ending === 'ndjson' ? 'jsonl' : ending;
  return (FILE_FORMATS as readonly string[]).includes(format) ? format : 'parquet';
}

function freeTableName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number += 1) if (!taken.has(`${wanted}_${number}`)) return `${wanted}_${number}`;
}

/** A job's cells, as far as they say what it reads. */
export interface JobSubject {
  rowId: string;
  schema_name: string;
  table_name: string;
  source_object: string;
  file_glob: string;
}

/** Row ids of the jobs that read an object already, or some of its files: two globs need not be the same to double rows. */
export function jobsOf(object: DiscoveredObject, jobs: readonly JobSubject[]): string[] {
  const same = (one: string, other: string) => one.trim().toLowerCase() === other.trim().toLowerCase();
  return jobs
    .filter((job) => {
      if (object.kind === 'file_group') return globsMeet(job.file_glob, object.name);
      const name = job.source_object.trim() === '' ? job.table_name : job.source_object;
      // A blank schema is the one that the database would take: `public` in PostgreSQL.
      const schema = job.schema_name.trim() === '' ? 'public' : job.schema_name;
      return same(name, object.name) && (object.schema === null || same(schema, object.schema));
    })
    .map(({ rowId }) => rowId);
}
