import type { PaginationType } from '../../spec/kinds.ts';
import { type PathStep, pathText } from '../../spec/path-text.ts';
import type { DetectedSetting, Finding, Observation, ObservedPage } from './detect.ts';
import { scalarText } from './json.ts';
import { isObject } from './json-path.ts';
import { linkTarget } from './link-header.ts';

/** What the responses say about pages. */
export interface PaginationFacts {
  settings: Partial<Record<DetectedSetting, Finding>>;
  /** What in the last page says that more follow, in words; null where nothing does. */
  more: string | null;
  /** Records that the API counts; null where it does not. */
  total: { path: string; records: number } | null;
  /** Pages that the API counts. */
  totalPages: { path: string; pages: number } | null;
}

/** A scalar beside the records. */
interface Field {
  steps: PathStep[];
  path: string;
  /** The key, in snake_case. */
  key: string;
  value: unknown;
}

/** Objects in which APIs keep what describes a page. */
const WRAPPER =
  /^(meta|metadata|_meta|pagination|paging|page|page_info|pageinfo|links|_links|link|response_metadata|cursors?|next|result|data|response|paginator)$/i;

/** Keys that count all records; `count` is often those of the page. */
const TOTAL =
  /^(total|total_count|total_records|total_results|total_items|total_elements|totalsize|total_size|record_count|records_total|result_count|odata_count|nb_hits|hits_total)$/;
const TOTAL_PAGES = /^(total_pages|pages|page_count|num_pages|last_page|pages_total|total_page|nb_pages|max_page)$/;
const HAS_MORE =
  /^(has_more|hasmore|more|has_next|has_next_page|more_results|is_truncated|has_more_items|more_available|incomplete)$/;
const NEXT_LINK =
  /^(next|next_url|next_link|next_page|next_page_url|odata_next_link|next_href|next_page_link|next_uri|href)$/;
/** Keys of cursors, and the parameters that take them where the API follows its own naming. */
const CURSORS: readonly [RegExp, string | null][] = [
  [/^next_cursor$/, 'cursor'],
  [/^end_cursor$/, 'after'],
  [/^(cursor|after)$/, null],
  [/^next_page_token$/, 'page_token'],
  [/^(next_)?continuation_token$/, 'continuation_token'],
  [/^(next_)?scroll_id$/, 'scroll_id'],
  [/^(next_token|pagination_token|sync_token)$/, null],
  [/^(next_page_id|next_marker|marker|next_id|bookmark)$/, null],
];

/** Pagination from what stands beside the records, in the order of how much it proves: Link header, next link, cursor, page numbers, offsets. */
export function detectPagination({ job, pages }: Observation): PaginationFacts {
  const first = pages[0] as ObservedPage;
  const last = pages.at(-1) as ObservedPage;
  const fields = fieldsOf(first.body);
  const records = pages.reduce((sum, page) => sum + page.records.length, 0);
  const total = countIn(fields, TOTAL, first.records.length);
  const totalPages = countIn(fields, TOTAL_PAGES, 0);
  const hasMore = fields.find(({ key, value }) => HAS_MORE.test(key) && asBoolean(value) !== null) ?? null;
  const settings: PaginationFacts['settings'] = {};
  const found = paginationIn(first, fields, hasMore, total, totalPages);
  Object.assign(settings, found?.settings);
  const inUse = job.pagination_type;
  if (inUse !== 'single_page' && pages.length > 1 && differ(pages)) {
    // The proof of a pagination is that it works.
    const rest = found?.type === inUse ? `; ${lowerFirst(found.evidence)}` : '';
    settings.pagination_type = {
      value: inUse,
      evidence: `${pages.length} pages came and no page repeats another${rest}`,
      confidence: 'certain',
    };
  } else if (found !== null) {
    settings.pagination_type = { value: found.type, evidence: found.evidence, confidence: found.confidence };
  } else if (inUse === 'single_page') {
    settings.pagination_type = {
      value: 'single_page',
      evidence: 'Nothing in the response speaks of another page',
      confidence: first.records.length > 0 && first.records.length % 10 === 0 ? 'guess' : 'likely',
    };
  }
  if (total !== null) {
    settings.total_path = {
      value: total.path,
      evidence: `It is ${total.records}; the first page has ${first.records.length} records`,
      confidence: total.records > first.records.length ? 'certain' : 'likely',
    };
  }
  if (totalPages !== null) {
    settings.total_pages_path = {
      value: totalPages.path,
      evidence: `It is ${totalPages.pages}`,
      confidence: total === null || fits(total.records, totalPages.pages, first.records.length) ? 'certain' : 'likely',
    };
  }
  if (hasMore !== null) {
    const values = pages.map(({ body }) => asBoolean(at(body, hasMore.steps)));
    settings.has_more_path = {
      value: hasMore.path,
      evidence: `It is ${[...new Set(values.map(String))].join(', then ')} on ${counted(pages.length)}`,
      confidence: values.every((value) => value !== null) ? 'certain' : 'likely',
    };
  }
  return { settings, total, totalPages, more: moreAfter(last, pages.length, records, { hasMore, total, totalPages }) };
}

interface Found {
  type: PaginationType;
  evidence: string;
  confidence: Finding['confidence'];
  settings?: PaginationFacts['settings'];
}

function paginationIn(
  page: ObservedPage,
  fields: readonly Field[],
  hasMore: Field | null,
  total: PaginationFacts['total'],
  totalPages: PaginationFacts['totalPages'],
): Found | null {
  if (linkTarget(page.headers.link ?? null, 'next') !== null)
    return { type: 'header_link', evidence: 'The Link header has rel="next"', confidence: 'certain' };
  const link = fields.find(
    ({ key, value }) => NEXT_LINK.test(key) && isLink(value, page.url) && isNext(key, fields, value),
  );
  if (link !== undefined) {
    return {
      type: 'json_link',
      evidence: `${link.path} is the address of another page`,
      confidence: 'certain',
      settings: { next_url_path: { value: link.path, evidence: 'It holds an address', confidence: 'certain' } },
    };
  }
  const cursor = cursorIn(fields);
  if (cursor !== null) return cursor;
  if (hasMore !== null && asBoolean(hasMore.value) === true && !numbered(fields) && total === null) {
    const id = page.records.at(-1)?.id;
    if (scalarText(id) !== null) {
      const list = fields.some(({ key, value }) => key === 'object' && value === 'list');
      return {
        type: 'cursor',
        evidence: `${hasMore.path} is true and there is no other cursor than the last record's id${list ? ", as in Stripe's API" : ''}`,
        confidence: list ? 'likely' : 'guess',
        settings: {
          cursor_path: {
            value: 'data[-1].id',
            evidence: 'The id of the last record',
            confidence: list ? 'likely' : 'guess',
          },
          cursor_param: { value: 'starting_after', evidence: 'The usual name', confidence: list ? 'likely' : 'guess' },
        },
      };
    }
  }
  const number = fields.find(
    ({ key, value }) => /^(page|current_page|page_number|page_no|page_index)$/.test(key) && isCount(value),
  );
  if (totalPages !== null || number !== undefined) {
    return {
      type: 'page_number',
      evidence: [
        ...(number === undefined ? [] : [`${number.path} is ${scalarText(number.value)}`]),
        ...(totalPages === null ? [] : [`${totalPages.path} is ${totalPages.pages}`]),
      ].join(', '),
      confidence: totalPages !== null && number !== undefined ? 'certain' : 'likely',
    };
  }
  const offset = fields.find(
    ({ key, value }) => /^(offset|skip|start|start_at|start_index|from)$/.test(key) && isCount(value),
  );
  if (offset !== undefined)
    return { type: 'offset', evidence: `${offset.path} is ${scalarText(offset.value)}`, confidence: 'likely' };
  const empty = fields.find(
    ({ key, value }) => NEXT_LINK.test(key) && key !== 'href' && (value === null || value === ''),
  );
  if (empty !== undefined) {
    return {
      type: 'json_link',
      evidence: `${empty.path} is there and empty: this was the last page`,
      confidence: 'likely',
      settings: { next_url_path: { value: empty.path, evidence: 'Named like a next link', confidence: 'likely' } },
    };
  }
  if (total !== null && total.records > page.records.length) {
    return {
      type: 'offset',
      evidence: `${total.path} is ${total.records} and ${page.records.length} records came; nothing says how to ask for the rest`,
      confidence: 'guess',
    };
  }
  return null;
}

function cursorIn(fields: readonly Field[]): Found | null {
  for (const [pattern, param] of CURSORS) {
    const field = fields.find(
      ({ key, value }) =>
        pattern.test(key) && (value === null || scalarText(value) !== null) && typeof value !== 'boolean',
    );
    if (field === undefined) continue;
    const there = field.value !== null && field.value !== '';
    const name = param ?? field.key.replace(/^next_/, '');
    const confidence = there ? 'certain' : 'likely';
    // The parameter follows the API's own spelling: nextPageToken asks for pageToken.
    const spelled = /[A-Z]/.test(String(field.steps.at(-1))) ? camelCase(name) : name;
    return {
      type: 'cursor',
      evidence: there ? `${field.path} holds a cursor` : `${field.path} is there and empty: this was the last page`,
      confidence,
      settings: {
        cursor_path: { value: field.path, evidence: there ? 'It holds a cursor' : 'Named like a cursor', confidence },
        cursor_param: {
          value: spelled,
          evidence: `The usual parameter beside ${String(field.steps.at(-1))}: check it in the API's documents`,
          confidence: 'guess',
        },
      },
    };
  }
  return null;
}

/** Scalars (null too) of the response outside of lists, as deep as pages are described. */
function fieldsOf(body: unknown, steps: PathStep[] = []): Field[] {
  if (!isObject(body) || steps.length > 3) return [];
  return Object.entries(body).flatMap(([key, value]): Field[] => {
    const here = [...steps, key];
    if (value === null || scalarText(value) !== null)
      return [{ steps: here, path: pathText(here), key: snakeCase(key), value }];
    return WRAPPER.test(key) ? fieldsOf(value, here) : [];
  });
}

/** An `href` is the next page's only below `next`; other keys say it themselves. */
function isNext(key: string, fields: readonly Field[], value: unknown): boolean {
  if (key !== 'href') return true;
  const own = fields.find((field) => field.value === value && field.key === 'href');
  return own !== undefined && /^next$/i.test(String(own.steps.at(-2)));
}

function isLink(value: unknown, base: string): boolean {
  return typeof value === 'string' && /^(https?:\/\/|\/|\?)/i.test(value) && URL.canParse(value, base);
}

function isCount(value: unknown): boolean {
  const text = scalarText(value);
  return text !== null && /^\d{1,15}$/.test(text);
}

function countIn(
  fields: readonly Field[],
  pattern: RegExp,
  least: number,
): (PaginationFacts['total'] & PaginationFacts['totalPages']) | null {
  // `count` alone is the total where it exceeds the page.
  const field =
    fields.find(({ key, value }) => pattern.test(key) && isCount(value)) ??
    (pattern === TOTAL
      ? fields.find(({ key, value }) => key === 'count' && isCount(value) && Number(scalarText(value)) > least)
      : undefined);
  if (field === undefined) return null;
  const number = Number(scalarText(field.value));
  return { path: field.path, records: number, pages: number };
}

function numbered(fields: readonly Field[]): boolean {
  return fields.some(({ key, value }) => /^(page|current_page|page_number|offset|skip)$/.test(key) && isCount(value));
}

function moreAfter(
  last: ObservedPage,
  pages: number,
  records: number,
  {
    hasMore,
    total,
    totalPages,
  }: { hasMore: Field | null; total: PaginationFacts['total']; totalPages: PaginationFacts['totalPages'] },
): string | null {
  if (linkTarget(last.headers.link ?? null, 'next') !== null) return 'its Link header has a next page';
  if (hasMore !== null) {
    const value = asBoolean(at(last.body, hasMore.steps));
    if (value !== null) return value ? `${hasMore.path} is true` : null;
  }
  if (total !== null)
    return total.records > records ? `${total.path} is ${total.records} and ${records} records came` : null;
  if (totalPages !== null)
    return totalPages.pages > pages ? `${totalPages.path} is ${totalPages.pages} and ${pages} came` : null;
  const fields = fieldsOf(last.body);
  const link = fields.find(
    ({ key, value }) => NEXT_LINK.test(key) && isLink(value, last.url) && isNext(key, fields, value),
  );
  if (link !== undefined) return `${link.path} leads to a next page`;
  const cursor = fields.find(
    ({ key, value }) =>
      CURSORS.slice(0, 2).some(([pattern]) => pattern.test(key)) && scalarText(value) !== null && value !== '',
  );
  return cursor === undefined ? null : `${cursor.path} leads to a next page`;
}

/** True where no page with records is equal to another. */
export function differ(pages: readonly ObservedPage[]): boolean {
  return repeatedPage(pages) === null;
}

/** The first page (1-based) that equals an earlier one, and that one. */
export function repeatedPage(pages: readonly ObservedPage[]): { page: number; of: number } | null {
  const seen = new Map<string, number>();
  for (const [index, { records }] of pages.entries()) {
    if (records.length === 0) continue;
    // The first and last few decide: whole pages may be large.
    const text = JSON.stringify([records.length, records.slice(0, 50), records.slice(-5)]);
    const of = seen.get(text);
    if (of !== undefined) return { page: index + 1, of };
    seen.set(text, index + 1);
  }
  return null;
}

function fits(records: number, pages: number, size: number): boolean {
  return size > 0 && Math.ceil(records / size) === pages;
}

function asBoolean(value: unknown): boolean | null {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return null;
}

function at(body: unknown, steps: readonly PathStep[]): unknown {
  let value: unknown = body;
  for (const step of steps) value = isObject(value) ? value[String(step)] : undefined;
  return value;
}

function snakeCase(key: string): string {
  return key
    .replace(/^@/, '')
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/[.\- ]/g, '_')
    .toLowerCase();
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_whole, letter: string) => letter.toUpperCase());
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function counted(pages: number): string {
  return pages === 1 ? '1 page' : `${pages} pages`;
}
