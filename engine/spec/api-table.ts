import { AUTH_ALIASES, PAGINATION_ALIASES } from './kinds.ts';
import type { Table } from './project.ts';
import {
  addEntries,
  type Entries,
  type Entry,
  isTable,
  remark,
  scalarText,
  type TomlContext,
  take,
  unknownKey,
} from './toml-table.ts';

/** What is said of an API in TOML: the plan's flat keys, `auth` and `pagination` tables, and dlt's names for all of it. */
export const API_ALIASES = {
  url: 'base_url',
  bearer_token: 'token',
  oauth_url: 'token_url',
  access_token_url: 'token_url',
  paginator: 'pagination',
};

export const AUTH_KEYS = [
  'auth_type',
  'api_key',
  'api_key_name',
  'api_key_location',
  'token',
  'username',
  'password',
  'token_url',
  'client_id',
  'client_secret',
  'scope',
  'audience',
  'client_secret_in',
  'token_params',
];
const AUTH_TABLE_ALIASES = {
  ...API_ALIASES,
  name: 'api_key_name',
  location: 'api_key_location',
  type: 'auth_type',
  access_token: 'token',
};

/** Settles `auth`, `rate_limit` and `pagination` of an API; what is for its jobs comes back. */
export function settleApi(context: TomlContext, entries: Entries): Entries {
  const defaults: Entries = new Map();
  const url = entries.get('base_url');
  if (typeof url?.value === 'string' && url.value.trim() !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(url.value.trim())) {
    remark(context, url, 'CONFIG_VALUE_NOT_ALLOWED', 'begin with https:// or http://', {
      fix: `https://${url.value.trim()}`,
    });
  }
  const auth = settleAuth(context, entries);
  if (auth.has('auth_type')) defaults.set('auth_type', auth.get('auth_type') as Entry);
  const { auth_type: type, ...keys } = Object.fromEntries([...auth].map(([key, entry]) => [key, entry.value]));
  const first = auth.values().next().value as Entry | undefined;
  if (first !== undefined)
    entries.set('auth', { value: type === undefined ? keys : { ...keys, type }, path: first.path.slice(0, -1) });

  const rate = entries.get('rate_limit');
  if (rate !== undefined) settleRateLimit(context, entries, rate);
  settlePagination(context, entries);
  return defaults;
}

function settleAuth(context: TomlContext, entries: Entries): Entries {
  const auth: Entries = new Map();
  const table = take(entries, 'auth');
  if (isTable(table?.value)) addEntries(auth, table.value, table.path, AUTH_TABLE_ALIASES);
  else if (typeof table?.value === 'string') auth.set('auth_type', table);
  else if (table !== undefined) remark(context, table, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
  for (const key of AUTH_KEYS) {
    const flat = take(entries, key);
    if (flat !== undefined && !auth.has(key)) auth.set(key, flat);
  }
  const request = take(auth, 'access_token_request_data');
  if (isTable(request?.value)) {
    const { scope, audience, grant_type: _always, ...others } = request.value;
    if (Object.keys(others).length > 0 && !auth.has('token_params'))
      auth.set('token_params', { value: others, path: request.path });
    if (scope !== undefined && !auth.has('scope'))
      auth.set('scope', { value: scope, path: [...request.path, 'scope'] });
    if (audience !== undefined && !auth.has('audience'))
      auth.set('audience', { value: audience, path: [...request.path, 'audience'] });
  }
  // dlt's guess of a token's life; the engine goes by the server's answer and by 401.
  take(auth, 'default_token_expiration');
  const location = auth.get('api_key_location');
  if (location?.value === 'param') auth.set('api_key_location', { ...location, value: 'query' });
  settleAuthType(auth);
  for (const [key, entry] of [...auth]) {
    if (AUTH_KEYS.includes(key)) continue;
    auth.delete(key);
    unknownKey(context, entry.path, AUTH_KEYS);
  }
  return auth;
}

/** A number is requests a minute (the plan); a table is {requests_per_second, burst_limit}. */
function settleRateLimit(context: TomlContext, entries: Entries, rate: Entry): void {
  if (isTable(rate.value)) {
    const perSecond = Number(scalarText(rate.value.requests_per_second ?? 10));
    if (perSecond < 0.1) {
      const at = { value: rate.value.requests_per_second, path: [...rate.path, 'requests_per_second'] };
      remark(context, at, 'CONFIG_VALUE_NOT_ALLOWED', 'use a number from 0.1 to 1000');
    }
    for (const key of Object.keys(rate.value)) {
      if (key !== 'requests_per_second' && key !== 'burst_limit')
        unknownKey(context, [...rate.path, key], ['requests_per_second', 'burst_limit']);
    }
    return;
  }
  const perMinute = typeof rate.value === 'string' && rate.value.trim() !== '' ? Number(rate.value) : rate.value;
  if (typeof perMinute !== 'number' || !(perMinute >= 1 && perMinute <= 60_000)) {
    entries.delete('rate_limit');
    remark(
      context,
      rate,
      'CONFIG_VALUE_NOT_ALLOWED',
      'use 1 to 60000 requests a minute, or { requests_per_second = 10, burst_limit = 10 }',
    );
    return;
  }
  // A burst on top of the rate would exceed the minute's count.
  entries.set('rate_limit', { ...rate, value: { requests_per_second: perMinute / 60, burst_limit: 1 } });
}

/** dlt's keys of an incremental read, and the names that they have here. */
const INCREMENTAL_KEYS: Record<string, string> = {
  cursor_path: 'watermark_column',
  initial_value: 'last_watermark',
  end_value: 'end_value',
  lag: 'lag',
};

/**
 * dlt's way to say incremental reads: `incremental = { cursor_path, initial_value, start_param … }`, or a parameter of type `incremental`.
 * What has a column or an option of its own goes there; code (`convert`) cannot be taken over.
 */
export function settleIncremental(context: TomlContext, entries: Entries): void {
  const own = take(entries, 'incremental');
  const settings: Table = {};
  if (isTable(own?.value)) spread(context, entries, own.value, own.path, settings);
  else if (own !== undefined) entries.set('incremental', own);
  const params = entries.get('params');
  if (isTable(params?.value)) {
    const kept: Table = {};
    for (const [name, value] of Object.entries(params.value)) {
      if (isTable(value) && value.type === 'incremental') {
        const { type: _type, ...keys } = value;
        spread(context, entries, keys, [...params.path, name], settings);
        settings.start_param ??= name;
      } else kept[name] = value;
    }
    entries.set('params', { ...params, value: kept });
  }
  if (Object.keys(settings).length > 0)
    entries.set('incremental', { value: settings, path: own?.path ?? [...(params?.path ?? []), 'incremental'] });
}

function spread(context: TomlContext, entries: Entries, keys: Table, path: readonly string[], settings: Table): void {
  for (const [key, value] of Object.entries(keys)) {
    const entry = { value, path: [...path, key] };
    const name = INCREMENTAL_KEYS[key];
    if (name !== undefined) {
      if (!entries.has(name)) entries.set(name, entry);
    } else if (key === 'convert' || key === 'transform') {
      remark(context, entry, 'CONFIG_KEY_IGNORED', 'is code, which cannot be taken over', {
        severity: 'warning',
        hint: 'incremental.format says how the bound is written: source, iso, date, unix or unix_ms.',
      });
    } else settings[key] = value;
  }
}

/** dlt's keys inside a paginator, and the names that they have here. */
const PAGINATION_KEYS: Record<string, string> = {
  type: 'pagination_type',
  limit: 'page_size',
  per_page: 'page_size',
  page: 'base_page',
  maximum_page: 'max_pages',
};

/** Lays the keys of `pagination` (or dlt's `paginator`) flat, under the names that they have in the workbook and in resources. */
export function settlePagination(context: TomlContext, entries: Entries): void {
  const pagination = take(entries, 'pagination');
  if (isTable(pagination?.value)) flattenPagination(context, entries, { ...pagination, value: pagination.value });
  else if (typeof pagination?.value === 'string') {
    if (!entries.has('pagination_type')) entries.set('pagination_type', pagination);
  } else if (pagination !== undefined) {
    remark(context, pagination, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table or one of the pagination types');
  }
  settlePaginationType(context, entries);
}

function flattenPagination(context: TomlContext, entries: Entries, pagination: { value: Table; path: string[] }): void {
  const keys: Entries = new Map();
  addEntries(keys, pagination.value, pagination.path, PAGINATION_KEYS);
  const type = scalarText(keys.get('pagination_type')?.value).toLowerCase();
  if (type.startsWith('header') && type.includes('cursor')) {
    const header = take(keys, 'cursor_key');
    keys.set('cursor_header', header ?? { value: 'next', path: [...pagination.path, 'cursor_key'] });
  }
  const link = take(keys, 'links_next_key');
  if (link !== undefined) keys.set('next_url_path', { ...link, value: `links.${scalarText(link.value)}` });
  const total = keys.get('total_path');
  if (total !== undefined && (type === 'page_number' || type === 'pagenumberpaginator')) {
    keys.delete('total_path');
    if (!keys.has('total_pages_path')) keys.set('total_pages_path', total);
  }
  const stop = take(keys, 'stop_after_empty_page');
  if (stop?.value === false)
    remark(context, stop, 'CONFIG_KEY_IGNORED', 'has no effect: an empty page ends a read that has no other end', {
      severity: 'warning',
    });
  for (const [key, entry] of keys) if (!entries.has(key)) entries.set(key, entry);
}

function settlePaginationType(context: TomlContext, entries: Entries): void {
  const entry = entries.get('pagination_type');
  if (typeof entry?.value !== 'string') return;
  const word = entry.value.trim().toLowerCase();
  if (word === 'auto') {
    entries.delete('pagination_type');
    remark(context, entry, 'CONFIG_VALUE_NOT_ALLOWED', 'name the pagination; it is not guessed in a run', {
      hint: '`ingest preview` detects and proposes it.',
    });
  } else if (Object.hasOwn(PAGINATION_ALIASES, word))
    entries.set('pagination_type', { ...entry, value: PAGINATION_ALIASES[word] });
}

/** dlt's names of authentications fall to ours. */
export function settleAuthType(entries: Entries): void {
  const type = entries.get('auth_type');
  if (typeof type?.value !== 'string') return;
  const word = type.value.trim().toLowerCase();
  entries.set('auth_type', { ...type, value: Object.hasOwn(AUTH_ALIASES, word) ? AUTH_ALIASES[word] : word });
}
