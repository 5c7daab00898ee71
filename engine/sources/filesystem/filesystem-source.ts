import { rm } from 'node:fs/promises';
import { IngestError, throwIfCancelled } from '../../errors.ts';
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
import { type FileStore, LocalFileStore, type StoredFile, vanished } from './file-store.ts';
import { planJson } from './json-files.ts';
import { resolveLocation } from './location.ts';
import { planParquet } from './parquet-files.ts';
import type { FilePart, LocalFile, PlanContext, ReadPlan } from './read-plan.ts';
import { baseOf, type FileSelection, globOf, selectFiles } from './select-files.ts';
import { testFiles } from './test-files.ts';

export interface FilesystemDeps {
  /** Where a relative bucket_url starts. Absolute. */
  projectDirectory: string;
}

/**
 * Files of a folder as a source.
 *
 * Location: bucket_url (a folder, relative to the project, or `file://`), then source_object as a folder below it, then file_glob below that.
 * Every file is looked at before the first row is handed over: Parquet by its footer, CSV and JSONL by a scan of every record. So the columns and
 * types are the same in all segments, and nothing that a type could not give back is read with it. A file that changes until its segment is released
 * fails the read there (retryable). `filter` is refused: a predicate is for databases.
 */
export function createFilesystemSource(
  connection: Pick<FilesystemConnection, 'bucket_url'>,
  deps: FilesystemDeps,
): Source {
  const storeOf = (folder: string | null): FileStore =>
    new LocalFileStore(resolveLocation(connection.bucket_url, deps.projectDirectory, folder));
  return {
    test: (signal: AbortSignal): AsyncIterable<TestStage> => testFiles(() => storeOf(null), signal),
    discover: (filter: DiscoverFilter, signal: AbortSignal) => discoverFiles(storeOf(null), filter, signal),
    explain: async (request, signal) => explain(storeOf(request.job.source_object), request, signal),
    read: (request, context) => read(storeOf(request.job.source_object), request, context),
    preview: (request, context, limits) => preview(storeOf(request.job.source_object), request, context, limits),
    measure: (request, context) =>
      measureSegments(read(storeOf(request.read.job.source_object), request.read, context), request, context),
    close: async () => {},
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
    await store.list(baseOf(globOf(job)), signal),
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
  let rows = 0;
  let bytes = 0;
  try {
    const local = await localFiles(store, selection.files, context);
    const plan = await planFiles(local, job, {
      job,
      types: request.types,
      connection,
      spoolDirectory: context.spoolDirectory,
      signal,
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
      yield segmentOf(part, plan, request, store, signal);
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
      if (!signal.aborted) await refuseChanges(store, part.files, signal);
    },
  };
}

async function localFiles(
  store: FileStore,
  files: readonly StoredFile[],
  context: Pick<ReadContext, 'spoolDirectory' | 'signal'>,
): Promise<LocalFile[]> {
  const local: LocalFile[] = [];
  for (const file of files)
    local.push({ ...file, local: await store.localPath(file, context.spoolDirectory, context.signal) });
  return local;
}

/** Throws when a file is no longer what the listing saw: what was scanned or read of it may be half of the old and half of the new. */
async function refuseChanges(store: FileStore, files: readonly StoredFile[], signal: AbortSignal): Promise<void> {
  for (const file of files) {
    const now = await store.stat(file.path, signal);
    if (now === null) throw vanished(file.path);
    if (now.bytes !== file.bytes || now.modified !== file.modified || now.version !== file.version) {
      throw new IngestError(
        'FILE_CHANGED_WHILE_READ',
        `The file "${file.path}" changed while it was read (${file.bytes} bytes before, ${now.bytes} now).`,
        {
          hint: 'Run the job when whatever writes the file has finished; writers should write to another name and rename.',
          retryable: true,
        },
      );
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
    const files = await localFiles(store, selection.files.slice(0, limits.pages), context);
    const planContext: PlanContext = {
      job: request.job,
      types: request.types,
      connection,
      spoolDirectory: context.spoolDirectory,
      signal: context.signal,
      mostRows: limits.rows,
      scanned: () => {},
      warn: (warning) => warnings.push(warning),
      log: context.log,
    };
    const pages: Preview['pages'] = [];
    let plan: ReadPlan = { columns: [], parts: [] };
    let rows = 0;
    for (const file of files) {
      if (rows >= limits.rows) break;
      const one = await planFiles([file], request.job, { ...planContext, mostRows: limits.rows - rows });
      if (plan.columns.length === 0) plan = one;
      const records: unknown[] = [];
      for (const part of one.parts) records.push(...(await connection.rows(`SELECT * FROM ${part.from}`)));
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
