import type { Job } from '../../spec/job.ts';
import type {
  IncrementalRead,
  ReadContext,
  ReadRequest,
  ReadSummary,
  ReadWarning,
  Segment,
  StopVerdict,
} from '../source.ts';
import type { OnRetry } from './client.ts';
import { observe, ShapeNode } from './infer.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import { PageScanner } from './page-scan.ts';
import type { Page, PageHooks, PagePlan } from './pages.ts';
import type { Stop } from './paginators.ts';
import { carriesStart, parentOf } from './placeholders.ts';
import type { JsonRecord } from './records.ts';
import { placesToMeasure, recordSchema } from './schema.ts';
import type { ApiSession } from './session.ts';
import { Spool } from './spool.ts';
import { hasStreams, type PageStream, pageStreams, readStreams } from './streams.ts';
import { StreamsVerdict, VerdictKeeper } from './verdict.ts';
import { WatermarkReader } from './watermark.ts';

/**
 * Reads all pages into the spool, then gives the records out as segments. The schema needs every record, so no segment comes before the last page.
 * Memory holds two pages, the schema and what DuckDB takes.
 */
export async function* readJob(
  session: ApiSession,
  request: ReadRequest,
  context: ReadContext,
): AsyncGenerator<Segment, ReadSummary> {
  const { job } = request;
  const { redactor } = session;
  const spool = new Spool(context.spoolDirectory);
  const root = new ShapeNode();
  const verdict = verdictOf(job);
  const filter = recordFilter(request, context);
  const repeats = new RepeatWatch(job);
  let retries = 0;
  let bytes = 0;
  let records = 0;
  const onRetry: OnRetry = ({ attempt, waitMs, error }) => {
    retries += 1;
    context.log(
      'INFO',
      redactor.text(
        `Request failed (attempt ${attempt}), again in ${Math.round(waitMs / 100) / 10} s: ${error.message}`,
      ),
    );
  };
  const scanner = pageScanner(request, root);
  // A sample takes what it needs and no more: nothing is asked for ahead.
  const asked = request.sampleRows === null ? job : { ...job, options: { ...job.options, concurrency: 1 } };
  const hooksOf = (stream: PageStream): PageHooks => {
    const part = filter.of(stream);
    return {
      signal: context.signal,
      onRetry,
      accept: (list, page) => part(list, page, request.sampleRows === null ? null : request.sampleRows - records),
      ...(scanner === null || stream.extra !== null
        ? {}
        : {
            scan: (response, list) => scanner.scan(response, list),
            acceptScan: (scan, page) => {
              if (!request.incremental) return null;
              const kept = part(scan.records, page, null);
              return kept.length === scan.rows ? null : placesOf(kept, scan.records);
            },
          }),
      enough: (page) =>
        request.sampleRows !== null && records + page.keptCount >= request.sampleRows
          ? sampleStop(request.sampleRows)
          : null,
      concurrency: hasStreams(job) ? 1 : asked.options.concurrency,
    };
  };
  let selector: PagePlan['selector'] | null = null;
  try {
    const streams = pageStreams(job, request.incremental, {
      session,
      spoolDirectory: context.spoolDirectory,
      signal: context.signal,
      onRetry,
      warn: context.warn,
      log: context.log,
      parentLimit: null,
    });
    let pages = 0;
    for await (const { stream, page, stop } of readStreams(streams, asked, session, hooksOf)) {
      ({ selector } = stream.plan);
      if (!page) {
        // The page that fills a sample may be the last of its part, but not of the read.
        const full = stream.label !== null && request.sampleRows !== null && records >= request.sampleRows;
        verdict.close(full ? sampleStop(request.sampleRows as number) : stop, stream.label);
        if (full) break;
        continue;
      }
      pages += 1;
      verdict.add(page);
      repeats.add(page);
      records += page.keptCount;
      bytes += page.response.bytes;
      if (page.scan) {
        page.scan.addShapes();
        await spool.appendLines(
          { bytes: page.scan.lines, longest: page.scan.longest },
          page.count,
          page.response.bytes,
        );
      } else {
        for (const record of page.kept) observe(root, record, page.content.exact, 0);
        await spool.append(page.kept, page.response.bytes, wholePage(page, stream.plan));
      }
      context.log(
        'DEBUG',
        `Page ${page.number}: ${page.response.status}, ${page.count} records, ${redactor.url(page.request.url)}`,
      );
      context.progress({ rows: records, bytes, pages });
    }
  } finally {
    await spool.finish();
  }
  const { verdict: result, warnings } = verdict.end();
  for (const warning of [...warnings, ...filter.warnings(), ...repeats.warnings()]) context.warn(warning);
  const nulls = selector?.nulls ?? 0;
  if (nulls > 0) {
    context.warn({
      code: 'API_NULL_RECORDS',
      message: `${nulls} null entries among the records were left out.`,
    });
  }
  warnMissingColumns(root, request, records, context);
  const measured = placesToMeasure(root) ? await spool.measure(root, context.signal) : new Map();
  const schema = recordSchema(root, measured, { types: request.types, columnTypes: job.column_types, records });
  for (const warning of schema.warnings) context.warn(warning);
  if (schema.columns.length > 0) yield* spool.segments(schema, context.signal);
  else if (records > 0)
    context.warn({
      code: 'API_EMPTY_RECORDS',
      message: `The ${records} records have no fields; there is nothing to load.`,
    });
  return { ...(request.incremental ? { watermark: filter.greatest() } : {}), verdict: result, retries };
}

/** The page's bytes where its records are kept as they are. */
function wholePage({ content, kept }: Page, plan: PagePlan): { bytes: Buffer; listKey: string | null } | null {
  const { listKey } = plan.selector;
  return content.raw && kept === content.records && listKey !== undefined ? { bytes: content.raw, listKey } : null;
}

/** Scans pages where nothing but the watermark and the primary key is looked up in the records, and neither is inside other values. */
function pageScanner({ job, incremental, sampleRows }: ReadRequest, root: ShapeNode): PageScanner | null {
  const fields = new Set([
    ...(incremental ? [incremental.column] : []),
    ...(watchesRepeats(job) ? job.primary_key : []),
  ]);
  if (sampleRows !== null || job.columns.length > 0 || ![...fields].every((field) => /^[\w-]+$/.test(field)))
    return null;
  const { cursor_path, next_url_path, total_path, total_pages_path, has_more_path } = job.options;
  const paths = [cursor_path, next_url_path, total_path, total_pages_path, has_more_path];
  return new PageScanner(
    root,
    [...fields],
    paths.filter((path) => path !== undefined),
  );
}

function placesOf(kept: readonly JsonRecord[], records: readonly JsonRecord[]): Set<number> {
  const chosen = new Set(kept);
  return new Set(records.flatMap((record, place) => (chosen.has(record) ? [place] : [])));
}

/** The reason of a read that a sample or a preview ends. */
export function sampleStop(rows: number): Stop {
  return { reason: 'sample', detail: `The sample of ${rows} records is full.`, endsRead: true };
}

interface ReadVerdict {
  add(page: Page): void;
  /** A stream ended. */
  close(stop: Stop, label: string | null): void;
  end(): { verdict: StopVerdict; warnings: ReadWarning[] };
}

function verdictOf(job: Job): ReadVerdict {
  const parent = parentOf(job);
  if (parent) return new StreamsVerdict(job, `records of ${parent.resource}`);
  if (job.options.slice !== undefined) return new StreamsVerdict(job, 'slices');
  const keeper = new VerdictKeeper(job);
  let end: Stop = { reason: 'no_pages', detail: 'Nothing was asked for.' };
  return {
    add: (page) => keeper.add(page),
    close: (stop) => {
      end = stop;
    },
    end: () => keeper.end(end),
  };
}

interface RecordFilter {
  /** The filter of one stream. */
  of(stream: PageStream): (records: JsonRecord[], page: number, room: number | null) => JsonRecord[];
  warnings(): ReadWarning[];
  greatest(): string | null;
}

/** Watermark, sample, fields of the parent and column pruning, in this order. */
function recordFilter(request: ReadRequest, context: ReadContext): RecordFilter {
  const { job, incremental } = request;
  // One a slice: a record at a bound that two slices give is kept by the one it belongs to.
  const watermarks = new Map<string, WatermarkReader>();
  if (incremental && !carriesStart(job) && (incremental.from !== null || incremental.end !== null)) {
    context.warn({
      code: 'API_FULL_READ',
      message: `The API is read as a whole and filtered by ${incremental.column} afterwards, because no parameter carries the watermark.`,
      hint: 'Where the API has such a parameter (updated_since …), name it in incremental.start_param.',
    });
  }
  const watermarkOf = (slice: IncrementalRead | null): WatermarkReader | null => {
    if (!slice) return null;
    const key = `${slice.from}..${slice.end}`;
    let watermark = watermarks.get(key);
    if (!watermark) {
      watermark = new WatermarkReader(slice);
      watermarks.set(key, watermark);
    }
    return watermark;
  };
  const all = () => {
    const total = incremental ? new WatermarkReader(incremental) : null;
    for (const watermark of watermarks.values()) total?.absorb(watermark);
    return total;
  };
  return {
    of(stream) {
      const watermark = watermarkOf(stream.incremental);
      const { extra } = stream;
      const place = stream.label === null ? '' : `${stream.label}: `;
      return (records, page, room) => {
        let kept = records;
        if (watermark)
          kept = kept.filter((record) =>
            watermark.keeps(record, () => `${place}page ${page}, record ${records.indexOf(record) + 1}`),
          );
        if (room !== null && kept.length > room) kept = kept.slice(0, Math.max(0, room));
        if (job.columns.length > 0) kept = kept.map((record) => pruned(record, job.columns));
        return extra === null ? kept : kept.map((record) => ({ ...record, ...extra }));
      };
    },
    warnings: () => all()?.warnings() ?? [],
    greatest: () => all()?.greatest ?? null,
  };
}

/** Notices records that come twice on neighbouring pages, by their primary key: rows were inserted or deleted while the pages were read. */
class RepeatWatch {
  readonly #keys: JsonPath[];
  #before = new Set<string>();
  #repeated = 0;

  constructor(job: Job) {
    this.#keys = watchesRepeats(job) ? job.primary_key.map(compileJsonPath) : [];
  }

  add(page: Page): void {
    // A page that was left out as a whole has been told already.
    if (this.#keys.length === 0 || page.keptCount === 0) return;
    const known = page.number === 1 ? new Set<string>() : this.#before;
    this.#before = new Set<string>();
    // The records as they came: the job's columns may leave the key out.
    for (const record of page.scan?.records ?? page.records) {
      const key = this.#keyOf(record);
      if (key !== null) this.#before.add(key);
    }
    for (const key of this.#before) if (known.has(key)) this.#repeated += 1;
  }

  #keyOf(record: JsonRecord): string | null {
    let text = '';
    for (const key of this.#keys) {
      const value = key.first(record);
      if (value === null || value === undefined) return null;
      text += `${JSON.stringify(value)},`;
    }
    return text;
  }

  warnings(): ReadWarning[] {
    if (this.#repeated === 0) return [];
    return [
      {
        code: 'API_RECORDS_REPEATED',
        message: `${this.#repeated === 1 ? '1 record' : `${this.#repeated} records`} came on two pages in a row: rows were inserted or deleted while the pages were read.`,
        hint: 'Repeated rows are merged by their primary key, but others may have been skipped: sort by a column that only grows, or read by cursor or watermark.',
      },
    ];
  }
}

function watchesRepeats(job: Job): boolean {
  return job.pagination_type === 'offset' || job.pagination_type === 'page_number';
}

function pruned(record: JsonRecord, columns: readonly string[]): JsonRecord {
  return Object.fromEntries(
    columns.filter((column) => Object.hasOwn(record, column)).map((column) => [column, record[column]]),
  );
}

function warnMissingColumns(root: ShapeNode, request: ReadRequest, records: number, context: ReadContext): void {
  if (records === 0) return;
  for (const column of request.job.columns) {
    if (root.names.includes(column)) continue;
    context.warn({
      code: 'API_COLUMN_MISSING',
      column,
      message: `No record has the field "${column}" that the job's columns list.`,
      hint: 'Check its spelling, case included.',
    });
  }
}

/** What the next read asks for, as a person can read it. */
export function describeIncremental(incremental: IncrementalRead, job: Job): string {
  if (incremental.from === null) return `all records (no watermark of ${incremental.column} yet)`;
  const lag = incremental.lag
    ? ` minus the lag of ${incremental.lag.kind === 'duration' ? `${incremental.lag.seconds} s` : incremental.lag.value}`
    : '';
  const how = carriesStart(job) ? '' : ', filtered here after everything was read';
  return `records with ${incremental.column} >= ${incremental.from}${lag}${how}`;
}
