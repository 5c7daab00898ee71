import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../duckdb/workspace.ts';
import { throwIfCancelled } from '../errors.ts';
import { quietContext } from '../quality/job-checks.ts';
import type { DiscoveredObject, Preview, ReadRequest, ReadWarning, Source, SourceColumn } from '../sources/source.ts';
import type { Job } from '../spec/job.ts';

export interface SourceFacts {
  /** What the next run sends. */
  statement: string;
  /** Null where the source gave nothing to learn them from. */
  columns: SourceColumn[] | null;
  warnings: ReadWarning[];
  /** Why the first page could not be had. */
  failure: Preview['failure'] | null;
  /** The catalogue's entry; null for files and APIs, and where it cannot be told which one is meant. */
  object: DiscoveredObject | null;
}

/** Records from which the columns of files and APIs are learned; databases have a catalogue. */
const LEARNED_FROM = { rows: 1000, pages: 1 };

export interface AskOptions {
  workspace: Workspace;
  /** A private folder of this job's. */
  folder: string;
  signal: AbortSignal;
}

export function isDatabase(job: Job): boolean {
  return job.source_type !== 'api' && job.source_type !== 'filesystem';
}

/** What the next read is and brings, at the cost of the first page or a statement of no rows. */
export async function sourceFacts(
  source: Source,
  request: ReadRequest,
  { workspace, folder, signal }: AskOptions,
): Promise<SourceFacts> {
  const { job } = request;
  const statement = await source.explain(request, signal);
  const preview = async (of: ReadRequest, name: string) => {
    throwIfCancelled(signal);
    const spool = path.join(folder, name);
    await mkdir(spool, { recursive: true, mode: 0o700 });
    const limits = isDatabase(job) ? { rows: 0, pages: 1 } : LEARNED_FROM;
    return await source.preview(of, quietContext(workspace, spool, signal), limits);
  };
  let shown = await preview(request, 'preview');
  // where nothing is new, what was read before still has columns
  if (shown.schema.length === 0 && request.incremental !== null && shown.failure === undefined) {
    shown = await preview({ ...request, incremental: null, sourceState: null }, 'first');
  }
  const columns = shown.schema.map(({ name, source_type, type, nullable }) => ({
    name,
    sourceType: source_type,
    segmentType: type,
    landedType: type,
    nullable,
  }));
  return {
    statement,
    columns: columns.length === 0 ? null : columns,
    warnings: shown.warnings,
    failure: shown.failure ?? null,
    object: isDatabase(job) ? await findObject(source, job, signal) : null,
  };
}

/** The catalogue's entry for the table that a job reads. */
async function findObject(source: Source, job: Job, signal: AbortSignal): Promise<DiscoveredObject | null> {
  const name = job.source_object ?? job.table_name;
  const dot = job.source_object === null ? name.lastIndexOf('.') : -1;
  const schema = job.schema_name ?? (dot > 0 ? name.slice(0, dot) : null);
  const table = name.slice(dot + 1);
  const filter = { search: table, withColumns: true, ...(schema === null ? {} : { schema }) };
  // What cannot be looked up in the catalogue may be read all the same.
  const found = await source.discover(filter, signal).catch(() => []);
  throwIfCancelled(signal);
  const same = found.filter((object) => object.name.toLowerCase() === table.toLowerCase());
  const exact = same.filter((object) => object.name === table);
  const candidates = exact.length > 0 ? exact : same;
  const usual = candidates.filter((object) => /^(public|dbo)$/i.test(object.schema ?? ''));
  return candidates.length === 1 ? (candidates[0] ?? null) : usual.length === 1 ? (usual[0] ?? null) : null;
}
