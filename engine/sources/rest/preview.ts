import { type IngestError, isIngestError } from '../../errors.ts';
import type { RateLimit } from '../../spec/connection.ts';
import type { Preview, PreviewLimits, PreviewPage, ReadRequest, ReadWarning } from '../source.ts';
import type { ApiRequest, ApiResponse } from './client.ts';
import { cutJson } from './cut-json.ts';
import { detect, type Observation, type ObservedPage } from './detect.ts';
import { detectPagination } from './detect-pagination.ts';
import { estimateRead } from './estimate.ts';
import { type FirstPage, probeFirstPage } from './first-page.ts';
import { observe, ShapeNode } from './infer.ts';
import { parseJson } from './json.ts';
import { type Page, type PageClient, type PagePlan, readPages } from './pages.ts';
import type { Stop } from './paginators.ts';
import { previewWarnings } from './preview-warnings.ts';
import type { JsonRecord } from './records.ts';
import { isSensitiveKey, type Redactor } from './redact.ts';
import { type Digits, measure, recordSchema } from './schema.ts';
import { moreHint, VerdictKeeper } from './verdict.ts';
import { WatermarkReader } from './watermark.ts';

export interface PreviewParts {
  plan: PagePlan;
  request: ReadRequest;
  limits: PreviewLimits;
  /** Sends the requests; with a replay in the limits it is not asked. */
  client: PageClient;
  redactor: Redactor;
  rateLimit: RateLimit | null;
  signal: AbortSignal;
}

interface Exchange {
  request: ApiRequest;
  response: ApiResponse;
}

/**
 * The first pages of a job with the requests that gave them, without secrets, and what they tell about the API. Nothing is written.
 * An error after the first answer is part of the preview ({@link Preview.failure}): the answer shows what is wrong with the job's settings.
 */
export async function previewJob(parts: PreviewParts): Promise<Preview> {
  const { plan, request, limits, redactor, signal } = parts;
  const { job } = plan;
  const verdict = new VerdictKeeper(job);
  const watermark = request.incremental ? new WatermarkReader(request.incremental) : null;
  const root = new ShapeNode();
  const observed: ObservedPage[] = [];
  const shown: JsonRecord[] = [];
  const pages: PreviewPage[] = [];
  const warnings: ReadWarning[] = [];
  let first: Page | null = null;
  let last: Exchange | null = null;
  const client = recordedClient(parts.client, limits, redactor, (exchange) => {
    last = exchange;
  });
  const generator = readPages(plan, client, redactor, {
    signal,
    onRetry: ({ error }) =>
      warnings.push({ code: 'API_RETRY', message: redactor.text(`A request had to be sent again: ${error.message}`) }),
    accept: (records, page) =>
      watermark
        ? records.filter((record) =>
            watermark.keeps(record, () => `page ${page}, record ${records.indexOf(record) + 1}`),
          )
        : records,
    enough: (page) => previewStop(page.number, limits),
  });
  let stop: Stop | null = null;
  let failure: IngestError | null = null;
  try {
    while (stop === null) {
      const next = await generator.next();
      if (next.done) {
        stop = next.value;
        break;
      }
      const page = next.value;
      first ??= page;
      // An answer to the next request may be here already.
      if ((last as Exchange | null)?.request === page.request) last = null;
      verdict.add(page);
      const visible = page.kept.slice(0, limits.rows);
      for (const record of visible) observe(root, record, page.content.exact, 0);
      shown.push(...visible);
      observed.push({
        body: page.body,
        headers: page.response.headers,
        url: page.request.url,
        records: page.records,
        durationMs: page.response.durationMs,
      });
      pages.push({ ...shownPage(page, page.body, visible, redactor), next: shownNext(page.next, redactor) });
    }
  } catch (error) {
    const rejected = last as Exchange | null;
    if (!isIngestError(error) || error.code === 'CANCELLED' || (pages.length === 0 && rejected === null)) throw error;
    failure = error;
    if (rejected !== null) {
      const body = parsedOrNothing(rejected.response.text);
      pages.push(shownPage(rejected, body, [], redactor));
      observed.push({
        body,
        headers: rejected.response.headers,
        url: rejected.request.url,
        records: [],
        durationMs: rejected.response.durationMs,
      });
    }
  }
  stop ??= { reason: 'error', detail: redactor.text(failure?.message ?? '') };
  const firstPage = first && failure === null ? await probe(plan, first, client, signal, limits) : null;
  if (firstPage && firstPage.base_page !== job.options.base_page) warnings.push(wrongFirstPage(firstPage));
  const measured = new Map<ShapeNode, Digits>();
  for (const record of shown) measure(root, record, measured);
  const schema = recordSchema(root, measured, {
    types: request.types,
    columnTypes: job.column_types,
    records: shown.length,
  });
  const isOver = stop.reason !== 'preview_limit' && failure === null;
  const end = isOver ? verdict.end(stop) : { verdict: stop, warnings: [] };
  const observation: Observation = { job, pages: observed, selector: plan.selector.selector, firstPage };
  const facts = observed.length > 0 ? detectPagination(observation) : null;
  const estimate = facts === null ? undefined : estimateRead(observation, facts, isOver, parts.rateLimit);
  return {
    pages,
    schema: schema.columns.map(({ name, sourceType, landedType, nullable }) => ({
      name,
      source_type: sourceType,
      type: landedType,
      nullable,
    })),
    stop: { reason: end.verdict.reason, detail: end.verdict.detail },
    detected: {
      ...redactedDetections(detect(observation), redactor),
      ...more(first, observed.length, facts?.more ?? null),
    },
    warnings: onePerCode([
      ...warnings,
      ...end.warnings,
      ...(facts === null ? [] : previewWarnings(observation, facts, stop)),
      ...(watermark?.warnings() ?? []),
      ...schema.warnings,
    ]).map((warning) => ({ ...warning, message: redactor.text(warning.message) })),
    ...(estimate === undefined ? {} : { estimate }),
    ...(failure === null
      ? {}
      : {
          failure: {
            code: failure.code,
            message: redactor.text(failure.message),
            ...(failure.hint ? { hint: failure.hint } : {}),
          },
        }),
    ...(limits.replay === undefined ? {} : { replayed: true }),
  };
}

/** The client, or a recording in its place; each answer is told, and recorded where it is asked for. */
export function recordedClient(
  client: PageClient,
  { recorder, replay }: PreviewLimits,
  redactor: Redactor,
  heard: (exchange: Exchange) => void = () => undefined,
): PageClient {
  return {
    async send(request, signal, onRetry) {
      const secrets = { hide: (text: string) => redactor.text(text), isSecretName: isSensitiveKey };
      let response: ApiResponse;
      try {
        if (replay === undefined) response = await client.send(request, signal, onRetry);
        else response = { ...replay.answer(request), utf8: null };
      } catch (error) {
        if (isIngestError(error) && error.code !== 'CANCELLED')
          recorder?.addFailure(
            request,
            { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) },
            secrets,
          );
        throw error;
      }
      recorder?.add(request, response, secrets);
      heard({ request, response });
      return response;
    },
  };
}

/** A recording that holds no probe tells nothing about the first page. */
async function probe(
  plan: PagePlan,
  first: Page,
  client: PageClient,
  signal: AbortSignal,
  { replay }: PreviewLimits,
): Promise<FirstPage | null> {
  if (replay === undefined) return probeFirstPage(plan, first, client, signal);
  let missing = false;
  const found = await probeFirstPage(
    plan,
    first,
    {
      send: (request, ...rest) =>
        client.send(request, ...rest).catch((error: unknown) => {
          missing ||= isIngestError(error) && error.code === 'RECORDING_MISSES_REQUEST';
          throw error;
        }),
    },
    signal,
  );
  return missing ? null : found;
}

function parsedOrNothing(text: string): unknown {
  try {
    return parseJson(text).value;
  } catch {
    return undefined;
  }
}

function previewStop(pages: number, limits: PreviewLimits): Stop | null {
  if (pages < limits.pages) return null;
  return {
    reason: 'preview_limit',
    detail: `The preview shows ${limits.pages === 1 ? 'one page' : `${limits.pages} pages`}; a run reads on.`,
  };
}

function shownRequest(request: ApiRequest, redactor: Redactor) {
  return {
    method: request.method,
    url: redactor.url(request.url),
    headers: redactor.headers(request.headers),
    body: redactor.body(request.body ?? null),
  };
}

function shownNext(next: ApiRequest | Stop, redactor: Redactor): NonNullable<PreviewPage['next']> {
  return 'reason' in next
    ? { reason: next.reason, detail: redactor.text(next.detail) }
    : { request: shownRequest(next, redactor) };
}

function shownPage(
  { request, response, records }: Exchange & { records?: readonly unknown[] },
  body: unknown,
  visible: readonly JsonRecord[],
  redactor: Redactor,
): PreviewPage {
  const cut = body === undefined ? null : cutJson(body);
  return {
    request: shownRequest(request, redactor),
    response: {
      status: response.status,
      headers: redactor.headers(response.headers),
      duration_ms: response.durationMs,
      bytes: response.bytes,
      ...(cut === null ? {} : { body: { value: redactor.records(cut.value), cuts: cut.cuts } }),
    },
    records: redactor.records(visible) as unknown[],
    record_count: records?.length ?? 0,
  };
}

function wrongFirstPage({ base_page, evidence }: FirstPage): ReadWarning {
  return {
    code: 'API_FIRST_PAGE',
    message: `The API's first page seems to be ${base_page}: ${evidence}.`,
    hint: `Set base_page = ${base_page} in the resource's options.`,
  };
}

/** Evidence quotes responses, and so may quote a secret. */
function redactedDetections(detected: ReturnType<typeof detect>, redactor: Redactor): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(detected).map(([setting, { evidence, ...rest }]) => [
      setting,
      { ...rest, evidence: redactor.text(evidence) },
    ]),
  );
}

/** Facts that are no settings. */
function more(page: Page | null, pages: number, said: string | null): Record<string, unknown> {
  if (!page) return {};
  // Of several pages the last one says whether more follow.
  const hint = said ?? (pages > 1 ? null : moreHint(page.body, page.response.headers, page.records.length));
  return { records_per_page: page.records.length, ...(hint === null ? {} : { more_pages: hint }) };
}

function onePerCode(warnings: readonly ReadWarning[]): ReadWarning[] {
  const seen = new Set<string>();
  return warnings.filter(({ code, column }) => {
    const key = code === 'API_RETRY' ? null : `${code} ${column ?? ''}`;
    if (key === null) return true;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
