import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { IngestError, isIngestError, throwIfCancelled } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { didYouMean } from '../../spec/suggest.ts';
import type { IncrementalRead, ReadWarning } from '../source.ts';
import type { OnRetry } from './client.ts';
import { parseJson, scalarText } from './json.ts';
import { boundsOf, type Page, type PageHooks, type PagePlan, planPages, readPages } from './pages.ts';
import type { Stop } from './paginators.ts';
import { includedFields, type ParentLink, parentOf, parentValues } from './placeholders.ts';
import type { JsonRecord } from './records.ts';
import type { ApiSession } from './session.ts';
import { slicesOf } from './slices.ts';

/** One paginated sequence of requests: of the whole job, of one parent record, of one slice, or of one slice of one parent record. */
export interface PageStream {
  plan: PagePlan;
  /** What it is part of, for messages; null for a job that is one stream. */
  label: string | null;
  /** Fields of the parent that go into each record; null where there is none. */
  extra: JsonRecord | null;
  /** The bounds of its slice. */
  incremental: IncrementalRead | null;
}

/** What reading the streams of a job needs. */
export interface StreamContext {
  session: ApiSession;
  /** Private folder for the parents' values; the caller removes it. */
  spoolDirectory: string;
  signal: AbortSignal;
  onRetry: OnRetry;
  warn(warning: ReadWarning): void;
  log(level: 'DEBUG' | 'INFO', message: string): void;
  /** At most so many records of each parent, for previews; null reads all. */
  parentLimit: number | null;
}

/** True where a job may be more than one stream. */
export function hasStreams(job: Job): boolean {
  return job.options.slice !== undefined || parentOf(job) !== null;
}

/**
 * The streams of a job in order. A parent is read to its end first (as a whole, with its own pagination), so that its cursor does not age while
 * its children are read; equal values of the bound fields are asked for once.
 * @throws IngestError API_PARENT_UNKNOWN, API_PARENT_LOOP, API_PARENT_FIELD and those of the parent's read
 */
export async function* pageStreams(
  job: Job,
  incremental: IncrementalRead | null,
  context: StreamContext,
  chain: readonly string[] = [],
): AsyncGenerator<PageStream, void> {
  const { session } = context;
  const slices = slicesOf(job, incremental, session.clock);
  const link = parentOf(job);
  if (!link) {
    for (const slice of slices) {
      yield {
        plan: planPages(session.connection, job, slice),
        label: slices.length > 1 ? sliceLabel(slice) : null,
        extra: null,
        incremental: slice,
      };
    }
    return;
  }
  const parent = parentJob(job, link, session.jobs, chain);
  for await (const { values, extra } of await parentRecords(job, parent, link, context, [...chain, job.table_name])) {
    for (const slice of slices) {
      const label = `${link.resource} ${link.bound.map((field) => `${field} = ${scalarText(values[field])}`).join(', ')}`;
      yield {
        plan: planPages(session.connection, job, slice, { ...boundsOf(job, slice), parent: values }),
        label: slices.length > 1 ? `${label}, ${sliceLabel(slice)}` : label,
        extra,
        incremental: slice,
      };
    }
  }
}

function sliceLabel(slice: IncrementalRead | null): string {
  return `${slice?.column} from ${slice?.from}${slice?.end == null ? '' : ` to ${slice.end}`}`;
}

function parentJob(job: Job, link: ParentLink, jobs: readonly Job[], chain: readonly string[]): Job {
  if (link.resource === job.table_name || chain.includes(link.resource)) {
    throw new IngestError(
      'API_PARENT_LOOP',
      `${[...chain, job.table_name, link.resource].join(' → ')}: a resource cannot be its own parent.`,
      { hint: 'Correct the parent of one of them.' },
    );
  }
  const siblings = jobs.filter(({ source_name }) => source_name === job.source_name);
  const found = siblings.find(({ table_name }) => table_name === link.resource);
  if (found) return found;
  const near = didYouMean(
    link.resource,
    siblings.map(({ table_name }) => table_name),
  );
  throw new IngestError(
    'API_PARENT_UNKNOWN',
    `${job.table_name} asks for each record of ${link.resource}, which is no job of connection ${job.source_name}.`,
    {
      hint:
        near === null ? `Add a row for ${link.resource}; it may be disabled (enabled N).` : `Did you mean "${near}"?`,
    },
  );
}

interface ParentRecord {
  values: JsonRecord;
  extra: JsonRecord | null;
}

/** Reads the parent and spools what is needed of its records; then gives them out from disk. */
async function parentRecords(
  job: Job,
  parent: Job,
  link: ParentLink,
  context: StreamContext,
  chain: readonly string[],
): Promise<AsyncIterable<ParentRecord>> {
  const file = path.join(context.spoolDirectory, `parents-of-${chain.length}.ndjson`);
  const handle = await open(file, 'wx', 0o600);
  const seen = new Set<string>();
  let records = 0;
  let nulls = 0;
  try {
    for await (const { page, extra, warnings } of streamedPages(parent, null, context, chain)) {
      for (const warning of warnings)
        context.warn({ ...warning, message: `Parent ${parent.table_name}: ${warning.message}` });
      if (!page) continue;
      let lines = '';
      for (const [index, own] of page.kept.entries()) {
        if (context.parentLimit !== null && records >= context.parentLimit) break;
        records += 1;
        const record = extra ? { ...own, ...extra } : own;
        const describe = () => `Record ${index + 1} of page ${page.number} of parent ${parent.table_name}`;
        const values = parentValues(record, link, describe);
        if (Object.values(values).includes(null)) {
          nulls += 1;
          continue;
        }
        const line = JSON.stringify({
          values,
          extra: link.include.length > 0 ? includedFields(record, link, describe) : null,
        });
        if (seen.has(line)) continue;
        seen.add(line);
        lines += `${line}\n`;
      }
      await handle.writeFile(lines);
      if (context.parentLimit !== null && records >= context.parentLimit) break;
    }
  } catch (error) {
    throw named(error, `Parent ${parent.table_name} of ${job.table_name}`);
  } finally {
    await handle.close();
  }
  if (nulls > 0) {
    context.warn({
      code: 'API_PARENT_NULL',
      message: `${nulls} records of ${parent.table_name} have no ${link.bound.join(' or ')}; nothing was asked for them.`,
    });
  }
  context.log(
    'INFO',
    `${parent.table_name}: ${records} parent records, ${seen.size} of them with values of their own for ${job.table_name}.`,
  );
  return linesOf(file, context.signal);
}

async function* linesOf(file: string, signal: AbortSignal): AsyncGenerator<ParentRecord> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      throwIfCancelled(signal);
      yield parseJson(line, true).value as ParentRecord;
    }
  }
}

async function* streamedPages(
  parent: Job,
  incremental: IncrementalRead | null,
  context: StreamContext,
  chain: readonly string[],
): AsyncGenerator<{ page: Page | null; extra: JsonRecord | null; warnings: ReadWarning[] }> {
  const hooks = {
    signal: context.signal,
    onRetry: context.onRetry,
    accept: (records: JsonRecord[]) => records,
    enough: () => null,
  };
  const reading = readStreams(pageStreams(parent, incremental, context, chain), parent, context.session, () => hooks);
  for await (const { page, stream, stop } of reading)
    yield { page, extra: stream.extra, warnings: stop?.warning ? [stop.warning] : [] };
}

/** A page of a stream, or (with `stop`) the stream's end. */
export type StreamEvent =
  | { stream: PageStream; page: Page; stop: null }
  | { stream: PageStream; page: null; stop: Stop };

/**
 * Reads streams one after the other; with options.concurrency the first pages of the next ones are asked for meanwhile.
 * Pages come in the order of the streams. A stop with `endsRead` ends all.
 */
export async function* readStreams(
  streams: AsyncGenerator<PageStream, void>,
  job: Job,
  session: ApiSession,
  hooksOf: (stream: PageStream) => PageHooks,
): AsyncGenerator<StreamEvent, void> {
  const client = session.clientOf(job);
  const width = job.options.concurrency;
  const stop = new AbortController();
  const open: OpenStream[] = [];
  let selector: PagePlan['selector'] | null = null;
  let exhausted = false;
  try {
    for (;;) {
      while (!exhausted && open.length < width) {
        const next = await streams.next();
        if (next.done) exhausted = true;
        else {
          const stream = next.value;
          // A list that one parent has not shown itself in another's response.
          if (selector) stream.plan.selector = selector;
          else selector = stream.plan.selector;
          const hooks = hooksOf(stream);
          const signal = AbortSignal.any([hooks.signal, stop.signal]);
          const pages = readPages(stream.plan, client, session.redactor, { ...hooks, signal });
          const first = pages.next();
          first.catch(() => undefined);
          open.push({ stream, pages, first });
        }
      }
      const current = open[0];
      if (!current) return;
      const { stream, pages } = current;
      let pending = current.first;
      for (;;) {
        let result: IteratorResult<Page, Stop>;
        try {
          result = await pending;
        } catch (error) {
          throw stream.label === null ? error : named(error, stream.label);
        }
        if (result.done) {
          yield { stream, page: null, stop: result.value };
          if (result.value.endsRead) return;
          break;
        }
        yield { stream, page: result.value, stop: null };
        pending = pages.next();
      }
      open.shift();
    }
  } finally {
    stop.abort();
    await Promise.allSettled([
      ...open.map(({ pages }) => pages.return({ reason: 'ended', detail: '' })),
      streams.return(),
    ]);
  }
}

interface OpenStream {
  stream: PageStream;
  pages: AsyncGenerator<Page, Stop>;
  first: Promise<IteratorResult<Page, Stop>>;
}

/** The error with the part of the read that it belongs to. */
function named(error: unknown, label: string): unknown {
  if (!isIngestError(error) || error.code === 'CANCELLED') return error;
  return new IngestError(error.code, `${label}: ${error.message}`, {
    hint: error.hint,
    retryable: error.retryable,
    cause: error,
  });
}
