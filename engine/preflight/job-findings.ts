import { bytesText } from '../runs/event-text.ts';
import type { DiscoveredObject, SourceColumn } from '../sources/source.ts';
import type { Job } from '../spec/job.ts';
import { normalizePath } from '../spec/naming.ts';
import type { PreflightFinding } from './preflight-report.ts';

/** A run writes at least its log; below this it would end in the middle. */
const LEAST_ROOM = 100_000_000;
/** Packages are compressed; the target's own copy comes on top of them. */
const ROOM_FOR_EACH_BYTE = 1.5;

/** Is the job's primary key there, and does the catalogue say that it is one? */
export function keyFindings(
  job: Job,
  object: DiscoveredObject | null,
  columns: readonly SourceColumn[] | null,
): PreflightFinding[] {
  if (job.primary_key.length === 0) return [];
  const missing = columns === null ? [] : job.primary_key.filter((key) => !hasColumn(columns, key));
  if (missing.length > 0) {
    return [
      finding(
        'error',
        'PRIMARY_KEY_MISSING',
        `primary_key names ${missing.join(', ')}, which the source's columns are without.`,
        `It brings: ${(columns ?? [])
          .slice(0, 20)
          .map(({ name }) => name)
          .join(', ')}.`,
      ),
    ];
  }
  if (object === null || job.write_disposition !== 'merge') return [];
  const key = new Set(job.primary_key.map(folded));
  const name = job.primary_key.join(', ');
  if (object.primaryKey.length > 0 && object.primaryKey.every((column) => key.has(folded(column)))) return [];
  const catalogue =
    object.primaryKey.length === 0
      ? 'the catalogue has no primary key for the table'
      : `the catalogue's primary key is (${object.primaryKey.join(', ')})`;
  const found = [
    finding(
      'info',
      'PRIMARY_KEY_NOT_PROMISED',
      `That (${name}) is unique is not promised: ${catalogue}.`,
      'Two rows of one key and watermark with different values end the load with an error that shows the key.',
    ),
  ];
  const nullable = object.columns.filter((column) => column.nullable && key.has(folded(column.name)));
  if (nullable.length > 0) {
    const which = nullable.map((column) => column.name).join(', ');
    found.push(
      finding(
        'warning',
        'PRIMARY_KEY_NULLABLE',
        `primary_key holds ${which}, which may be null in the source.`,
        'Rows without a key are never found again by a merge: choose another key, or leave such rows out with filter.',
      ),
    );
  }
  return found;
}

/** Is the watermark there, and what becomes of rows without one? */
export function watermarkFindings(
  job: Job,
  object: DiscoveredObject | null,
  columns: readonly SourceColumn[] | null,
): PreflightFinding[] {
  const name = job.watermark_column;
  if (job.load_type !== 'INCREMENTAL' || name === null || job.source_type === 'filesystem') return [];
  if (columns !== null && job.source_type === 'api' && !hasColumn(columns, name)) {
    return [
      finding(
        'warning',
        'WATERMARK_MISSING',
        `No record of the first page has watermark_column "${name}".`,
        'Look at the records with `ingest preview`, and correct the field path.',
      ),
    ];
  }
  const column = object?.columns.find((candidate) => folded(candidate.name) === folded(name));
  if (column?.nullable !== true || job.options.null_watermarks === 'include') return [];
  const fate = job.options.null_watermarks === 'raise' ? 'end the job with an error' : 'are left out with a warning';
  return [
    finding(
      'info',
      'WATERMARK_NULLABLE',
      `"${name}" may be null in the source: rows without one ${fate}.`,
      'null_watermarks = "include" reads them every time.',
    ),
  ];
}

/** Is there room for what a run writes? `bytes`: of the source's table, where the catalogue tells. */
export function roomFindings(
  job: Job,
  room: { freeBytes: number; folder: string; writable: boolean } | null,
  bytes: number | null,
): PreflightFinding[] {
  if (room === null) return [];
  const found: PreflightFinding[] = [];
  if (!room.writable)
    found.push(
      finding(
        'error',
        'NOT_WRITABLE',
        `${room.folder} cannot be written.`,
        'Check its permissions, or use --work-dir.',
      ),
    );
  const free = `${bytesText(room.freeBytes)} are free at ${room.folder}`;
  const hint = 'Free some space, or put the work on another disk with --work-dir.';
  const needed = job.load_type === 'FULL' && bytes !== null ? bytes * ROOM_FOR_EACH_BYTE : 0;
  if (room.freeBytes < LEAST_ROOM) found.push(finding('error', 'DISK_FULL', `${free}: too little for a run.`, hint));
  else if (room.freeBytes < needed)
    found.push(finding('warning', 'DISK_LOW', `${free}, and the source's table has ${bytesText(bytes ?? 0)}.`, hint));
  return found;
}

function finding(
  severity: PreflightFinding['severity'],
  code: string,
  message: string,
  hint: string,
): PreflightFinding {
  return { severity, code, message, hint, suggestion: null };
}

/** A column, or the beginning of a field path. */
function hasColumn(columns: readonly SourceColumn[], name: string): boolean {
  const wanted = [folded(name), folded(name.split('.')[0] ?? name)];
  return columns.some((column) => wanted.includes(folded(column.name)));
}

function folded(name: string): string {
  return normalizePath([name], 65_536).toLowerCase();
}
