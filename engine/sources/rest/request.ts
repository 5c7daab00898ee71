import { IngestError } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import type { ApiRequest } from './client.ts';
import { setAtPath } from './json-path.ts';
import type { PagePatch } from './paginators.ts';

/** The request of a resource before pagination. */
export interface RequestTemplate {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body: Record<string, unknown> | undefined;
  encoding: string;
}

/**
 * Joins base_url and api_endpoint, fills `{placeholders}` from params and puts the other params into the query.
 * The job's params and headers win over the connection's.
 * @param watermark query parameters that carry the watermark
 * @throws IngestError API_URL, API_PLACEHOLDER, API_PARAM
 */
export function requestTemplate(
  connection: ApiConnection,
  job: Job,
  watermark: Record<string, string>,
): RequestTemplate {
  const { options } = job;
  const params: Record<string, unknown> = { ...connection.params, ...options.params };
  const used = new Set<string>();
  const endpoint = (job.api_endpoint ?? job.source_object ?? job.table_name).replace(
    /\{([^{}]*)\}/g,
    (_whole, name: string) => {
      const value = params[name.trim()];
      if (value === undefined || value === null || typeof value === 'object') {
        throw new IngestError('API_PLACEHOLDER', `api_endpoint needs a value for {${name}}, and params has none.`, {
          hint: `Set params.${name.trim()} in [sources.${job.source_name}.resources.${job.table_name}].`,
        });
      }
      used.add(name.trim());
      return encodeURIComponent(String(value));
    },
  );
  const url = joinUrl(connection.base_url, endpoint, options.allow_origins);
  for (const [name, value] of Object.entries(params)) if (!used.has(name)) addParam(url, name, value);
  for (const [name, value] of Object.entries(watermark)) url.searchParams.set(name, value);
  const headers: Record<string, string> = {};
  for (const [name, value] of [...Object.entries(connection.headers), ...Object.entries(options.headers)])
    headers[name.toLowerCase()] = value;
  return { method: options.method, url, headers, body: options.body, encoding: options.encoding };
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
  return { method: template.method, url: url.href, headers: template.headers, body, encoding: template.encoding };
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
  for (const item of Array.isArray(value) ? value : [value]) {
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
