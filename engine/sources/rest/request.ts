import { IngestError } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import { resolvedParams } from '../../spec/placeholders.ts';
import type { ResponseFormat, ResponseRule } from '../../spec/resource.ts';
import type { ApiRequest } from './client.ts';
import { isExactNumber, scalarText } from './json.ts';
import { setAtPath } from './json-path.ts';
import type { PagePatch } from './paginators.ts';
import { type Bindings, filled, filledDeep, NO_BINDINGS, parentOf } from './placeholders.ts';

/** The request of a resource before pagination. */
export interface RequestTemplate {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body: Record<string, unknown> | undefined;
  encoding: string;
  rules: readonly ResponseRule[];
}

/**
 * Joins base_url and api_endpoint, fills the placeholders and puts the params that none of them took into the query.
 * The job's params and headers win over the connection's. A parameter without a value (no watermark yet) is left out.
 * @throws IngestError API_URL, API_PLACEHOLDER, API_PARAM
 */
export function requestTemplate(
  connection: ApiConnection,
  job: Job,
  bindings: Bindings = NO_BINDINGS,
): RequestTemplate {
  const { options } = job;
  const params: Record<string, unknown> = { ...connection.params, ...options.params };
  const fields = parentOf(job)?.names;
  const used = new Set<string>(resolvedParams(job).map(({ name }) => name));
  const endpoint = (job.api_endpoint ?? job.source_object ?? job.table_name).replace(
    /\{([^{}]*)\}/g,
    (whole, inner: string) => {
      const name = inner.trim();
      const value = pathValue(whole, name, params, fields, job, bindings);
      used.add(name);
      return encodeURIComponent(value);
    },
  );
  const url = joinUrl(connection.base_url, endpoint, options.allow_origins);
  for (const [name, value] of Object.entries(params))
    if (!used.has(name)) addParam(url, name, filledDeep(value, job, bindings));
  const { incremental } = options;
  if (incremental?.start_param && bindings.start !== null)
    url.searchParams.set(incremental.start_param, bindings.start);
  if (incremental?.end_param && bindings.end !== null) url.searchParams.set(incremental.end_param, bindings.end);
  const headers: Record<string, string> = {};
  for (const [name, value] of [...Object.entries(connection.headers), ...Object.entries(options.headers)]) {
    const text = value.includes('{') ? scalarText(filled(value, job, bindings)) : value;
    if (text !== null) headers[name.toLowerCase()] = text;
  }
  if (options.response_format !== undefined) headers.accept ??= ACCEPTED[options.response_format];
  let { body } = options;
  if (body !== undefined) body = filledDeep(body, job, bindings) as Record<string, unknown>;
  if (options.method === 'POST') {
    body ??= {};
    if (incremental?.start_body_path && bindings.start !== null)
      setAtPath(body, incremental.start_body_path, bindings.start);
    if (incremental?.end_body_path && bindings.end !== null) setAtPath(body, incremental.end_body_path, bindings.end);
  }
  return { method: options.method, url, headers, body, encoding: options.encoding, rules: options.response_actions };
}

/** What a resource with a response_format asks for; others ask for JSON. */
const ACCEPTED: Record<ResponseFormat, string> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson, application/jsonl;q=0.9, */*;q=0.5',
  csv: 'text/csv, */*;q=0.5',
};

function pathValue(
  whole: string,
  name: string,
  params: Record<string, unknown>,
  fields: ReadonlyMap<string, string> | undefined,
  job: Job,
  bindings: Bindings,
): string {
  if (/^(resources|incremental)\./.test(name)) {
    const text = scalarText(filled(whole, job, bindings));
    if (text !== null && text !== '') return text;
    throw new IngestError('API_PLACEHOLDER', `api_endpoint needs a value for ${whole}, and there is none yet.`, {
      hint: name.startsWith('incremental')
        ? 'Set last_watermark (and end_value for the end) of this job.'
        : 'Every record of the parent must have this field.',
    });
  }
  const field = fields?.get(name);
  const value = field !== undefined ? bindings.parent?.[field] : filledDeep(params[name], job, bindings);
  const text = scalarText(value);
  if (text !== null && text !== '') return text;
  throw new IngestError('API_PLACEHOLDER', `api_endpoint needs a value for {${name}}, and params has none.`, {
    hint: `Set params.${name} in [sources.${job.source_name}.resources.${job.table_name}].`,
  });
}

/** The request of one page. */
export function pageRequest(template: RequestTemplate, patch: PagePatch): ApiRequest {
  const url = new URL(patch.url ?? template.url);
  for (const [name, value] of Object.entries(patch.query ?? {})) url.searchParams.set(name, value);
  let body: Record<string, unknown> | undefined;
  if (template.method === 'POST') {
    body = structuredClone(template.body ?? {});
    for (const [path, value] of patch.body ?? []) setAtPath(body, path, value);
  }
  const { method, headers, encoding, rules } = template;
  return { method, url: url.href, headers, body, encoding, ...(rules.length > 0 ? { rules } : {}) };
}

/** base_url + endpoint. An absolute endpoint must lead to the API's own origin or an allowed one. */
export function joinUrl(base: string, endpoint: string, allowOrigins: readonly string[]): URL {
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
    throw new IngestError('API_URL', `base_url "${base}" is no http or https address.`, {
      hint: 'Write it like https://api.example.com/v1.',
    });
  }
  const home = new URL(base);
  if (home.username !== '' || home.password !== '') {
    throw new IngestError('API_URL', 'base_url holds a user name or a password.', {
      hint: 'Use auth_type basic with username and password.',
    });
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint)) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
    if (url && (url.origin === home.origin || originsOf(allowOrigins).includes(url.origin))) return url;
    throw new IngestError('API_URL', `api_endpoint leads to another origin than base_url (${home.origin}).`, {
      hint: "Make it a path, or add the origin to allow_origins in the resource's options.",
    });
  }
  const [path = '', query] = splitOnce(endpoint.replace(/#.*$/, ''), '?');
  const url = new URL(home);
  url.hash = '';
  if (path !== '') url.pathname = `${home.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  for (const [name, value] of new URLSearchParams(query ?? '')) url.searchParams.append(name, value);
  return url;
}

/** Origins of addresses as people write them, with or without a path. */
export function originsOf(addresses: readonly string[]): string[] {
  return addresses.filter((address) => URL.canParse(address)).map((address) => new URL(address).origin);
}

function addParam(url: URL, name: string, value: unknown): void {
  if (value === null || value === undefined) return;
  url.searchParams.delete(name);
  for (const entry of Array.isArray(value) ? value : [value]) {
    const item = isExactNumber(entry) ? entry.rawJSON : entry;
    if (item !== null && typeof item === 'object' && !(item instanceof Date)) {
      throw new IngestError('API_PARAM', `params.${name} is an object, which a query cannot carry.`, {
        hint: 'Write it as text, or use a POST body.',
      });
    }
    url.searchParams.append(name, item instanceof Date ? item.toISOString() : String(item));
  }
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
