import { IngestError, isIngestError } from '../../errors.ts';
import { normalizeName } from '../../spec/naming.ts';
import type { DiscoveredObject, DiscoverFilter } from '../source.ts';
import { parseJson, syntaxErrorPosition } from './json.ts';
import { isObject } from './json-path.ts';
import { columnsOf, OpenApiDocument, type Operation } from './openapi-document.ts';
import { suggestPagination } from './openapi-pagination.ts';
import { joinUrl } from './request.ts';
import type { ApiSession } from './session.ts';

/**
 * The GET resources of an API by its OpenAPI document (3.x or Swagger 2.0, JSON or YAML): openapi_url of the connection, else `openapi.json` below base_url or
 * at its root. An API without one has no resources to list, which is no error unless openapi_url is set.
 * @throws IngestError API_OPENAPI and the errors of requests
 */
export async function discoverResources(
  session: ApiSession,
  filter: DiscoverFilter,
  signal: AbortSignal,
): Promise<DiscoveredObject[]> {
  const document = await readDocument(session, signal);
  if (!document) return [];
  const names = new Map<string, number>();
  const wanted = filter.search?.toLowerCase() ?? '';
  return document
    .operations()
    .map((operation) => describe(document, operation, session.connection.base_url, names, filter.withColumns))
    .filter(({ name, comment }) => name.includes(wanted) || (comment ?? '').toLowerCase().includes(wanted));
}

async function readDocument(session: ApiSession, signal: AbortSignal): Promise<OpenApiDocument | null> {
  const { connection } = session;
  const configured = connection.openapi_url?.trim();
  if (configured) return await parseDocument(await fetchText(session, configured, signal), configured);
  const origin = joinUrl(connection.base_url, '', []).origin;
  const places = [...new Set([joinUrl(connection.base_url, 'openapi.json', []).href, `${origin}/openapi.json`])];
  for (const place of places) {
    try {
      return await parseDocument(await fetchText(session, place, signal), place);
    } catch (error) {
      // Nobody said that there is a document: whatever the server answers there, it is none.
      if (
        !isIngestError(error) ||
        error.retryable ||
        ['CANCELLED', 'API_UNAUTHORIZED', 'API_CERTIFICATE'].includes(error.code)
      )
        throw error;
    }
  }
  return null;
}

/** Credentials go to the API's own origin only; a document elsewhere is public. */
async function fetchText(session: ApiSession, address: string, signal: AbortSignal): Promise<string> {
  const { connection } = session;
  const isAbsolute = /^https?:\/\//i.test(address);
  const url = isAbsolute
    ? new URL(address)
    : address.startsWith('/')
      ? new URL(address, connection.base_url)
      : joinUrl(connection.base_url, address, []);
  const isOwn = url.origin === new URL(connection.base_url).origin;
  const nobody = { credentials: async () => ({ headers: {}, query: {} }), renew: async () => false };
  const client = isOwn ? session.client : session.client.with({ authenticator: () => nobody, authType: 'none' });
  const headers = isOwn
    ? Object.fromEntries(Object.entries(connection.headers).map(([name, value]) => [name.toLowerCase(), value]))
    : {};
  const request = { method: 'GET' as const, url: url.href, headers, body: undefined, encoding: 'utf-8' };
  return (await client.send(request, signal, () => undefined)).text;
}

function parsedJson(text: string, place: string): unknown {
  try {
    return parseJson(text).value;
  } catch (error) {
    throw new IngestError('API_OPENAPI', `${place} is no JSON (character ${syntaxErrorPosition(error, text) + 1}).`, {
      hint: 'Check openapi_url of the connection.',
      cause: error,
    });
  }
}

/** Few servers have their document in YAML, so its parser is loaded for them alone. Few aliases are followed: more are a bomb. */
async function parseYaml(text: string, place: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text, { maxAliasCount: 1000, logLevel: 'error' });
  } catch (error) {
    const [first = ''] = error instanceof Error ? error.message.split('\n') : [];
    throw new IngestError('API_OPENAPI', `${place} is no YAML that can be read: ${first.replace(/:$/, '')}.`, {
      hint: 'Check openapi_url of the connection; most servers have the document in JSON too, for example openapi.json.',
      cause: error,
    });
  }
}

async function parseDocument(text: string, place: string): Promise<OpenApiDocument> {
  const value = /^["']?(openapi|swagger)["']?\s*:/m.test(text) ? await parseYaml(text, place) : parsedJson(text, place);
  if (
    isObject(value) &&
    isObject(value.paths) &&
    (typeof value.openapi === 'string' || typeof value.swagger === 'string')
  )
    return new OpenApiDocument(value);
  throw new IngestError('API_OPENAPI', `${place} is no OpenAPI document: it has no paths.`, {
    hint: 'Check openapi_url of the connection.',
  });
}

const UPDATED = /^(updated|modified|changed|last_?(updated|modified|changed))(_?(at|on|date|time))?$/i;
const CREATED = /^(created|inserted|posted)(_?(at|on|date|time))?$/i;
const SINCE = /since|after|from|start|min|gte/i;

function describe(
  document: OpenApiDocument,
  operation: Operation,
  baseUrl: string,
  names: Map<string, number>,
  withColumns: boolean,
): DiscoveredObject {
  const { response, parameters } = operation;
  // A path that ends with a placeholder is one record, whatever lists it holds.
  const isOne = operation.path.replace(/\/+$/, '').endsWith('}');
  const found = isOne ? { record: document.resolve(response), selector: '$' } : document.records(response);
  const pagination = suggestPagination(document, operation);
  const columns = columnsOf(document, found.record);
  const key = columns.find(({ name }) => /^(id|uuid|key|_id)$/i.test(name));
  const since = parameters.find(
    ({ name, place }) => place === 'query' && SINCE.test(name) && /updat|modif|chang|since|date|time/i.test(name),
  );
  const watermarks = columns.filter(({ name, isTime }) => isTime && (UPDATED.test(name) || CREATED.test(name)));
  const endpoint = endpointOf(operation.path, document.basePath, baseUrl);
  const said = [
    `GET ${endpoint}`,
    ...(operation.summary === null ? [] : [operation.summary]),
    `${pagination.pagination_type} (${pagination.evidence})`,
    ...(parameters.length === 0
      ? []
      : [`parameters: ${parameters.map(({ name, required }) => (required ? `${name}*` : name)).join(', ')}`]),
  ];
  return {
    schema: null,
    name: uniqueName(operation.path, names),
    kind: 'resource',
    rowEstimate: null,
    bytes: null,
    comment: said.join(' · '),
    columns: withColumns ? columns.map(({ isTime: _isTime, ...column }) => column) : [],
    primaryKey: key ? [key.name] : [],
    watermarkSuggestions: [
      ...watermarks.filter(({ name }) => UPDATED.test(name)),
      ...watermarks.filter(({ name }) => CREATED.test(name)),
    ].map(({ name }) => ({
      column: name,
      reason: since ? `a time, and the API takes ${since.name}` : 'a time, by its name and format',
    })),
    resource: {
      api_endpoint: endpoint,
      parameters,
      pagination_type: pagination.pagination_type,
      options: {
        ...pagination.options,
        ...(since ? { incremental: { start_param: since.name } } : {}),
      },
      data_selector: found.selector,
      evidence: pagination.evidence,
    },
  };
}

/** The path as it continues base_url: servers' own path is taken off where base_url has it. */
function endpointOf(path: string, basePath: string, baseUrl: string): string {
  const own = new URL(baseUrl).pathname.replace(/\/+$/, '');
  const full = `${basePath.replace(/\/+$/, '')}${path}`;
  return own === '' ? full : full.startsWith(`${own}/`) ? full.slice(own.length) : path;
}

/** A table name out of the path's fixed parts, without versions: `/api/v2/users/{id}/posts` → users_posts. */
function uniqueName(path: string, names: Map<string, number>): string {
  const parts = path.split('/').filter((part) => part !== '' && !/^(api|v\d+(\.\d+)*)$/i.test(part));
  const fixed = parts.filter((part) => !part.includes('{')).map((part) => part.replace(/\.json$/i, ''));
  const isOne = parts.at(-1)?.includes('{') === true;
  const name = normalizeName(
    [...fixed, ...(isOne ? ['by', (parts.at(-1) as string).replace(/[{}]/g, '')] : [])].join('_') || 'root',
  );
  const times = (names.get(name) ?? 0) + 1;
  names.set(name, times);
  return times === 1 ? name : `${name}_${times}`;
}
