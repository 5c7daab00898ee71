import type { IncrementalRead, ReadContext, ReadRequest, ReadSummary, ReadWarning, Segment } from '../source.ts';
import type { ApiClient } from './client.ts';
import { observe, ShapeNode } from './infer.ts';
import { type Page, type PageHooks, type PagePlan, readPages } from './pages.ts';
import type { Stop } from './paginators.ts';
import type { JsonRecord } from './records.ts';
import type { Redactor } from './redact.ts';
import { placesToMeasure, recordSchema } from './schema.ts';
import { Spool } from './spool.ts';
import { VerdictKeeper } from './verdict.ts';
import { WatermarkReader } from './watermark.ts';

/**
 * Reads all pages into the spool, then gives the records out as segments. The schema needs every record, so no segment comes before the last page.
 * Memory holds two pages, the schema and what DuckDB takes.
 */
export async function* readJob(
  plan: PagePlan,
  request: ReadRequest,
  context: ReadContext,
  client: ApiClient,
  redactor: Redactor,
): AsyncGenerator<Segment, ReadSummary> {
  const { job } = plan;
  const spool = new Spool(context.spoolDirectory);
  const root = new ShapeNode();
  const verdict = new VerdictKeeper(job);
  const filter = recordFilter(request, context);
  let retries = 0;
  let bytes = 0;
  let records = 0;
  const hooks: PageHooks = {
    signal: context.signal,
    onRetry: ({ attempt, waitMs, error }) => {
      retries += 1;
      context.log(
        'INFO',
        redactor.text(
          `Request failed (attempt ${attempt}), again in ${Math.round(waitMs / 100) / 10} s: ${error.message}`,
        ),
      );
    },
    accept: (list, page) =>
      filter.accept(list, page, request.sampleRows === null ? null : request.sampleRows - records),
    enough: (page) =>
      request.sampleRows !== null && records + page.kept.length >= request.sampleRows
        ? sampleStop(request.sampleRows)
        : null,
  };
  let stop: Stop;
  try {
    const pages = readPages(plan, client, redactor, hooks);
    for (;;) {
      const next = await pages.next();
      if (next.done) {
        stop = next.value;
        break;
      }
      const page = next.value;
      verdict.add(page);
      records += page.kept.length;
      bytes += page.response.bytes;
      for (const record of page.kept) observe(root, record, page.exact, 0);
      await spool.append(page.kept, page.response.bytes, wholePage(page, plan));
      context.log(
        'DEBUG',
        `Page ${page.number}: ${page.response.status}, ${page.records.length} records, ${redactor.url(page.request.url)}`,
      );
      context.progress({ rows: records, bytes, pages: page.number });
    }
  } finally {
    await spool.finish();
  }
  const { verdict: result, warnings } = verdict.end(stop);
  for (const warning of [...warnings, ...filter.warnings()]) context.warn(warning);
  if (plan.selector.nulls > 0) {
    context.warn({
      code: 'API_NULL_RECORDS',
      message: `${plan.selector.nulls} null entries among the records were left out.`,
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
function wholePage(page: Page, plan: PagePlan): { bytes: Buffer; listKey: string | null } | null {
  const { listKey } = plan.selector;
  return page.raw && page.kept === page.records && listKey !== undefined ? { bytes: page.raw, listKey } : null;
}

/** The reason of a read that a sample or a preview ends. */
export function sampleStop(rows: number): Stop {
  return { reason: 'sample', detail: `The sample of ${rows} records is full.` };
}

interface RecordFilter {
  accept(records: JsonRecord[], page: number, room: number | null): JsonRecord[];
  warnings(): ReadWarning[];
  greatest(): string | null;
}

/** Watermark, sample and column pruning, in this order. */
function recordFilter(request: ReadRequest, context: ReadContext): RecordFilter {
  const { job, incremental } = request;
  const watermark = incremental ? new WatermarkReader(incremental) : null;
  if (incremental && !job.options.incremental?.start_param && (incremental.from !== null || incremental.end !== null)) {
    context.warn({
      code: 'API_FULL_READ',
      message: `The API is read as a whole and filtered by ${incremental.column} afterwards, because no parameter carries the watermark.`,
      hint: 'Where the API has such a parameter (updated_since …), name it in incremental.start_param.',
    });
  }
  return {
    accept(records, page, room) {
      let kept = records;
      if (watermark)
        kept = kept.filter((record) =>
          watermark.keeps(record, () => `page ${page}, record ${records.indexOf(record) + 1}`),
        );
      if (room !== null && kept.length > room) kept = kept.slice(0, Math.max(0, room));
      return job.columns.length > 0 ? kept.map((record) => pruned(record, job.columns)) : kept;
    },
    warnings: () => watermark?.warnings() ?? [],
    greatest: () => watermark?.greatest ?? null,
  };
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
export function describeIncremental(incremental: IncrementalRead, startParam: string | undefined): string {
  if (incremental.from === null) return `all records (no watermark of ${incremental.column} yet)`;
  const lag = incremental.lag
    ? ` minus the lag of ${incremental.lag.kind === 'duration' ? `${incremental.lag.seconds} s` : incremental.lag.value}`
    : '';
  const how = startParam ? '' : ', filtered here after everything was read';
  return `records with ${incremental.column} >= ${incremental.from}${lag}${how}`;
}
