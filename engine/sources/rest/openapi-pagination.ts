import type { PaginationType } from '../../spec/kinds.ts';
import { isObject } from './json-path.ts';
import type { OpenApiDocument, Operation, Schema } from './openapi-document.ts';

export interface PaginationSuggestion {
  pagination_type: PaginationType;
  /** Options of the resource where they are not the default. */
  options: Record<string, unknown>;
  /** What in the document says so. */
  evidence: string;
}

const LIMIT = /^(limit|per_?page|page_?size|size|count|max_?results|top|\$top)$/i;
const OFFSET = /^(offset|skip|\$skip|start(_?(index|at))?|from_?index)$/i;
const PAGE = /^(page|page_?(no|num|number|index)|p)$/i;
const CURSOR =
  /^(cursor|after|starting_after|page_?token|next_?token|continuation(_?token)?|next_cursor|start_cursor|page\[after\])$/i;
const NEXT_LINK = /^(next|next_?(url|link|page_url|href)|@odata\.nextLink)$/i;
const NEXT_CURSOR = /^(next_?cursor|next_?(page_)?token|cursor|continuation(_?token)?|end_?cursor|after)$/i;
const TOTAL = /^(total|total_?(count|records|items|results|elements)|count)$/i;
const PAGES = /^(total_?pages|pages|page_?count|last_?page|num_?pages)$/i;
const HAS_MORE = /^(has_?more|has_?next(_?page)?|more)$/i;
/** Objects in which responses keep what is about pages. */
const WRAPPER = /^(meta|metadata|pagination|paging|page_?info|links|_links|page|cursors?|response_metadata)$/i;

/** The pagination that an operation's parameters and response speak for; single_page where nothing does. */
export function suggestPagination(document: OpenApiDocument, operation: Operation): PaginationSuggestion {
  const query = operation.parameters.filter(({ place }) => place === 'query').map(({ name }) => name);
  const fields = responseFields(document, operation.response);
  const parameter = (pattern: RegExp) => query.find((name) => pattern.test(name));
  const field = (pattern: RegExp) => fields.find(({ name }) => pattern.test(name))?.path;
  const limit = parameter(LIMIT);
  const extra = (keys: Record<string, string | undefined>) =>
    Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));

  const cursor = parameter(CURSOR);
  const nextCursor = field(NEXT_CURSOR);
  if (cursor !== undefined && nextCursor !== undefined) {
    return {
      pagination_type: 'cursor',
      options: extra({
        cursor_param: cursor,
        cursor_path: nextCursor,
        limit_param: limit,
        has_more_path: field(HAS_MORE),
      }),
      evidence: `parameter ${cursor} and ${nextCursor} in the response`,
    };
  }
  const link = fields.find(({ name, isText }) => isText && NEXT_LINK.test(name))?.path;
  if (link !== undefined)
    return { pagination_type: 'json_link', options: { next_url_path: link }, evidence: `${link} in the response` };
  if (operation.headers.includes('link'))
    return { pagination_type: 'header_link', options: {}, evidence: 'a Link header' };
  const offset = parameter(OFFSET);
  if (offset !== undefined) {
    return {
      pagination_type: 'offset',
      options: extra({
        offset_param: offset,
        limit_param: limit,
        total_path: field(TOTAL),
        has_more_path: field(HAS_MORE),
      }),
      evidence: `parameter${limit === undefined ? '' : `s ${limit} and`} ${offset}`,
    };
  }
  const page = parameter(PAGE);
  if (page !== undefined) {
    return {
      pagination_type: 'page_number',
      options: extra({
        page_param: page,
        per_page_param: limit,
        total_pages_path: field(PAGES),
        total_path: field(TOTAL),
      }),
      evidence: `parameter${limit === undefined ? '' : `s ${limit} and`} ${page}`,
    };
  }
  if (cursor !== undefined) {
    return {
      pagination_type: 'cursor',
      options: extra({ cursor_param: cursor, limit_param: limit, has_more_path: field(HAS_MORE) }),
      evidence: `parameter ${cursor}; the document does not say where the next one stands: set cursor_path`,
    };
  }
  return { pagination_type: 'single_page', options: {}, evidence: 'no parameter or field speaks for pages' };
}

interface ResponseField {
  name: string;
  path: string;
  isText: boolean;
}

/** Fields of the response beside its records, those of a wrapper too. */
function responseFields(document: OpenApiDocument, response: Schema | null): ResponseField[] {
  const propertiesOf = (schema: Schema | null): [string, Schema | null][] =>
    isObject(schema?.properties)
      ? Object.entries(schema.properties).map(([name, value]) => [name, document.resolve(value)])
      : [];
  const isText = (schema: Schema | null) => [schema?.type].flat().includes('string');
  return propertiesOf(document.resolve(response)).flatMap(([name, schema]) => {
    const own: ResponseField = { name, path: name, isText: isText(schema) };
    if (!WRAPPER.test(name)) return [own];
    const inner = propertiesOf(schema).map(([key, value]) => ({
      name: key,
      path: `${name}.${key}`,
      isText: isText(value),
    }));
    return inner.length > 0 ? inner : [own];
  });
}
