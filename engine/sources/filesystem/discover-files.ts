import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Workspace } from '../../duckdb/workspace.ts';
import { isIngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { FILE_FORMATS, type FileFormat } from '../../spec/kinds.ts';
import { resourceOptionsModel } from '../../spec/resource.ts';
import type { DiscoveredObject, DiscoverFilter } from '../source.ts';
import { planCsv } from './csv-files.ts';
import { FileCopies } from './file-copies.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { planJson } from './json-files.ts';
import { planParquet } from './parquet-files.ts';
import type { PlanContext } from './read-plan.ts';
import { folderDate } from './select-files.ts';

const ENDINGS: Record<FileFormat, RegExp> = {
  parquet: /\.parquet$/i,
  csv: /\.(?:csv|tsv)(?:\.gz|\.zst)?$/i,
  jsonl: /\.(?:jsonl|ndjson)(?:\.gz|\.zst)?$/i,
};
/** Rows looked at in the first file of a group of text files. */
const SAMPLE_ROWS = 1000;
/** Files listed: what a person looks through, and little enough to hold. */
const MOST_FILES = 50_000;
/** Footers that are looked at in a bucket, where each is a request. */
const MOST_FOOTERS = 50;

interface FileGroup {
  glob: string;
  format: FileFormat;
  files: StoredFile[];
}

/** Groups of files that look like one table each: the same folder (dates in folders' names set aside) and the same format. `name` is the file_glob that a job takes. */
export async function discoverFiles(
  store: FileStore,
  filter: DiscoverFilter,
  signal: AbortSignal,
): Promise<DiscoveredObject[]> {
  const listing = await store.list(filter.schema ?? '', signal, MOST_FILES);
  const groups = groupByFolder(listing.files).filter(
    (group) =>
      (filter.schema === undefined || group.glob.startsWith(`${filter.schema}/`)) &&
      (filter.search === undefined || group.glob.toLowerCase().includes(filter.search.toLowerCase())),
  );
  const found = groups.map(
    (group): DiscoveredObject => ({
      schema: null,
      name: group.glob,
      kind: 'file_group',
      rowEstimate: null,
      bytes: group.files.reduce((sum, file) => sum + file.bytes, 0),
      comment: `${listing.cut ? 'at least ' : ''}${group.files.length} ${group.format} ${group.files.length === 1 ? 'file' : 'files'}`,
      columns: [],
      primaryKey: [],
      watermarkSuggestions: suggestions(group),
    }),
  );
  if (!filter.withColumns) return found;
  const folder = await mkdtemp(join(tmpdir(), 'ingest-discover-'));
  const workspace = await Workspace.open({ memoryLimitMiB: 512, threads: 1, tempDirectory: join(folder, 'duckdb') });
  try {
    const connection = await workspace.connect();
    for (const [index, group] of groups.entries())
      await addColumns(found[index] as DiscoveredObject, group, store, { connection, spoolDirectory: folder, signal });
  } finally {
    workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
  return found;
}

function groupByFolder(files: readonly StoredFile[]): FileGroup[] {
  const groups = new Map<string, FileGroup>();
  for (const file of [...files].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const format = FILE_FORMATS.find((name) => ENDINGS[name].test(file.path));
    if (format === undefined) continue;
    const parts = file.path.split('/');
    const name = parts.pop() as string;
    const ending = name.slice(name.search(ENDINGS[format]));
    let dated = false;
    while (parts.length > 0 && isDatePart(parts.at(-1) as string)) {
      parts.pop();
      dated = true;
    }
    const glob = [...parts, ...(dated ? ['**'] : []), `*${ending}`].join('/');
    const group = groups.get(glob) ?? { glob, format, files: [] };
    group.files.push(file);
    groups.set(glob, group);
  }
  return [...groups.values()];
}

/** A folder that is a date, or the year, month, day or hour of one. */
function isDatePart(folder: string): boolean {
  return /^(?:[A-Za-z_]+=)?\d{1,4}$/.test(folder) || folderDate(`${folder}/`) !== null;
}

function suggestions(group: FileGroup): DiscoveredObject['watermarkSuggestions'] {
  const found: DiscoveredObject['watermarkSuggestions'] = [];
  if (group.files.every((file) => folderDate(file.path) !== null))
    found.push({ column: 'folder_date', reason: 'every file lies in a folder with a date' });
  if (group.files.every((file) => /\d{4}[-_]?\d{2}[-_]?\d{2}/.test(file.path.slice(file.path.lastIndexOf('/') + 1))))
    found.push({ column: 'file_name', reason: 'every file has a date in its name' });
  found.push({ column: 'file_modified', reason: 'every file has a time of its last change' });
  return found;
}

async function addColumns(
  object: DiscoveredObject,
  group: FileGroup,
  store: FileStore,
  tools: Pick<PlanContext, 'connection' | 'spoolDirectory' | 'signal'>,
): Promise<void> {
  const job = {
    columns: [],
    column_types: {},
    file_format: group.format,
    options: resourceOptionsModel.parse({}),
  } as unknown as Job;
  const context: PlanContext = {
    ...tools,
    bring: async () => undefined,
    job,
    types: 'native',
    mostRows: group.format === 'parquet' ? Infinity : SAMPLE_ROWS,
    scanned: () => {},
    warn: () => {},
    log: () => {},
  };
  try {
    // A text file's first rows tell its columns; Parquet's footers tell all of it.
    const most = store.objects.localPath ? group.files.length : MOST_FOOTERS;
    const looked = group.files.slice(0, group.format === 'parquet' ? most : 1);
    const spoolDirectory = await mkdtemp(join(tools.spoolDirectory, 'group-'));
    const copies = new FileCopies(store, looked, spoolDirectory, tools.signal);
    const { files } = copies;
    context.bring = (file, portion) => copies.bring(file, portion);
    const plan =
      group.format === 'csv'
        ? await planCsv(files, context)
        : group.format === 'jsonl'
          ? await planJson(files, context)
          : await planParquet(files, context);
    object.columns = plan.columns.map((column) => ({
      name: column.name,
      sourceType: column.segmentType === '"NULL"' ? column.sourceType : column.segmentType,
      nullable: column.nullable,
      comment: null,
    }));
    const rows = plan.parts.reduce((sum, part) => sum + part.rows, 0);
    const isAll = looked.length === group.files.length;
    if (isAll && (group.format === 'parquet' || rows < SAMPLE_ROWS)) object.rowEstimate = rows;
  } catch (error) {
    // One damaged file must not hide the other groups.
    if (!isIngestError(error) || tools.signal.aborted) throw error;
    object.comment = `${object.comment}; ${error.message}`;
  }
}
