import { isTable } from '../bundle/toml.ts';
import { AUTH_ALIASES, AUTH_TYPES, PAGINATION_ALIASES, PAGINATION_TYPES } from '../spec/kinds.ts';
import type { Table } from '../spec/project.ts';
import { isSecretKey } from '../spec/secret-keys.ts';
import type { ImportDraft } from './dlt-import.ts';

/** What a paginator says: cells of the job's row, and options that have no column. */
export interface Pagination {
  cells: Record<string, string>;
  options: Table;
}

const PAGINATOR_OPTIONS: Record<string, string> = {
  page: 'base_page',
  base_page: 'base_page',
  page_param: 'page_param',
  page_body_path: 'page_body_path',
  maximum_page: 'max_pages',
  offset: 'offset',
  offset_param: 'offset_param',
  offset_body_path: 'offset_body_path',
  limit_param: 'limit_param',
  limit_body_path: 'limit_body_path',
  maximum_offset: 'maximum_offset',
  has_more_path: 'has_more_path',
  next_url_path: 'next_url_path',
  cursor_path: 'cursor_path',
  cursor_param: 'cursor_param',
  cursor_body_path: 'cursor_body_path',
};

/** dlt's paginator (a name or a table) in our words; null where dlt would guess. */
export function translatePaginator(draft: ImportDraft, place: string, paginator: unknown): Pagination | null {
  const table = isTable(paginator) ? paginator : { type: paginator };
  const word = String(table.type ?? '').toLowerCase();
  if (word === 'auto' || word === '') return null;
  const type = PAGINATION_TYPES.find((known) => known === word) ?? PAGINATION_ALIASES[word];
  if (type === undefined) {
    draft.leftOut(place, `the paginator "${word}" is code or not known; choose a pagination_type with ingest preview`);
    return null;
  }
  const cells: Record<string, string> = { pagination_type: type };
  const options: Table = {};
  for (const [key, value] of Object.entries(table)) {
    if (key === 'type' || value === null || value === undefined) continue;
    if (key === 'limit') cells.page_size = String(value);
    else if (key === 'total_path') options[type === 'page_number' ? 'total_pages_path' : 'total_path'] = value;
    else if (key === 'links_next_key') options.next_url_path = `links.${String(value)}`;
    else if (key === 'cursor_key') options.cursor_header = value;
    else if (key === 'stop_after_empty_page') {
      if (value === false) draft.changed(`${place}.${key}`, 'an empty page ends a read that has no other end');
    } else if (key in PAGINATOR_OPTIONS) options[PAGINATOR_OPTIONS[key] as string] = value;
    else draft.leftOut(`${place}.${key}`, 'this setting of the paginator has no counterpart');
  }
  if (type === 'cursor' && word.startsWith('header')) options.cursor_header ??= 'next';
  // dlt's own defaults, where ours are others.
  if (type === 'cursor' && options.cursor_header === undefined) options.cursor_path ??= 'cursors.next';
  if (type === 'page_number') {
    options.base_page ??= 0;
    if (!('total_path' in table)) options.total_pages_path = 'total';
    if (Number(options.base_page) > 1) {
      draft.changed(
        `${place}.base_page`,
        `begins at page ${String(options.base_page)} in dlt; here a first page is 0 or 1`,
      );
      options.base_page = 1;
    }
    draft.changed(
      place,
      'dlt adds no page size to the request; here per_page (page_size) goes with it: see per_page_param',
    );
  }
  if (type === 'offset' && !('total_path' in table)) options.total_path = 'total';
  return { cells, options };
}

/** dlt's auth in our words, its secrets taken out. Null where there is none, or it cannot be told. */
export function translateAuth(draft: ImportDraft, place: string, auth: unknown, path: readonly string[]): Table | null {
  if (auth === undefined || auth === null) return null;
  const table = isTable(auth) ? auth : { type: auth };
  // A token without a type is dlt's bearer.
  const word = String(table.type ?? ('token' in table ? 'bearer' : '')).toLowerCase();
  const type = AUTH_TYPES.find((known) => known === word) ?? AUTH_ALIASES[word];
  if (type === undefined) {
    draft.leftOut(place, `the authentication "${word || 'without type'}" is code or not known`);
    return null;
  }
  const result: Table = { type };
  const set = (key: string, value: unknown) => setValue(draft, result, path, key, value);
  for (const [key, value] of Object.entries(table)) {
    if (key === 'type' || key === 'session' || value === null) continue;
    if (key === 'name') set('api_key_name', value);
    else if (key === 'location') set('api_key_location', value === 'param' ? 'query' : value);
    else if (key === 'access_token_url') set('token_url', value);
    else if (key === 'default_token_expiration')
      draft.changed(`${place}.${key}`, "a token's life is what the server says; a 401 renews it too");
    else if (key === 'access_token' && type === 'oauth2')
      draft.leftOut(`${place}.${key}`, 'a token is asked for when it is needed');
    else if (key === 'access_token_request_data' && isTable(value)) {
      const { grant_type: _always, scope, audience, ...others } = value;
      if (scope !== undefined) set('scope', scope);
      if (audience !== undefined) set('audience', audience);
      if (Object.keys(others).length > 0) set('token_params', others);
    } else set(key, value);
  }
  const needs = { api_key: ['api_key'], bearer: ['token'], basic: ['password'], oauth2: ['client_secret'], none: [] }[
    type
  ];
  for (const key of needs) if (!(key in table)) draft.secrets.push({ path: [...path, key], value: '' });
  if (type === 'api_key') result.api_key_name ??= 'Authorization';
  return result;
}

/** Puts a value into a table, or, where its key names a secret, among the secrets. */
export function setValue(draft: ImportDraft, table: Table, path: readonly string[], key: string, value: unknown): void {
  if (isTable(value)) {
    const below: Table = {};
    for (const [inner, item] of Object.entries(value)) setValue(draft, below, [...path, key], inner, item);
    if (Object.keys(below).length > 0) table[key] = below;
  } else if (isSecretKey([...path, key]) && !isTable(value)) {
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    const isReference = /^(dlt\.secrets|\$\{|\{\{|env:)/.test(text);
    draft.secrets.push({ path: [...path, key], value: isReference ? '' : text });
  } else table[key] = value;
}
