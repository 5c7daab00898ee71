import { IngestError, isIngestError } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import type { IncrementalRead } from '../source.ts';
import type { ApiClient, ApiRequest, ApiResponse, OnRetry } from './client.ts';
import { isObject } from './json-path.ts';
import { type PageContent, readContent, sameRecords } from './page-content.ts';
import type { PageScan } from './page-scan.ts';
import { createPaginator, type PageFacts, type Paginator, type Stop } from './paginators.ts';
import { type Bindings, NO_BINDINGS } from './placeholders.ts';
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
  /** For responses that are lists by their format (NDJSON, CSV), whatever data_selector says. */
  lines: RecordSelector;
}

export interface Page {
  /** 1-based. */
  number: number;
  request: ApiRequest;
  response: ApiResponse;
  readonly body: unknown;
  /** All records of the page. */
  readonly records: JsonRecord[];
  /** Of {@link Page.records}. */
  count: number;
  /** The records that {@link PageHooks.accept} kept. */
  readonly kept: JsonRecord[];
  /** Of {@link Page.kept}. */
  keptCount: number;
  content: PageContent;
  /** Set where all records are kept as they came and none of them was parsed. */
  scan: PageScan | null;
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
  /** Looks at pages in their bytes; a page for which it gives null is parsed. */
  scan?(response: ApiResponse, selector: RecordSelector): PageScan | null;
  /** {@link PageHooks.accept} for a page that was scanned: which of its records are kept, null for all. */
  acceptScan?(scan: PageScan, page: number): ReadonlySet<number> | null;
  /** A reason to stop after this page, apart from the pagination's. */
  enough(page: Page): Stop | null;
  /** Pages asked for at a time where the pagination can tell them (offset, page_number); default 1. */
  concurrency?: number;
}

/**
 * What a read of pages needs, decided before the first request. `bindings` say what placeholders stand for; without them the watermark's own bounds.
 * @throws IngestError where the job cannot be turned into a request
 */
export function planPages(
  connection: ApiConnection,
  job: Job,
  incremental: IncrementalRead | null,
  bindings: Bindings = boundsOf(job, incremental),
): PagePlan {
  const template = requestTemplate(connection, job, bindings);
  return {
    job,
    template,
    paginator: createPaginator(job.pagination_type, {
      options: job.options,
      pageSize: job.page_size,
      origins: new Set([template.url.origin, ...originsOf([connection.base_url, ...job.options.allow_origins])]),
    }),
    selector: new RecordSelector(job.data_selector, job.pagination_type === 'single_page'),
    lines: new RecordSelector('$', false),
  };
}

/** The bounds of an incremental read as the API takes them. */
export function boundsOf(job: Job, incremental: IncrementalRead | null): Bindings {
  if (!incremental) return NO_BINDINGS;
  const format = job.options.incremental?.format;
  const from = laggedFrom(incremental);
  return {
    parent: null,
    start: from === null ? null : formatWatermark(from, format),
    end: incremental.end === null ? null : formatWatermark(incremental.end, format),
  };
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
  const fetch = (number: number, request: ApiRequest) => {
    const answer = fetchPage(client, request, number, compares, signal, hooks.onRetry);
    answer.catch(() => undefined);
    return { request, answer };
  };
  const ahead = new Lookahead(fetch);
  const ask = (number: number, request: ApiRequest) => ahead.take(request) ?? fetch(number, request);
  const first = paginator.first();
  let state = first.state;
  let pending = ask(1, pageRequest(template, first.patch));
  let before: PageContent | null = null;
  let recordsBefore = 0;
  let largest = 0;
  try {
    for (let number = 1; ; number += 1) {
      const { request, answer } = pending;
      const response = await answer;
      if (response?.dropped !== undefined) return dropStop(response, number, recordsBefore);
      if (!response) {
        const step = paginator.next(state, {
          ...{ records: 0, recordsBefore, body: undefined, headers: {}, url: request.url },
          ...{ repeatsPrevious: false, notFound: true },
        });
        return 'stop' in step ? step.stop : { reason: 'page_not_found', detail: 'The page was not found.' };
      }
      const { content, missed } = readContent(response, number, { ...plan, redactor, scan: hooks.scan });
      if (missed) refuseErrorBody(content.body, number, response, redactor);
      const facts: PageFacts = {
        records: content.count,
        recordsBefore,
        body: content.envelope,
        headers: response.headers,
        url: response.url,
        repeatsPrevious: compares && before !== null && sameRecords(before, content),
        notFound: false,
      };
      const step = paginator.next(state, facts);
      const discard = 'stop' in step && step.stop.discardPage === true;
      const following = 'stop' in step ? step.stop : pageRequest(template, step.patch);
      const page = pageOf(content, discard, hooks, { number, request, response, next: following });
      const ended = 'stop' in step ? step.stop : (maxPages(job, number) ?? hooks.enough(page));
      if (!ended && 'state' in step) {
        state = step.state;
        pending = ask(number + 1, following as ApiRequest);
        largest = Math.max(largest, content.count);
        const room = Math.min(hooks.concurrency ?? 1, (job.options.max_pages ?? Number.POSITIVE_INFINITY) - number) - 1;
        // A short page is probably the last but one: nothing is asked for on the chance that it is not.
        if (room > 0 && paginator.ahead && content.count > 0 && content.count >= largest)
          ahead.fill(
            number + 2,
            paginator.ahead(state, facts, room).map((patch) => pageRequest(template, patch)),
          );
      }
      before = compares ? content : null;
      recordsBefore += content.count;
      yield page;
      if (ended) return ended;
    }
  } finally {
    stop.abort();
  }
}

function pageOf(
  content: PageContent,
  discard: boolean,
  hooks: PageHooks,
  asked: Pick<Page, 'number' | 'request' | 'response' | 'next'>,
): Page {
  const chosen = !discard && content.scan ? (hooks.acceptScan?.(content.scan, asked.number) ?? null) : null;
  const scan = discard || chosen ? null : content.scan;
  let kept: JsonRecord[] | null = null;
  if (discard) kept = [];
  else if (chosen) kept = content.records.filter((_record, index) => chosen.has(index));
  else if (!scan) kept = hooks.accept(content.records, asked.number);
  return {
    ...asked,
    get body() {
      return content.body;
    },
    get records() {
      return content.records;
    },
    get kept() {
      return kept ?? content.records;
    },
    count: content.count,
    keptCount: kept?.length ?? content.count,
    content,
    scan,
  };
}

/** Pages that were asked for before the one before them came. What was asked for in vain is thrown away. */
class Lookahead {
  readonly #fetch: (number: number, request: ApiRequest) => PendingPage;
  readonly #pending = new Map<string, PendingPage>();

  constructor(fetch: (number: number, request: ApiRequest) => PendingPage) {
    this.#fetch = fetch;
  }

  /** The page, where it was asked for already. If it was not, the guess was wrong, and so are the others. */
  take(request: ApiRequest): PendingPage | null {
    const key = keyOf(request);
    const found = this.#pending.get(key) ?? null;
    if (found) this.#pending.delete(key);
    else this.#pending.clear();
    return found;
  }

  /** Asks for pages that are probably next; `number` is that of the first. */
  fill(number: number, requests: readonly ApiRequest[]): void {
    for (const [index, request] of requests.entries()) {
      const key = keyOf(request);
      if (!this.#pending.has(key)) this.#pending.set(key, this.#fetch(number + index, request));
    }
  }
}

interface PendingPage {
  request: ApiRequest;
  answer: Promise<ApiResponse | null>;
}

function keyOf({ url, body }: ApiRequest): string {
  return body === undefined ? url : `${url} ${JSON.stringify(body)}`;
}

/** Keys under which APIs say with status 200 that something went wrong. */
const ERROR_KEYS = /^(errors?|error_?(message|description|code)|fault|exception)$/i;

/** A 200 that holds an error in place of the records is no empty page: the read would end as if it were complete. */
function refuseErrorBody(body: unknown, number: number, response: ApiResponse, redactor: Redactor): void {
  if (!isObject(body)) return;
  const said = Object.entries(body).filter(
    ([key, value]) =>
      ERROR_KEYS.test(key) &&
      value !== null &&
      value !== false &&
      value !== '' &&
      value !== 0 &&
      !(typeof value === 'object' && Object.keys(value).length === 0),
  );
  if (said.length === 0) return;
  const excerpt = redactor.excerpt(JSON.stringify(Object.fromEntries(said)));
  throw new IngestError(
    'API_ERROR_RESPONSE',
    `Page ${number} (${redactor.url(response.url)}) answered ${response.status} with an error in place of records: ${excerpt}`,
    {
      hint: 'If such a response is the normal end, say so with response_actions (content, action = "ignore"); else correct what it complains of.',
    },
  );
}

/** The end of a read by options.response_actions. */
function dropStop(response: ApiResponse, number: number, recordsBefore: number): Stop {
  const what = `Page ${number} was answered with ${response.status}, which response_actions `;
  return response.dropped === 'stop'
    ? { reason: 'response_stop', detail: `${what}take for the end of the read.`, endsRead: true }
    : { reason: 'response_ignored', detail: `${what}ignore${recordsBefore === 0 ? '' : '; the pages end there'}.` };
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
