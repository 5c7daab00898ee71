import { IngestError } from '../../errors.ts';
import type { PaginationType } from '../../spec/kinds.ts';
import type { ResourceOptions } from '../../spec/resource.ts';
import type { ReadWarning } from '../source.ts';
import { scalarText } from './json.ts';
import { compileJsonPath, isObject, type JsonPath } from './json-path.ts';
import { linkTarget } from './link-header.ts';

/** What a paginator adds to the resource's request. */
export interface PagePatch {
  /** Replaces the whole address. */
  url?: string;
  query?: Record<string, string>;
  /** Paths in the JSON body. */
  body?: [path: string, value: string | number][];
}

/** What a paginator knows of the page that came. */
export interface PageFacts {
  /** Records in this page. */
  records: number;
  /** Records in the pages before. */
  recordsBefore: number;
  /** The parsed response; undefined where the page was not found. */
  body: unknown;
  /** Response headers, names in lower case. */
  headers: Record<string, string>;
  /** Address that gave the page. */
  url: string;
  /** The records are those of the page before. */
  repeatsPrevious: boolean;
  /** The server answered 404 or 410 (only asked for pages after the first). */
  notFound: boolean;
}

export interface Stop {
  reason: string;
  /** One sentence for people. */
  detail: string;
  /** The page's records are not kept. */
  discardPage?: boolean;
  /** Nothing more is read at all: no other parent record, no other slice. */
  endsRead?: boolean;
  /** There may be more than was read. */
  truncated?: boolean;
  warning?: ReadWarning;
}

export type Step<State> = { state: State; patch: PagePatch } | { stop: Stop };

/** A pagination as a pure state machine: the next request follows from the last response. State is plain data. */
export interface Paginator<State = unknown> {
  first(): { state: State; patch: PagePatch };
  next(state: State, page: PageFacts): Step<State>;
  /**
   * At most `count` pages behind the one that `state` asks for, as they will be asked for if pages go on like `page`, the last one that came.
   * Only where pages do not depend on each other. A wrong guess costs a request, never a row.
   */
  ahead?(state: State, page: PageFacts, count: number): PagePatch[];
}

export interface PaginatorSettings {
  options: ResourceOptions;
  pageSize: number;
  /** Origins that a next link may lead to: the API's own and options.allow_origins. */
  origins: ReadonlySet<string>;
}

/** The paginator of a kind, with the stop rules of spec section 2. */
export function createPaginator(type: PaginationType, settings: PaginatorSettings): Paginator {
  switch (type) {
    case 'single_page':
      return singlePage() as Paginator;
    case 'offset':
      return offset(settings) as Paginator;
    case 'page_number':
      return pageNumber(settings) as Paginator;
    case 'cursor':
      return cursor(settings) as Paginator;
    case 'header_link':
      return headerLink(settings) as Paginator;
    case 'json_link':
      return jsonLink(settings) as Paginator;
    default:
      return type satisfies never;
  }
}

function singlePage(): Paginator<null> {
  return {
    first: () => ({ state: null, patch: {} }),
    next: () => ({ stop: { reason: 'single_page', detail: 'The job reads one page (pagination_type single_page).' } }),
  };
}

/** `page` counts requests; `at` is the offset that was asked for; `full` says whether the last page had as many records as asked. */
function offset({ options, pageSize }: PaginatorSettings): Paginator<{ at: number; full: boolean }> {
  const ends = endRules(options);
  const patch = (at: number): PagePatch =>
    options.offset_body_path
      ? {
          body: [
            [options.limit_body_path ?? options.limit_param, pageSize],
            [options.offset_body_path, at],
          ],
        }
      : { query: { [options.limit_param]: String(pageSize), [options.offset_param]: String(at) } };
  return {
    first: () => ({ state: { at: options.offset, full: false }, patch: patch(options.offset) }),
    next(state, page) {
      const common = commonStop(page, state.full, 'offset');
      if (common) return { stop: ends.short(common, page, state.at) };
      const at = state.at + page.records;
      const stop = ends.reached(page, at);
      if (stop) return { stop };
      if (options.maximum_offset !== undefined && at >= options.maximum_offset) {
        return {
          stop: {
            reason: 'maximum_offset',
            detail: `The next offset ${at} reaches maximum_offset ${options.maximum_offset}.`,
            truncated: true,
          },
        };
      }
      return { state: { at, full: page.records >= pageSize }, patch: patch(at) };
    },
    ahead({ at }, page, count) {
      const end = Math.min(
        ends.total(page) ?? Number.POSITIVE_INFINITY,
        options.maximum_offset ?? Number.POSITIVE_INFINITY,
      );
      return range(count, (index) => at + (index + 1) * page.records)
        .filter((offset) => offset < end)
        .map(patch);
    },
  };
}

function pageNumber({ options, pageSize }: PaginatorSettings): Paginator<{ page: number; full: boolean }> {
  const ends = endRules(options);
  const totalPages = options.total_pages_path ? compileJsonPath(options.total_pages_path) : null;
  const patch = (page: number): PagePatch =>
    options.page_body_path
      ? {
          body: [
            [options.limit_body_path ?? options.per_page_param, pageSize],
            [options.page_body_path, page],
          ],
        }
      : { query: { [options.page_param]: String(page), [options.per_page_param]: String(pageSize) } };
  return {
    first: () => ({ state: { page: options.base_page, full: false }, patch: patch(options.base_page) }),
    next(state, page) {
      const common = commonStop(page, state.full, 'page_number');
      if (common) return { stop: ends.short(common, page, page.recordsBefore) };
      const read = state.page - options.base_page + 1;
      if (totalPages) {
        const total = countAt(totalPages, page.body);
        if (total !== null && read >= total)
          return { stop: { reason: 'total_pages', detail: allPagesText(total, totalPages.text) } };
      }
      const stop = ends.reached(page, page.recordsBefore + page.records);
      if (stop) return { stop };
      return { state: { page: state.page + 1, full: page.records >= pageSize }, patch: patch(state.page + 1) };
    },
    ahead({ page: next }, page, count) {
      const pages = totalPages ? countAt(totalPages, page.body) : null;
      const total = ends.total(page);
      const end = pages ?? (total === null ? Number.POSITIVE_INFINITY : Math.ceil(total / page.records));
      return range(count, (index) => next + 1 + index)
        .filter((number) => number - options.base_page < end)
        .map(patch);
    },
  };
}

function cursor({ options }: PaginatorSettings): Paginator<{ seen: Set<string>; found: boolean }> {
  const header = options.cursor_header?.toLowerCase();
  const path = compileJsonPath(options.cursor_path);
  const place = options.cursor_header ? `header ${options.cursor_header}` : options.cursor_path;
  const hasMore = options.has_more_path ? compileJsonPath(options.has_more_path) : null;
  return {
    first: () => ({ state: { seen: new Set(), found: false }, patch: {} }),
    next(state, page) {
      const more = hasMore ? booleanAt(hasMore, page.body) : null;
      if (more === false) return { stop: { reason: 'has_more_false', detail: `${options.has_more_path} is false.` } };
      const value = header === undefined ? path.first(page.body) : page.headers[header];
      const text = scalarText(value);
      // A numeric 0 is how scanning APIs say that they are done; the text "0" may be a cursor.
      if (value === undefined || value === null || text === '' || value === 0 || value === false) {
        return { stop: noCursor(value, more, state.found, page, place) };
      }
      if (text === null) {
        throw new IngestError(
          'API_CURSOR_INVALID',
          `cursor_path "${options.cursor_path}" leads to ${Array.isArray(value) ? 'a list' : 'an object'}, not to a value.`,
          {
            hint: 'Let cursor_path end at the cursor itself, for example meta.next_cursor or data[-1].id.',
          },
        );
      }
      if (state.seen.has(text)) throw loop(`cursor "${text}"`);
      const seen = state.seen.add(text);
      return {
        state: { seen, found: true },
        patch: options.cursor_body_path
          ? { body: [[options.cursor_body_path, typeof value === 'number' ? value : text]] }
          : { query: { [options.cursor_param]: text } },
      };
    },
  };
}

function noCursor(value: unknown, more: boolean | null, foundBefore: boolean, page: PageFacts, path: string): Stop {
  const detail =
    value === undefined ? `The response has no ${path}.` : `${path} is ${value === '' ? 'empty' : String(value)}.`;
  if (more === true) {
    return {
      reason: 'no_cursor',
      detail,
      truncated: true,
      warning: {
        code: 'API_CURSOR_MISSING',
        message: `The API says that there is more, but ${detail.charAt(0).toLowerCase()}${detail.slice(1)}`,
        hint: 'Check cursor_path.',
      },
    };
  }
  // Where no page ever had the cursor's key, the path is probably misspelt.
  const suspicious = value === undefined && !foundBefore && page.records > 0;
  return {
    reason: 'no_cursor',
    detail,
    truncated: suspicious,
    ...(suspicious
      ? {
          warning: {
            code: 'API_CURSOR_NEVER_SEEN',
            message: `No page had ${path}, so only the first was read.`,
            hint: `Check cursor_path. The response has ${keysOf(page.body)}.`,
          },
        }
      : {}),
  };
}

type LinkState = { seen: Set<string> };

function headerLink(settings: PaginatorSettings): Paginator<LinkState> {
  const configured = settings.options.next_url_path ?? 'links.next';
  const relation = configured.slice(configured.lastIndexOf('.') + 1);
  return {
    first: () => ({ state: { seen: new Set() }, patch: {} }),
    next(state, page) {
      const target = linkTarget(page.headers.link ?? null, relation);
      if (target !== null) return follow(target, state, page, settings);
      return {
        stop: {
          reason: 'no_next_link',
          detail:
            page.headers.link === undefined
              ? 'The response has no Link header.'
              : `The Link header has no rel="${relation}".`,
        },
      };
    },
  };
}

function jsonLink(settings: PaginatorSettings): Paginator<LinkState> {
  const path = compileJsonPath(settings.options.next_url_path ?? 'next');
  return {
    first: () => ({ state: { seen: new Set() }, patch: {} }),
    next(state, page) {
      const value = path.first(page.body);
      if (value === undefined || value === null || value === '' || value === false) {
        const suspicious = value === undefined && page.recordsBefore === 0 && page.records > 0;
        return {
          stop: {
            reason: 'no_next_link',
            detail:
              value === undefined
                ? `The response has no ${path.text}.`
                : `${path.text} is ${value === '' ? 'empty' : String(value)}.`,
            // Leaving the key out on the last page is usual; on the only page it may also be a misspelt path.
            truncated: suspicious && page.records % 10 === 0,
          },
        };
      }
      if (typeof value !== 'string') {
        throw new IngestError(
          'API_NEXT_LINK_INVALID',
          `next_url_path "${path.text}" leads to ${isObject(value) ? 'an object' : `"${JSON.stringify(value)}"`}, not to a link.`,
          {
            hint: isObject(value)
              ? `Go on to the link itself, for example ${path.text}.${Object.keys(value)[0] ?? 'href'}.`
              : 'Check next_url_path.',
          },
        );
      }
      return follow(value, state, page, settings);
    },
  };
}

function follow(link: string, state: LinkState, page: PageFacts, settings: PaginatorSettings): Step<LinkState> {
  if (!URL.canParse(link, page.url)) {
    throw new IngestError('API_NEXT_LINK_INVALID', `The next link "${link}" is no address.`, {
      hint: 'Check next_url_path.',
    });
  }
  const target = new URL(link, page.url);
  target.hash = '';
  if (!settings.origins.has(target.origin)) {
    throw new IngestError(
      'API_NEXT_LINK_ORIGIN',
      `The next link leads to another origin, ${target.origin}: the credentials would go there.`,
      {
        hint: `If that server is right, add "${target.origin}" to allow_origins in the resource's options.`,
      },
    );
  }
  state.seen.add(new URL(page.url).href);
  if (state.seen.has(target.href)) throw loop(`next link ${target.origin}${target.pathname}`);
  return { state, patch: { url: target.href } };
}

function loop(what: string): IngestError {
  return new IngestError('API_PAGINATION_LOOP', `The API sends the reader in a loop: the ${what} came before.`, {
    hint: 'Check the pagination settings with a preview: the path may lead to the current page instead of the next.',
  });
}

/** Stop rules that offset and page_number share: empty, repeated and missing pages. */
function commonStop(page: PageFacts, lastPageFull: boolean, type: string): Stop | null {
  if (page.notFound) {
    const message = 'The page after the last one was answered with 404, which is taken as the end.';
    return {
      reason: 'page_not_found',
      detail: message,
      truncated: lastPageFull,
      warning: {
        code: 'API_PAGE_NOT_FOUND',
        message,
        hint: 'A total_path, total_pages_path or has_more_path tells the end without it.',
      },
    };
  }
  if (page.records === 0) return { reason: 'empty_page', detail: 'The last page was empty.' };
  if (page.repeatsPrevious) {
    const message = 'A page was equal to the one before; it was left out and the read ended there.';
    return {
      reason: 'repeated_page',
      detail: message,
      discardPage: true,
      truncated: page.recordsBefore <= page.records,
      warning: {
        code: 'API_PAGE_REPEATED',
        message,
        hint: `The server may ignore the ${type} parameters: check their names with a preview.`,
      },
    };
  }
  return null;
}

/** The optional rules: has_more_path and total_path. `at` is how far the read has come, to be held against the total. */
function endRules(options: ResourceOptions) {
  const hasMore = options.has_more_path ? compileJsonPath(options.has_more_path) : null;
  const total = options.total_path ? compileJsonPath(options.total_path) : null;
  const count = (page: PageFacts) => (total ? countAt(total, page.body) : null);
  return {
    /** The number of records that the API counts; null where it does not say. */
    total: count,
    reached(page: PageFacts, at: number): Stop | null {
      if (hasMore && booleanAt(hasMore, page.body) === false)
        return { reason: 'has_more_false', detail: `${hasMore.text} is false.` };
      const records = count(page);
      return records === null || at < records
        ? null
        : { reason: 'total_reached', detail: `All ${records} records of ${total?.text} were read.` };
    },
    /** A read that ended although the API counts more. */
    short(stop: Stop, page: PageFacts, at: number): Stop {
      const records = count(page);
      if (stop.warning || records === null || at >= records) return stop;
      const message = `The API counts ${records} records (${total?.text}), but the pages ended after ${at}.`;
      return {
        ...stop,
        truncated: true,
        warning: {
          code: 'API_TOTAL_NOT_REACHED',
          message,
          hint: 'The API may refuse to page so far: load in slices, or by a watermark.',
        },
      };
    },
  };
}

function allPagesText(total: number, path: string): string {
  return total === 1 ? `${path} says that there is one page.` : `All ${total} pages of ${path} were read.`;
}

function range(count: number, value: (index: number) => number): number[] {
  return Array.from({ length: count }, (_unused, index) => value(index));
}

/** A count, also one that is written as text; null where there is none. */
export function countAt(path: JsonPath, body: unknown): number | null {
  const text = scalarText(path.first(body));
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

function booleanAt(path: JsonPath, body: unknown): boolean | null {
  const value = path.first(body);
  if (value === false || value === 0 || value === 'false') return false;
  if (value === true || value === 1 || value === 'true') return true;
  return null;
}

function keysOf(body: unknown): string {
  if (!isObject(body)) return 'a list';
  const keys = Object.keys(body);
  return keys.slice(0, 8).join(', ') + (keys.length > 8 ? ', …' : '');
}
