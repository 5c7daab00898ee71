import { IngestError, isIngestError } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import type { IncrementalRead } from '../source.ts';
import type { ApiClient, ApiRequest, ApiResponse, OnRetry } from './client.ts';
import { type ParsedJson, parseJson, syntaxErrorPosition } from './json.ts';
import { createPaginator, type PageFacts, type Paginator, type Stop } from './paginators.ts';
import { type JsonRecord, RecordSelector } from './records.ts';
import type { Redactor } from './redact.ts';
import { originsOf, pageRequest, type RequestTemplate, requestTemplate } from './request.ts';
import { formatWatermark, laggedFrom } from './watermark.ts';

/** Everything that a read of a job's pages needs, decided before the first request. */
export interface PagePlan {
  job: Job;
  template: RequestTemplate;
  paginator: Paginator;
  selector: RecordSelector;
}

export interface Page {
  /** 1-based. */
  number: number;
  request: ApiRequest;
  response: ApiResponse;
  body: unknown;
  /** All records of the page. */
  records: JsonRecord[];
  /** The records that {@link PageHooks.accept} kept. */
  kept: JsonRecord[];
  /** Exact numbers may be among the values. */
  exact: boolean;
  /** The response's bytes where they are UTF-8 and hold the records just as they were parsed; null else. */
  raw: Buffer | null;
  /** What the pagination asks for after this page, or why it asks for nothing. Limits of the caller are not in it. */
  next: ApiRequest | Stop;
}

/** What {@link readPages} needs of an {@link ApiClient}; a replay of a recording has it too. */
export type PageClient = Pick<ApiClient, 'send'>;

export interface PageHooks {
  signal: AbortSignal;
  onRetry: OnRetry;
  /** Chooses the records that are kept. Called once a page, in order, before the next page is asked for. */
  accept(records: JsonRecord[], page: number): JsonRecord[];
  /** A reason to stop after this page, apart from the pagination's. */
  enough(page: Page): Stop | null;
}

/** @throws IngestError where the job cannot be turned into a request */
export function planPages(connection: ApiConnection, job: Job, incremental: IncrementalRead | null): PagePlan {
  if (job.options.parent) {
    throw new IngestError(
      'API_PARENT_UNSUPPORTED',
      `${job.table_name} reads one request for each record of ${job.options.parent.resource}, which this version cannot do yet.`,
      {
        hint: 'Load the parent resource, and disable this job.',
      },
    );
  }
  const template = requestTemplate(connection, job, watermarkParams(job, incremental));
  return {
    job,
    template,
    paginator: createPaginator(job.pagination_type, {
      options: job.options,
      pageSize: job.page_size,
      origins: new Set([template.url.origin, ...originsOf([connection.base_url, ...job.options.allow_origins])]),
    }),
    selector: new RecordSelector(job.data_selector, job.pagination_type === 'single_page'),
  };
}

function watermarkParams(job: Job, incremental: IncrementalRead | null): Record<string, string> {
  const settings = job.options.incremental;
  if (!incremental || !settings) return {};
  const from = laggedFrom(incremental);
  const params: Record<string, string> = {};
  if (settings.start_param && from !== null) params[settings.start_param] = formatWatermark(from, settings.format);
  if (settings.end_param && incremental.end !== null)
    params[settings.end_param] = formatWatermark(incremental.end, settings.format);
  return params;
}

/**
 * Reads page after page. The next page is asked for while the caller works on the one before, so network and work overlap;
 * no page is asked for that the pagination does not need.
 */
export async function* readPages(
  plan: PagePlan,
  client: PageClient,
  redactor: Redactor,
  hooks: PageHooks,
): AsyncGenerator<Page, Stop> {
  const { job, paginator, template } = plan;
  const compares = job.pagination_type === 'offset' || job.pagination_type === 'page_number';
  const stop = new AbortController();
  const signal = AbortSignal.any([hooks.signal, stop.signal]);
  const ask = (number: number, request: ApiRequest) => {
    const answer = fetchPage(client, request, number, compares, signal, hooks.onRetry);
    answer.catch(() => undefined);
    return { request, answer };
  };
  const first = paginator.first();
  let state = first.state;
  let pending = ask(1, pageRequest(template, first.patch));
  let before: JsonRecord[] | null = null;
  let recordsBefore = 0;
  try {
    for (let number = 1; ; number += 1) {
      const { request, answer } = pending;
      const response = await answer;
      const {
        value: body,
        exact,
        repaired,
      } = response ? parsePage(response, number, redactor) : { value: undefined, exact: false, repaired: false };
      const records = response && body !== undefined ? plan.selector.select(body, number) : [];
      const facts: PageFacts = {
        records: records.length,
        recordsBefore,
        body,
        headers: response?.headers ?? {},
        url: response?.url ?? request.url,
        repeatsPrevious: compares && before !== null && samePage(before, records),
        notFound: response === null,
      };
      const step = paginator.next(state, facts);
      if (!response)
        return 'stop' in step ? step.stop : { reason: 'page_not_found', detail: 'The page was not found.' };
      const discard = 'stop' in step && step.stop.discardPage === true;
      const following = 'stop' in step ? step.stop : pageRequest(template, step.patch);
      const page: Page = {
        number,
        request,
        response,
        body,
        records,
        exact,
        raw: repaired ? null : response.utf8,
        kept: discard ? [] : hooks.accept(records, number),
        next: following,
      };
      const ended = 'stop' in step ? step.stop : (maxPages(job, number) ?? hooks.enough(page));
      if (!ended && 'state' in step) {
        state = step.state;
        pending = ask(number + 1, following as ApiRequest);
      }
      before = compares ? records : null;
      recordsBefore += records.length;
      yield page;
      if (ended) return ended;
    }
  } finally {
    stop.abort();
  }
}

function maxPages(job: Job, number: number): Stop | null {
  const limit = job.options.max_pages;
  if (limit === undefined || number < limit) return null;
  const message = `max_pages ${limit} was reached; the API may have more.`;
  return {
    reason: 'max_pages',
    detail: message,
    truncated: true,
    warning: { code: 'API_MAX_PAGES', message, hint: "Raise max_pages in the resource's options, or leave it out." },
  };
}

/** Null for a page after the first that the server does not have, where that can mean the end. */
async function fetchPage(
  client: PageClient,
  request: ApiRequest,
  number: number,
  endsWithNotFound: boolean,
  signal: AbortSignal,
  onRetry: OnRetry,
): Promise<ApiResponse | null> {
  try {
    return await client.send(request, signal, onRetry);
  } catch (error) {
    if (endsWithNotFound && number > 1 && isIngestError(error) && error.code === 'API_NOT_FOUND') return null;
    if (isIngestError(error) && error.code !== 'CANCELLED' && number > 1) {
      throw new IngestError(error.code, `Page ${number}: ${error.message}`, {
        hint: error.hint,
        retryable: error.retryable,
        cause: error,
      });
    }
    throw error;
  }
}

function parsePage(response: ApiResponse, number: number, redactor: Redactor): ParsedJson {
  if (response.status === 204 || (response.status === 205 && response.text === ''))
    return { value: [], exact: false, repaired: false };
  try {
    return parseJson(response.text);
  } catch (error) {
    const { text } = response;
    const position = syntaxErrorPosition(error, text);
    const around = redactor.excerpt(text.slice(Math.max(0, position - 60), position + 60), 140);
    const isHtml = /^\s*</.test(text);
    const where =
      text.trim() === ''
        ? 'the response is empty'
        : `at character ${position + 1}: ${isHtml ? redactor.excerpt(text, 140) : around}`;
    throw new IngestError(
      'API_INVALID_JSON',
      `Page ${number} (${redactor.url(response.url)}) is no valid JSON, ${where}`,
      {
        hint: isHtml
          ? "The server sent a web page, perhaps a sign-in or a proxy's message: check base_url, api_endpoint and the credentials."
          : text.trim() === ''
            ? 'Check api_endpoint: the server has nothing to say there.'
            : 'The API sends damaged JSON: report page and position to its owner.',
        cause: new Error('JSON syntax'),
      },
    );
  }
}

function samePage(a: JsonRecord[], b: JsonRecord[]): boolean {
  if (a.length !== b.length || a.length === 0) return false;
  // Most pages differ in their first record already.
  if (JSON.stringify(a[0]) !== JSON.stringify(b[0])) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}
