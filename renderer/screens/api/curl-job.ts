import type { Table } from '../../../engine/spec/project.ts';
import { isSecretKey } from '../../../engine/spec/secret-keys.ts';
import { parseCurlCommand } from './curl-command.ts';

/** A cURL command as a job and the connection that it needs. */
export interface CurlJob {
  connection: {
    /** The connection at hand that fits the address, or a name for a new one. */
    name: string;
    isNew: boolean;
    /** Keys below `[sources.NAME]`; without secrets. */
    values: Table;
    /** By key path with dots. */
    secrets: Record<string, string>;
  };
  /** Cells of SourceConfig, by column. */
  cells: Record<string, string>;
  /** Options of `[sources.NAME.resources.TABLE]`. */
  options: Table;
  /** What was left out or guessed, for people; no secret is in it. */
  notes: string[];
}

/** First parts of a path that belong to the API rather than to a resource. */
const PREFIX = /^(api|rest|services|public|data|odata|wp-json|json|v\d+([._]\d+)*|\d{4}-\d{2}(-\d{2})?)$/i;
/** Headers that every client sets by itself, or a browser adds. */
const OWN_HEADERS =
  /^(host|content-length|connection|accept-encoding|accept-language|sec-.*|origin|referer|user-agent|content-type|priority|dnt|cache-control|pragma|te|upgrade-insecure-requests|x-requested-with)$/i;
const SECRET_PARAM = /^(key|auth|api-?key|app_?id_?key|access|sig)$/i;

const SIZE_PARAMS =
  /^(limit|per_page|page_size|pagesize|page\[size\]|size|count|max_results|maxresults|top|\$top|first)$/i;
const PAGE_PARAMS = /^(page|page_number|pagenumber|page\[number\]|p)$/i;
const OFFSET_PARAMS = /^(offset|skip|\$skip|start|startat|start_index)$/i;
const CURSOR_PARAMS =
  /^(cursor|after|starting_after|page_token|pagetoken|next_token|nexttoken|continuation_token|page\[after\]|page\[cursor\]|marker)$/i;

/**
 * Turns a cURL command into a job row and its connection. Secrets (tokens, keys, passwords, cookies) come back apart, for the secret fields.
 * Null where the text is no cURL command.
 * @param connections base_url of the API connections at hand, by name
 */
export function curlJob(text: string, connections: Readonly<Record<string, string>> = {}): CurlJob | null {
  const request = parseCurlCommand(text);
  if (request === null) return null;
  const url = new URL(request.url);
  const { notes } = request;
  const place = placeOf(url, connections);
  const values: Table = { type: 'api', base_url: place.base };
  const secrets: Record<string, string> = {};
  const cells: Record<string, string> = {
    source_type: 'api',
    source_name: place.name,
    table_name: tableName(place.endpoint, url.hostname),
    load_type: 'FULL',
    api_endpoint: place.endpoint,
  };
  const options: Table = {};
  const auth: Table = {};
  if (request.user !== null) {
    auth.type = 'basic';
    auth.username = request.user.name;
    if (request.user.password !== '') secrets['auth.password'] = request.user.password;
  }
  const headers: Table = {};
  for (const [name, value] of request.headers) takeHeader(name, value, { auth, secrets, headers });
  const params: Table = {};
  for (const [name, value] of url.searchParams) {
    if (takePagination(name, value, cells, options)) continue;
    if (isSecretName(name)) {
      if (auth.type === undefined) {
        Object.assign(auth, { type: 'api_key', api_key_name: name, api_key_location: 'query' });
        secrets['auth.api_key'] = value;
      } else secrets[`params.${name}`] = value;
    } else if (Object.hasOwn(params, name)) params[name] = [params[name], value].flat();
    else params[name] = value;
  }
  if (Object.keys(params).length > 0) options.params = params;
  if (Object.keys(headers).length > 0) options.headers = headers;
  takeBody(request.method, request.body, options, notes);
  if (!place.isNew) {
    // A pasted token must not take the place of one that other jobs go by.
    if (auth.type !== undefined || Object.keys(secrets).length > 0)
      notes.push(`The sign-in of ${place.name} stays as it is: the command's own was not taken`);
    return { connection: { name: place.name, isNew: false, values, secrets: {} }, cells, options, notes };
  }
  if (auth.type !== undefined) {
    values.auth = auth;
    cells.auth_type = String(auth.type);
  }
  return { connection: { name: place.name, isNew: place.isNew, values, secrets }, cells, options, notes };
}

interface Place {
  name: string;
  isNew: boolean;
  base: string;
  endpoint: string;
}

/** The connection whose address is the longest beginning of this one, else a new one. */
function placeOf(url: URL, connections: Readonly<Record<string, string>>): Place {
  const best = Object.entries(connections)
    .filter(([, base]) => URL.canParse(base))
    .map(([name, base]) => ({ name, base, at: new URL(base) }))
    .filter(({ at }) => {
      const folder = at.pathname.replace(/\/+$/, '');
      return at.origin === url.origin && (url.pathname === folder || url.pathname.startsWith(`${folder}/`));
    })
    .toSorted((one, other) => other.at.pathname.length - one.at.pathname.length)[0];
  if (best !== undefined) {
    const folder = best.at.pathname.replace(/\/+$/, '');
    return {
      name: best.name,
      isNew: false,
      base: best.base,
      endpoint: decodeURI(url.pathname.slice(folder.length)) || '/',
    };
  }
  const parts = url.pathname.split('/').filter((part) => part !== '');
  let prefix = 0;
  while (prefix < parts.length - 1 && PREFIX.test(parts[prefix] as string)) prefix += 1;
  const base = [url.origin, ...parts.slice(0, prefix)].join('/');
  const name = connectionName(url.hostname, connections);
  return { name, isNew: true, base, endpoint: `/${parts.slice(prefix).map(decodeSegment).join('/')}` };
}

function decodeSegment(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function connectionName(host: string, connections: Readonly<Record<string, string>>): string {
  const parts = host.split('.').filter((part) => !/^(api|www|rest|com|org|net|io|co|dev|app|[a-z]{2})$/i.test(part));
  const name = nameText(/^[\d.]+$|^localhost$/.test(host) ? 'local_api' : (parts.at(-1) ?? host));
  let free = name;
  for (let number = 2; Object.hasOwn(connections, free); number += 1) free = `${name}_${number}`;
  return free;
}

function tableName(endpoint: string, host: string): string {
  const parts = endpoint.split('/').filter((part) => part !== '' && !/^\d+$/.test(part));
  return nameText((parts.at(-1) ?? host).replace(/\.(json|xml|csv|ndjson)$/i, ''));
}

function nameText(text: string): string {
  const name = text
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z_]/.test(name) ? name : `t_${name}`;
}

function isSecretName(name: string): boolean {
  return isSecretKey(['sources', 'x', 'params', name]) || SECRET_PARAM.test(name);
}

function takeHeader(
  name: string,
  value: string,
  { auth, secrets, headers }: { auth: Table; secrets: Record<string, string>; headers: Table },
): void {
  const bearer = /^bearer\s+(.+)$/i.exec(value);
  const basic = /^basic\s+([a-z0-9+/=]+)$/i.exec(value);
  if (/^authorization$/i.test(name) && bearer !== null) {
    auth.type = 'bearer';
    secrets['auth.token'] = bearer[1] as string;
  } else if (/^authorization$/i.test(name) && basic !== null) {
    const pair = fromBase64(basic[1] as string);
    const colon = pair.indexOf(':');
    auth.type = 'basic';
    auth.username = colon < 0 ? pair : pair.slice(0, colon);
    if (colon >= 0) secrets['auth.password'] = pair.slice(colon + 1);
  } else if (/^cookie$/i.test(name)) secrets['headers.Cookie'] = value;
  else if (isSecretName(name)) {
    if (auth.type === undefined) {
      auth.type = 'api_key';
      auth.api_key_name = name;
      secrets['auth.api_key'] = value;
    } else secrets[`headers.${name}`] = value;
  } else if (!OWN_HEADERS.test(name) && !(/^accept$/i.test(name) && /^(\*\/\*|application\/json.*)$/i.test(value)))
    headers[name] = value;
}

/** Parameters of a page become the job's pagination; only their names are kept, the page itself is the paginator's matter. */
function takePagination(name: string, value: string, cells: Record<string, string>, options: Table): boolean {
  if (SIZE_PARAMS.test(name) && /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 10_000) {
    // Cursor and link paginations do not send a size of their own.
    cells.page_size = value;
    if (name !== 'limit') options.limit_param = name;
    if (name !== 'per_page') options.per_page_param = name;
    return false;
  }
  if (PAGE_PARAMS.test(name) && /^\d+$/.test(value)) {
    cells.pagination_type = 'page_number';
    if (name !== 'page') options.page_param = name;
    if (value === '0') options.base_page = 0;
    return true;
  }
  if (OFFSET_PARAMS.test(name) && /^\d+$/.test(value)) {
    cells.pagination_type = 'offset';
    if (name !== 'offset') options.offset_param = name;
    return true;
  }
  if (CURSOR_PARAMS.test(name)) {
    cells.pagination_type = 'cursor';
    if (name !== 'cursor') options.cursor_param = name;
    return true;
  }
  return false;
}

function takeBody(method: string, body: string | null, options: Table, notes: string[]): void {
  if (method !== 'GET' && method !== 'POST') notes.push(`A job sends GET or POST, not ${method}`);
  if (method === 'POST') options.method = 'POST';
  if (body === null) return;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object');
    options.body = value as Table;
    options.method = 'POST';
  } catch {
    notes.push('The body is no JSON object, which is all that a job can send: it was left out');
  }
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** UTF-8 text of a Base64; neither Node's Buffer nor the page's atob is everywhere that this file is. */
function fromBase64(text: string): string {
  let bits = '';
  for (const char of text.replace(/=+$/, '')) bits += BASE64.indexOf(char).toString(2).padStart(6, '0');
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => `%${Number.parseInt(byte, 2).toString(16).padStart(2, '0')}`);
  return decodeSegment(bytes.join(''));
}
