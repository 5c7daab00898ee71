import picomatch from 'picomatch';
import { z } from 'zod';
import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import type { IncrementalRead, ReadWarning } from '../source.ts';
import type { StoredFile } from './file-store.ts';

/** Version of the persisted state; an older runner refuses a newer one. */
const STATE_VERSION = 1;

/** Identities of the files that were loaded: path, bytes, modified (ms since 1970), version. One a path, the last that was loaded. */
const fileStateModel = z.object({
  version: z.literal(STATE_VERSION),
  files: z.array(z.tuple([z.string(), z.int().nonnegative(), z.number(), z.string()])),
});
type FileState = z.infer<typeof fileStateModel>;

/** What a read is to read, planned purely from the listing, the job and the state. */
export interface FileSelection {
  /** In the order of reading: by key, then by path. */
  files: StoredFile[];
  /** Files that the glob matches. */
  matched: number;
  /** Greatest key of what was loaded so far and is read now; null where there is none. */
  watermark: string | null;
  /** State once `files` are loaded. */
  state: FileState;
  warnings: ReadWarning[];
}

const DEFAULT_GLOB = '**/*.parquet';

/** The glob of a job. The built-in default names Parquet files; for the other formats it means their own endings. */
export function globOf(job: Pick<Job, 'file_glob' | 'file_format'>): string {
  if (job.file_glob !== DEFAULT_GLOB || job.file_format === 'parquet') return job.file_glob;
  return job.file_format === 'csv'
    ? '**/*.{csv,csv.gz,csv.zst}'
    : '**/*.{jsonl,jsonl.gz,jsonl.zst,ndjson,ndjson.gz,ndjson.zst}';
}

/** The folder below the root that a glob cannot leave: only that needs to be listed. */
export function baseOf(glob: string): string {
  const text = tidy(glob);
  const { base } = picomatch.scan(text);
  // Without a wildcard the whole glob is the base: a file.
  return base === text ? base.split('/').slice(0, -1).join('/') : base;
}

/** Windows' separators, and `./` in front, mean nothing else. */
function tidy(glob: string): string {
  return glob.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '');
}

/** Files whose path below the root matches: `**`, `*`, `?`, `[…]`, `{a,b}`; case counts; sorted by path so that every system reads in the same order. */
export function matchFiles(files: readonly StoredFile[], glob: string): StoredFile[] {
  const matches = picomatch(tidy(glob), { nonegate: true });
  return files.filter((file) => matches(file.path)).sort((one, other) => compareText(one.path, other.path));
}

/**
 * Which of the matching files a read takes.
 *
 * FULL: all. INCREMENTAL: every file that is not loaded yet, by its identity (path, size, time), and whose key is `>=` the job's initial value:
 * a file that arrives late, with an older name or date than the last one, is read too. A file that was loaded and has changed is loaded again, whole;
 * where the rows are appended a warning says so.
 */
export function selectFiles(
  listing: readonly StoredFile[],
  job: Job,
  incremental: IncrementalRead | null,
  sourceState: unknown,
): FileSelection {
  const matched = matchFiles(listing, globOf(job));
  if (incremental === null) {
    return { files: matched, matched: matched.length, watermark: null, state: stateWith([], matched), warnings: [] };
  }
  const mode = job.incremental_mode;
  const state = readState(sourceState);
  const loaded = new Map((state?.files ?? []).map((file) => [file[0], file]));
  // Without identities (the state was set by hand) the watermark itself is the bound.
  const from = boundOf(
    state === null ? (incremental.from ?? job.last_watermark) : job.last_watermark,
    mode,
    'last_watermark',
  );
  const end = boundOf(incremental.end, mode, 'end_value');
  const changed: string[] = [];
  const picked: { file: StoredFile; key: string }[] = [];
  for (const file of matched) {
    const key = keyOf(file, mode);
    if ((from !== null && compareText(key, from) < 0) || (end !== null && compareText(key, end) >= 0)) continue;
    const before = loaded.get(file.path);
    if (before !== undefined && before[1] === file.bytes && before[2] === file.modified && before[3] === file.version)
      continue;
    if (before !== undefined && job.write_disposition === 'append') changed.push(file.path);
    picked.push({ file, key });
  }
  const warnings: ReadWarning[] =
    changed.length === 0
      ? []
      : [
          {
            code: 'FILE_CHANGED',
            message: `Loaded before and changed since, so loaded again behind the rows of before: ${changed
              .slice(0, 5)
              .map((path) => `"${path}"`)
              .join(', ')}${changed.length > 5 ? ` and ${changed.length - 5} more` : ''}.`,
            hint: 'Give the job a primary_key, so that its rows are replaced, or write new data to new files.',
          },
        ];
  picked.sort((one, other) => compareText(one.key, other.key) || compareText(one.file.path, other.file.path));
  const last = picked.at(-1)?.key ?? null;
  const before = incremental.continued ? incremental.from : null;
  const watermark = last === null || (before !== null && compareText(before, last) > 0) ? before : last;
  return {
    files: picked.map(({ file }) => file),
    matched: matched.length,
    watermark: mode === 'none' ? null : watermark,
    state: stateWith(
      state?.files ?? [],
      picked.map(({ file }) => file),
    ),
    warnings,
  };
}

/** The key that a mode goes by; keys of one mode compare as text. */
function keyOf(file: StoredFile, mode: Job['incremental_mode']): string {
  switch (mode) {
    case 'none':
      return '';
    case 'file_modified':
      return new Date(file.modified).toISOString();
    case 'file_name':
      return file.path.slice(file.path.lastIndexOf('/') + 1);
    case 'folder_date': {
      const date = folderDate(file.path);
      if (date === null) {
        throw new IngestError(
          'FILE_WITHOUT_FOLDER_DATE',
          `incremental_mode folder_date: no folder of "${file.path}" holds a date.`,
          {
            hint: 'Let file_glob match dated folders only (2024-01-31, 20240131, 2024/01/31, year=2024/month=01/day=31), or use file_modified.',
          },
        );
      }
      return date;
    }
    default:
      throw mode satisfies never;
  }
}

/** A bound in the form of the mode's keys. */
function boundOf(text: string | null, mode: Job['incremental_mode'], column: string): string | null {
  if (text === null || text.trim() === '' || mode === 'none') return null;
  if (mode === 'file_name') return text;
  if (mode === 'folder_date') {
    const date = folderDate(`${text}/`) ?? (/^\d{4}-\d{2}-\d{2}[T ]/.test(text) ? text.slice(0, 10) : null);
    if (date !== null) return date;
  } else {
    // A time without a zone is UTC, not whatever the machine is set to.
    const zoned = /^\d{4}-\d{2}-\d{2}[T ][\d:.]+$/.test(text) ? `${text.replace(' ', 'T')}Z` : text;
    const time = Date.parse(zoned);
    if (!Number.isNaN(time)) return new Date(time).toISOString();
  }
  throw new IngestError('WATERMARK_UNREADABLE', `${column} "${text}" is no date that ${mode} can go by.`, {
    hint: 'Write 2024-01-31 or 2024-01-31T10:00:00Z.',
  });
}

/** The date in a file's folders, `2024-01-31`; the last one where there are several; null where there is none. Forms: 2024-01-31, 2024_01_31, 20240131, 2024/01/31, year=2024/month=1/day=31, also with a name before it (`dt=2024-01-31`). */
export function folderDate(path: string): string | null {
  const folders = path.split('/').slice(0, -1);
  for (let index = folders.length - 1; index >= 0; index -= 1) {
    const folder = folders[index] as string;
    const whole = [...folder.matchAll(/(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)/g)].at(-1);
    const date = whole === undefined ? null : validDate(whole[1], whole[3], whole[4]);
    if (date !== null) return date;
    if (index < 2) continue;
    const [year, month, day] = folders
      .slice(index - 2, index + 1)
      .map((part) => /^(?:[A-Za-z_]+=)?(\d{1,4})$/.exec(part)?.[1]);
    if (year?.length === 4 && month !== undefined && day !== undefined && month.length <= 2 && day.length <= 2) {
      const parts = validDate(year, month, day);
      if (parts !== null) return parts;
    }
  }
  return null;
}

function validDate(year = '', month = '', day = ''): string | null {
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const date = new Date(`${text}T00:00:00Z`);
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? null : text;
}

function readState(raw: unknown): FileState | null {
  if (raw === null || raw === undefined) return null;
  const parsed = fileStateModel.safeParse(raw);
  if (parsed.success) return parsed.data;
  const version = (raw as { version?: unknown }).version;
  throw new IngestError(
    'FILE_STATE_UNREADABLE',
    typeof version === 'number' && version > STATE_VERSION
      ? `The state of the loaded files has version ${version}; this program knows ${STATE_VERSION}.`
      : 'The state of the loaded files is damaged.',
    {
      hint: 'Use a newer version of the program, or reset the state: all files are then loaded again.',
      cause: parsed.error,
    },
  );
}

function stateWith(before: FileState['files'], files: readonly StoredFile[]): FileState {
  const identities = new Map(before.map((file) => [file[0], file]));
  for (const file of files) identities.set(file.path, [file.path, file.bytes, file.modified, file.version]);
  return { version: STATE_VERSION, files: [...identities.values()] };
}

/** Order of code units: the same on every machine and in every language. */
function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
