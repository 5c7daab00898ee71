import { rm } from 'node:fs/promises';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import { type OpenStoreOptions, openObjectStore } from '../../object-stores/open-object-store.ts';
import type { FilesystemConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import { measureSegments } from '../measure-segments.ts';
import type {
  DiscoverFilter,
  Preview,
  PreviewLimits,
  ReadContext,
  ReadRequest,
  ReadSummary,
  Segment,
  Source,
  TestStage,
} from '../source.ts';
import { planCsv } from './csv-files.ts';
import { discoverFiles } from './discover-files.ts';
import { FileCopies } from './file-copies.ts';
import { changedWhileRead, FileStore, type StoredFile, vanished } from './file-store.ts';
import { planJson } from './json-files.ts';
import { planParquet } from './parquet-files.ts';
import type { FilePart, LocalFile, PlanContext, ReadPlan } from './read-plan.ts';
import { baseOf, type FileSelection, globOf, selectFiles } from './select-files.ts';
import { testFiles } from './test-files.ts';

export interface FilesystemDeps {
  /** Where a relative bucket_url starts. Absolute. */
  projectDirectory: string;
  /** For tests: how a bucket is opened. */
  store?: Pick<OpenStoreOptions, 'environment' | 'retry'>;
  /** Bytes of a bucket's files that are kept on this computer at a time; default 4 GiB. */
  bytesKept?: number;
}

/**
 * Files of a folder or bucket as a source.
 *
 * Location: bucket_url (a folder, relative to the project, or a URL), then source_object as a folder below it, then file_glob below that.
 * Every file is looked at before the first row is handed over: Parquet by its footer, CSV and JSONL by a scan of every record. So the columns and
 * types are the same in all segments, and nothing that a type could not give back is read with it. A file that changes until its segment is released
 * fails the read there (retryable). `filter` is refused: a predicate is for databases.
 */
export function createFilesystemSource(
  connection: Pick<FilesystemConnection, 'bucket_url'> & Partial<FilesystemConnection>,
  deps: FilesystemDeps,
): Source {
  const { bucket_url: bucketUrl, type: _type, name = 'filesystem', ...credentials } = connection;
  const stores = new Map<string, Promise<FileStore>>();
  const storeOf = (folder: string | null): Promise<FileStore> => {
    const place = { section: 'sources', name } as const;
    const options = { ...deps.store, baseDirectory: deps.projectDirectory, folder, place };
    const known = stores.get(folder ?? '');
    const store = known ?? openObjectStore(bucketUrl, credentials, options).then((objects) => new FileStore(objects));
    stores.set(folder ?? '', store);
    return store;
  };
  const jobs = ({ job }: ReadRequest) => storeOf(job.source_object);
  async function* readFrom(request: ReadRequest, context: ReadContext): AsyncGenerator<Segment, ReadSummary> {
    return yield* read(await jobs(request), request, context, deps.bytesKept);
  }
  return {
    test: (signal: AbortSignal): AsyncIterable<TestStage> => testFiles(() => storeOf(null), signal),
    discover: async (filter: DiscoverFilter, signal: AbortSignal) => discoverFiles(await storeOf(null), filter, signal),
    explain: async (request, signal) => explain(await jobs(request), request, signal),
    read: readFrom,
    preview: async (request, context, limits) => preview(await jobs(request), request, context, limits),
    measure: (request, context) => measureSegments(readFrom(request.read, context), request, context),
    async close() {
      for (const store of stores.values()) await store.then(({ objects }) => objects.close()).catch(() => undefined);
      stores.clear();
    },
  };
}

async function select(store: FileStore, request: ReadRequest, signal: AbortSignal): Promise<FileSelection> {
  const { job } = request;
  if (job.filter !== null) {
    throw new IngestError('FILTER_NOT_FOR_FILES', `filter "${job.filter}" cannot be used with files.`, {
      hint: 'A filter is a predicate for databases: leave the cell blank, and choose files with file_glob.',
    });
  }
  const selection = selectFiles(
    (await store.list(baseOf(globOf(job)), signal)).files,
    job,
    request.incremental,
    request.sourceState,
  );
  if (selection.matched === 0 && request.incremental === null) {
    throw new IngestError('FILES_NONE_MATCH', `No file below "${store.location}" matches "${globOf(job)}".`, {
      hint: 'Check file_glob and file_format. Names that begin with ".", "_" or "~$" are left out. An empty read would replace the table by nothing.',
    });
  }
  return selection;
}

async function explain(store: FileStore, request: ReadRequest, signal: AbortSignal): Promise<string> {
  const { files, matched } = await select(store, request, signal);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const shown = files
    .slice(0, 100)
    .map((file) => `  ${file.path}  (${file.bytes} bytes, ${new Date(file.modified).toISOString()})`);
  const more = files.length > shown.length ? [`  … and ${files.length - shown.length} more`] : [];
  return [
    `${files.length} of ${matched} matching files, ${bytes} bytes, from ${store.location} (${globOf(request.job)}):`,
    ...shown,
    ...more,
  ].join('\n');
}

/** Looks at the files and says how they are read. */
async function planFiles(files: readonly LocalFile[], job: Job, context: PlanContext): Promise<ReadPlan> {
  switch (job.file_format) {
    case 'csv':
      return planCsv(files, context);
    case 'jsonl':
      return planJson(files, context);
    case 'parquet':
      return planParquet(files, context);
    default:
      throw job.file_format satisfies never;
  }
}

async function* read(
  store: FileStore,
  request: ReadRequest,
  context: ReadContext,
  bytesKept?: number,
): AsyncGenerator<Segment, ReadSummary> {
  const { job } = request;
  const { signal } = context;
  const selection = await select(store, request, signal);
  const summary = {
    watermark: request.incremental === null ? null : selection.watermark,
    sourceState: selection.state,
    retries: 0,
  };
  for (const warning of selection.warnings) context.warn(warning);
  if (selection.files.length === 0) {
    if (selection.matched === 0)
      context.warn({
        code: 'FILES_NONE_MATCH',
        message: `No file below "${store.location}" matches "${globOf(job)}".`,
        hint: 'Check bucket_url, file_glob and file_format.',
      });
    return {
      ...summary,
      verdict: {
        reason: 'no_new_files',
        detail:
          selection.matched === 1
            ? 'The one matching file is not new.'
            : `None of ${selection.matched} matching files is new.`,
        records: 0,
        files: 0,
      },
    };
  }
  const connection = await context.workspace.connect();
  const unwatch = connection.interruptOn(signal);
  const copies = new FileCopies(store, selection.files, context.spoolDirectory, signal, bytesKept);
  let rows = 0;
  let bytes = 0;
  try {
    const plan = await planFiles(copies.files, job, {
      job,
      types: request.types,
      connection,
      spoolDirectory: context.spoolDirectory,
      signal,
      bring: (file, portion) => copies.bring(file, portion),
      mostRows: request.sampleRows ?? Infinity,
      // A file is read twice, first by the scan: its bytes count once, its rows when they are handed over.
      scanned: (count) => {
        bytes = Math.max(bytes, count);
        context.progress({ rows, bytes });
      },
      warn: context.warn,
      log: context.log,
    });
    await refuseChanges(store, selection.files, signal);
    let handedOver = 0;
    for (const part of plan.parts) {
      throwIfCancelled(signal);
      await copies.bringPart(part.opened);
      yield segmentOf(part, plan, request, store, copies, signal);
      throwIfCancelled(signal);
      rows += request.sampleRows === null ? part.rows : Math.min(part.rows, request.sampleRows);
      handedOver += bytesOf(part.files);
      bytes = Math.max(bytes, handedOver);
      context.progress({ rows, bytes });
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  } finally {
    await copies.close();
    unwatch();
    connection.close();
  }
  const count = selection.files.length;
  if (request.sampleRows !== null)
    return {
      ...summary,
      verdict: { reason: 'sample', detail: `A sample of ${filesText(count)}.`, records: rows, files: count },
    };
  return {
    ...summary,
    verdict: {
      reason: 'end_of_files',
      detail: count === 1 ? 'Read the one file.' : `Read all of ${count} files.`,
      records: rows,
      files: count,
    },
  };
}

/** A part's files are read when the caller selects from it, so they are looked at again when it is released. */
function segmentOf(
  part: FilePart,
  plan: ReadPlan,
  request: ReadRequest,
  store: FileStore,
  copies: FileCopies,
  signal: AbortSignal,
): Segment {
  let released = false;
  return {
    from: part.from,
    columns: plan.columns,
    rows: request.sampleRows === null ? part.rows : null,
    bytes: bytesOf(part.files),
    async release() {
      if (released) return;
      released = true;
      for (const copy of part.copies) await rm(copy, { force: true });
      await copies.drop(part.opened);
      if (!signal.aborted) await refuseChanges(store, part.files, signal);
    },
  };
}

/** Throws when a file is no longer what the listing saw: what was scanned or read of it may be half of the old and half of the new. */
async function refuseChanges(store: FileStore, files: readonly StoredFile[], signal: AbortSignal): Promise<void> {
  // A copy is of the version that was listed, whatever became of the object.
  if (!store.objects.localPath) return;
  for (const file of files) {
    const now = await store.stat(file.path, signal);
    if (now === null) throw vanished(file.path);
    if (now.bytes !== file.bytes || now.modified !== file.modified || now.version !== file.version) {
      throw changedWhileRead(file, `, ${now.bytes} now`);
    }
  }
}

async function preview(
  store: FileStore,
  request: ReadRequest,
  context: ReadContext,
  limits: PreviewLimits,
): Promise<Preview> {
  const selection = await select(store, request, context.signal);
  const connection = await context.workspace.connect();
  const unwatch = connection.interruptOn(context.signal);
  const warnings: Preview['warnings'] = [...selection.warnings];
  try {
    const copies = new FileCopies(
      store,
      selection.files.slice(0, limits.pages),
      context.spoolDirectory,
      context.signal,
    );
    const planContext: PlanContext = {
      job: request.job,
      types: request.types,
      connection,
      spoolDirectory: context.spoolDirectory,
      signal: context.signal,
      bring: (file, portion) => copies.bring(file, portion),
      mostRows: limits.rows,
      scanned: () => {},
      warn: (warning) => warnings.push(warning),
      log: context.log,
    };
    const pages: Preview['pages'] = [];
    let plan: ReadPlan = { columns: [], parts: [] };
    let rows = 0;
    for (const file of copies.files) {
      if (rows >= limits.rows) break;
      const one = await planFiles([file], request.job, { ...planContext, mostRows: limits.rows - rows });
      if (plan.columns.length === 0) plan = one;
      const records: unknown[] = [];
      for (const part of one.parts) {
        await copies.bringPart(part.opened);
        records.push(...(await connection.rows(`SELECT * FROM ${part.from}`)));
      }
      rows += records.length;
      pages.push({ request: { file: file.path }, records });
    }
    return {
      pages,
      schema: plan.columns.map((column) => ({
        name: column.name,
        source_type: column.sourceType,
        type: column.landedType,
        nullable: column.nullable,
      })),
      stop: { reason: 'preview', detail: `The first ${rows} rows of ${filesText(selection.files.length)}.` },
      detected: { files: selection.files.length, matching: selection.matched, glob: globOf(request.job) },
      warnings,
    };
  } finally {
    unwatch();
    connection.close();
  }
}

function filesText(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

function bytesOf(files: readonly StoredFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}
