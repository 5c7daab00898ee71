import type { Preview, PreviewLimits, ReadRequest, ReadWarning } from '../source.ts';
import type { ApiClient } from './client.ts';
import { type FirstPage, probeFirstPage } from './first-page.ts';
import { observe, ShapeNode } from './infer.ts';
import { type Page, type PagePlan, readPages } from './pages.ts';
import type { Stop } from './paginators.ts';
import type { JsonRecord } from './records.ts';
import type { Redactor } from './redact.ts';
import { type Digits, measure, recordSchema } from './schema.ts';
import { moreHint, VerdictKeeper } from './verdict.ts';
import { WatermarkReader } from './watermark.ts';

/** The first pages of a job with the requests that gave them, without secrets. Nothing is written. */
export async function previewJob(
  plan: PagePlan,
  request: ReadRequest,
  limits: PreviewLimits,
  client: ApiClient,
  redactor: Redactor,
  signal: AbortSignal,
): Promise<Preview> {
  const verdict = new VerdictKeeper(plan.job);
  const watermark = request.incremental ? new WatermarkReader(request.incremental) : null;
  const root = new ShapeNode();
  const pages: Preview['pages'] = [];
  const shown: JsonRecord[] = [];
  const warnings: ReadWarning[] = [];
  let rows = 0;
  let first: Page | null = null;
  const generator = readPages(plan, client, redactor, {
    signal,
    onRetry: ({ error }) =>
      warnings.push({ code: 'API_RETRY', message: redactor.text(`A request had to be sent again: ${error.message}`) }),
    accept: (records, page) => {
      const kept = watermark
        ? records.filter((record) =>
            watermark.keeps(record, () => `page ${page}, record ${records.indexOf(record) + 1}`),
          )
        : records;
      return kept.slice(0, Math.max(0, limits.rows - rows));
    },
    enough: (page) => previewStop(page.number, rows + page.kept.length, limits),
  });
  let stop: Stop;
  for (;;) {
    const next = await generator.next();
    if (next.done) {
      stop = next.value;
      break;
    }
    const page = next.value;
    first ??= page;
    verdict.add(page);
    rows += page.kept.length;
    for (const record of page.kept) observe(root, record, page.exact, 0);
    shown.push(...page.kept);
    pages.push(shownPage(page, redactor));
  }
  const firstPage = first ? await probeFirstPage(plan, first, client, signal) : null;
  if (firstPage && firstPage.base_page !== plan.job.options.base_page) warnings.push(wrongFirstPage(firstPage));
  const measured = new Map<ShapeNode, Digits>();
  for (const record of shown) measure(root, record, measured);
  const schema = recordSchema(root, measured, {
    types: request.types,
    columnTypes: plan.job.column_types,
    records: rows,
  });
  const end = stop.reason === 'preview_limit' ? { verdict: stop, warnings: [] } : verdict.end(stop);
  return {
    pages,
    schema: schema.columns.map(({ name, sourceType, landedType, nullable }) => ({
      name,
      source_type: sourceType,
      type: landedType,
      nullable,
    })),
    stop: { reason: end.verdict.reason, detail: end.verdict.detail },
    detected: { ...detected(plan, first), ...(firstPage ? { first_page: firstPage } : {}) },
    warnings: [...warnings, ...end.warnings, ...(watermark?.warnings() ?? []), ...schema.warnings],
  };
}

function previewStop(pages: number, rows: number, limits: PreviewLimits): Stop | null {
  if (pages >= limits.pages)
    return { reason: 'preview_limit', detail: `The preview shows ${limits.pages} pages; a run reads on.` };
  if (rows >= limits.rows)
    return { reason: 'preview_limit', detail: `The preview shows ${limits.rows} records; a run reads on.` };
  return null;
}

function shownPage(page: Page, redactor: Redactor): Preview['pages'][number] {
  const { request, response } = page;
  return {
    request: {
      method: request.method,
      url: redactor.url(request.url),
      headers: redactor.headers(request.headers),
      body: redactor.body(request.body ?? null),
    },
    response: {
      status: response.status,
      headers: redactor.headers(response.headers),
      duration_ms: response.durationMs,
      bytes: response.bytes,
    },
    records: redactor.records(page.kept) as unknown[],
  };
}

function wrongFirstPage({ base_page, evidence }: FirstPage): ReadWarning {
  return {
    code: 'API_FIRST_PAGE',
    message: `The API's first page seems to be ${base_page}: ${evidence}.`,
    hint: `Set base_page = ${base_page} in the resource's options.`,
  };
}

/** What the first page tells about the API. */
function detected(plan: PagePlan, page: Page | null): Record<string, unknown> {
  if (!page) return {};
  const more = moreHint(page.body, page.response.headers, page.records.length);
  return {
    data_selector: plan.selector.selector,
    records_per_page: page.records.length,
    ...(more === null ? {} : { more_pages: more }),
  };
}
