import { identifier, literal } from '../../duckdb/sql.ts';
import type { WorkspaceConnection } from '../../duckdb/workspace.ts';
import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import type { TypePolicy } from '../../spec/kinds.ts';
import type { ReadWarning, SourceColumn } from '../source.ts';
import type { FilePortion } from './file-copies.ts';
import type { StoredFile } from './file-store.ts';

/** A listed file with the path that DuckDB and the scanners read. */
export interface LocalFile extends StoredFile {
  local: string;
}

/** What reading the files needs to know besides the files. */
export interface PlanContext {
  job: Job;
  types: TypePolicy;
  connection: WorkspaceConnection;
  spoolDirectory: string;
  signal: AbortSignal;
  /** Must end before a file's `local` path is opened. */
  bring(file: LocalFile, portion: FilePortion): Promise<void>;
  /** Rows that are enough (`--sample`, previews); Infinity for all. */
  mostRows: number;
  /** Told the bytes of files looked at so far. */
  scanned(bytes: number): void;
  warn(warning: ReadWarning): void;
  log(level: 'DEBUG' | 'INFO', message: string): void;
}

/** Files that one FROM item reads. */
export interface FilePart {
  files: LocalFile[];
  /** Those of the files that the FROM item itself opens; of the others it opens {@link copies}. */
  opened: LocalFile[];
  from: string;
  /** Rows the scan has counted. */
  rows: number;
  /** Copies in the spool that nothing else reads. */
  copies: string[];
}

/** How a set of files is read: the same columns for every part. */
export interface ReadPlan {
  columns: SourceColumn[];
  parts: FilePart[];
}

/** A part is closed when it has so many bytes or files: enough for DuckDB to work in parallel, little enough to report progress. */
export const PART_BYTES = 512 * 1024 * 1024;
export const PART_FILES = 500;

/** Splits files, in order, into runs that have the same key and stay within {@link PART_BYTES} and {@link PART_FILES}. */
export function groupFiles<Entry>(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
  bytesOf: (entry: Entry) => number,
): Entry[][] {
  const groups: Entry[][] = [];
  let key: string | null = null;
  let bytes = 0;
  for (const entry of entries) {
    const group = groups.at(-1);
    const next = keyOf(entry);
    if (group === undefined || next !== key || bytes >= PART_BYTES || group.length >= PART_FILES) {
      groups.push([entry]);
      bytes = 0;
    } else {
      group.push(entry);
    }
    key = next;
    bytes += bytesOf(entry);
  }
  return groups;
}

/** A list of paths for DuckDB's readers, which would take `*`, `?` and `[` in a file's name for a glob. */
export function pathList(paths: readonly string[]): string {
  return `[${paths.map((path) => literal(path.replaceAll(/[[*?]/g, '[$&]'))).join(', ')}]`;
}

export const FILE_NAME_COLUMN = '_file_name';
export const FILE_MODIFIED_COLUMN = '_file_modified_at';

export const ADDED_COLUMNS: SourceColumn[] = [
  {
    name: FILE_NAME_COLUMN,
    sourceType: 'file name',
    segmentType: 'VARCHAR',
    landedType: 'VARCHAR',
    nullable: false,
    added: true,
  },
  {
    name: FILE_MODIFIED_COLUMN,
    sourceType: 'file time',
    segmentType: 'TIMESTAMP WITH TIME ZONE',
    landedType: 'TIMESTAMP WITH TIME ZONE',
    nullable: false,
    added: true,
  },
];

/**
 * The FROM item of a part: the given expressions over a reader, with the file's name and time behind them where the job asks for them.
 * `files` are in the order of the reader's paths. The reader's virtual column `file_index` tells them apart; it is hidden by a column of that name.
 */
export function partSource(
  reader: string,
  expressions: readonly string[],
  files: readonly StoredFile[],
  context: Pick<PlanContext, 'job' | 'mostRows'>,
): string {
  const limit = Number.isFinite(context.mostRows) ? ` LIMIT ${context.mostRows}` : '';
  if (!context.job.options.include_file_name) return `(SELECT ${expressions.join(', ')} FROM ${reader} AS r${limit})`;
  const pick = (values: readonly string[]) =>
    values.length === 1 ? values[0] : `list_extract([${values.join(', ')}], (r.file_index + 1)::BIGINT)`;
  const name = pick(files.map((file) => literal(file.path)));
  const time = pick(files.map((file) => `make_timestamptz(${file.modified * 1000})`));
  const added = `${name} AS ${FILE_NAME_COLUMN}, ${time} AS ${FILE_MODIFIED_COLUMN}`;
  return `(SELECT ${[...expressions, added].join(', ')} FROM ${reader} AS r${limit})`;
}

/** The files of a part whose rows are told apart by `file_index`: one a part where a column of that name hides it. */
export function hidesFileIndex(names: readonly string[], context: Pick<PlanContext, 'job'>): boolean {
  return context.job.options.include_file_name && names.some((name) => name.toLowerCase() === 'file_index');
}

/**
 * The columns that a job reads, of all there are. Names match exactly, else but for case. A name in `columns` that CSV and Parquet files do not have is an error;
 * JSON records may leave keys out, so there, and for `column_types`, it is a warning: the next files may have it.
 */
export function selectColumns<Column extends { name: string }>(all: readonly Column[], context: PlanContext): Column[] {
  const { job } = context;
  const known = all.map((column) => column.name);
  const hint = `They have: ${known.slice(0, 30).join(', ')}${known.length > 30 ? ', …' : ''}.`;
  const missing = (name: string, where: string, optional: boolean) => {
    const message = `${where}: the files have no column "${name}".`;
    if (!optional) throw new IngestError('COLUMN_NOT_FOUND', message, { hint });
    context.warn({ code: 'COLUMN_NOT_FOUND', column: name, message, hint });
  };
  const added = job.options.include_file_name ? ADDED_COLUMNS.map((column) => column.name) : [];
  const twin = known.find((name) => added.includes(name.toLowerCase()));
  if (twin !== undefined) {
    throw new IngestError('FILE_COLUMN_TWICE', `include_file_name: the files have a column "${twin}" of their own.`, {
      hint: 'Switch include_file_name off, or rename the column in the files.',
    });
  }
  // Files without a record say nothing of their columns.
  if (all.length === 0) return [];
  for (const name of Object.keys(job.column_types))
    if (findColumn(all, name) === undefined) missing(name, 'column_types', true);
  if (job.columns.length === 0) return [...all];
  const wanted = new Set<Column>();
  for (const name of job.columns) {
    const column = findColumn(all, name);
    if (column !== undefined) wanted.add(column);
    else if (!added.includes(name)) missing(name, 'columns', job.file_format === 'jsonl');
  }
  return all.filter((column) => wanted.has(column));
}

function findColumn<Column extends { name: string }>(all: readonly Column[], name: string): Column | undefined {
  const lower = name.toLowerCase();
  return all.find((column) => column.name === name) ?? all.find((column) => column.name.toLowerCase() === lower);
}

/** The job's own type for a column, as DuckDB spells it; null where it says nothing. */
export async function overrides(
  context: Pick<PlanContext, 'job' | 'connection'>,
): Promise<(name: string) => string | null> {
  const types = new Map<string, string>();
  for (const [name, type] of Object.entries(context.job.column_types)) {
    if (!/^[\w\s(),."[\]]+$/.test(type)) throw unknownType(name, type, undefined);
    const rows = await context.connection
      .rows<{ type: string }>(`SELECT typeof(CAST(NULL AS ${type})) AS type`)
      .catch((error) => {
        throw unknownType(name, type, error);
      });
    types.set(name.toLowerCase(), (rows[0] as { type: string }).type);
  }
  return (name) => types.get(name.toLowerCase()) ?? null;
}

function unknownType(name: string, type: string, cause: unknown): IngestError {
  return new IngestError('COLUMN_TYPE_UNKNOWN', `column_types: "${type}" of "${name}" is no type.`, {
    hint: 'Use types such as bigint, decimal(18,2), double, varchar, boolean, date, timestamp.',
    cause,
  });
}

/** Throws when two columns of one file differ by case only or not at all: a target could keep one of them. */
export function refuseTwins(names: readonly string[], file: string): void {
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const before = seen.get(name.toLowerCase());
    if (before !== undefined) {
      throw new IngestError(
        'FILE_COLUMN_TWICE',
        `"${file}" has the columns "${names[before]}" (number ${before + 1}) and "${name}" (number ${index + 1}), which are one name.`,
        {
          hint: 'Rename one of them in the file, or for CSV set header = false with the header line removed.',
        },
      );
    }
    seen.set(name.toLowerCase(), index);
  }
}

/** `expression AS "name"` */
export function as(expression: string, name: string): string {
  return `${expression} AS ${identifier(name)}`;
}

/** Puts the types of columns as DuckDB prints them: it quotes the names of a struct's fields only where it must. */
export async function printTypes(
  columns: readonly SourceColumn[],
  context: Pick<PlanContext, 'connection'>,
): Promise<void> {
  const nested = columns.filter((column) => column.segmentType.includes('STRUCT('));
  if (nested.length === 0) return;
  const casts = nested.map((column, index) => `typeof(CAST(NULL AS ${column.segmentType})) AS t${index}`);
  const [printed] = await context.connection.rows<Record<string, string>>(`SELECT ${casts.join(', ')}`);
  for (const [index, column] of nested.entries()) {
    const type = printed?.[`t${index}`] ?? column.segmentType;
    if (column.landedType === column.segmentType) column.landedType = type;
    column.segmentType = type;
  }
}
