import { afterEach, expect, test } from 'vitest';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import type { DiscoverFilter } from '../../../engine/sources/source.ts';
import { type RestApi, startRestApi } from '../../servers/rest-api.ts';
import { apiConnection, fastClock } from './rest-reader.ts';

let api: RestApi | null = null;
let other: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  await other?.close();
  api = null;
  other = null;
});

async function discover(url: string, values: Record<string, unknown> = {}, filter: Partial<DiscoverFilter> = {}) {
  const source = createRestSource(apiConnection(url, values), { clock: fastClock(), environment: {} });
  try {
    return await source.discover({ withColumns: true, ...filter }, new AbortController().signal);
  } finally {
    await source.close();
  }
}

const query = (...names: string[]) => names.map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
const json = (schema: object, headers: object = {}) => ({
  responses: { 200: { headers, content: { 'application/json': { schema } } } },
});
const object = (properties: object, required: string[] = []) => ({ type: 'object', properties, required });
const list = (items: object) => ({ type: 'array', items });
const order = { $ref: '#/components/schemas/Order' };
const text = { type: 'string' };

const DOCUMENT = {
  openapi: '3.1.0',
  servers: [{ url: '/v1' }],
  paths: {
    '/orders': {
      parameters: query('limit'),
      get: {
        summary: 'All orders\nand more',
        parameters: query('offset', 'updated_since'),
        ...json(object({ data: list(order), total: { type: 'integer' } })),
      },
      post: {},
    },
    '/customers': {
      get: {
        parameters: query('page', 'per_page'),
        ...json(object({ items: list(object({ uuid: text })), meta: object({ total_pages: { type: 'integer' } }) })),
      },
    },
    '/events': {
      get: {
        parameters: query('starting_after', 'limit'),
        ...json(object({ data: list(object({ id: text })), next_cursor: { type: ['string', 'null'] } })),
      },
    },
    '/reviews': { get: json(object({ results: list(order), links: object({ next: text }) })) },
    '/issues': { get: json(list(order), { Link: { schema: text } }) },
    '/orders/{id}': { get: { parameters: [{ name: 'id', in: 'path', required: true }], ...json(order) } },
    '/customers/{customer_id}/orders': { get: json(list(order)) },
    '/loop': { get: json({ $ref: '#/components/schemas/Loop' }) },
    '/nothing': { get: { responses: { 204: {} } } },
    '/write': { post: {} },
  },
  components: {
    schemas: {
      Base: object({ id: { type: 'integer', format: 'int64', description: 'The key' } }, ['id']),
      Order: {
        allOf: [
          { $ref: '#/components/schemas/Base' },
          object({
            created_at: { type: 'string', format: 'date-time' },
            updated_at: { type: 'string', format: 'date-time' },
            lines: list(object({ sku: text })),
            note: { anyOf: [{ type: 'null' }, text] },
          }),
        ],
      },
      Loop: { $ref: '#/components/schemas/Loop' },
    },
  },
};

test('GET resources with path, parameters, suggested pagination, key, watermark and columns', async () => {
  api = await startRestApi({ '/v1/openapi.json': () => ({ body: DOCUMENT }) });
  const found = await discover(`${api.url}/v1`);
  expect(api.requests).toHaveLength(1);
  expect(
    found.map(({ name, resource }) => [
      name,
      resource?.api_endpoint,
      resource?.pagination_type,
      resource?.data_selector,
      resource?.options,
    ]),
  ).toEqual([
    [
      'orders',
      '/orders',
      'offset',
      'data',
      {
        offset_param: 'offset',
        limit_param: 'limit',
        total_path: 'total',
        incremental: { start_param: 'updated_since' },
      },
    ],
    [
      'customers',
      '/customers',
      'page_number',
      'items',
      { page_param: 'page', per_page_param: 'per_page', total_pages_path: 'meta.total_pages' },
    ],
    [
      'events',
      '/events',
      'cursor',
      'data',
      { cursor_param: 'starting_after', cursor_path: 'next_cursor', limit_param: 'limit' },
    ],
    ['reviews', '/reviews', 'json_link', 'results', { next_url_path: 'links.next' }],
    ['issues', '/issues', 'header_link', '$', {}],
    ['orders_by_id', '/orders/{id}', 'single_page', '$', {}],
    ['customers_orders', '/customers/{customer_id}/orders', 'single_page', '$', {}],
    ['loop', '/loop', 'single_page', null, {}],
    ['nothing', '/nothing', 'single_page', null, {}],
  ]);
  expect(found[0]).toMatchObject({
    schema: null,
    kind: 'resource',
    comment:
      'GET /orders · All orders · offset (parameters limit and offset) · parameters: limit, offset, updated_since',
    primaryKey: ['id'],
    watermarkSuggestions: [
      { column: 'updated_at', reason: 'a time, and the API takes updated_since' },
      { column: 'created_at', reason: 'a time, and the API takes updated_since' },
    ],
    columns: [
      { name: 'id', sourceType: 'integer (int64)', nullable: false, comment: 'The key' },
      { name: 'created_at', sourceType: 'string (date-time)', nullable: true, comment: null },
      { name: 'updated_at', sourceType: 'string (date-time)', nullable: true, comment: null },
      { name: 'lines', sourceType: 'array', nullable: true, comment: null },
      { name: 'note', sourceType: 'string', nullable: true, comment: null },
    ],
  });
  expect(found[1]?.primaryKey).toEqual(['uuid']);
  expect(found[5]?.comment).toContain('parameters: id*');
});

test('search, and no columns where none are asked for', async () => {
  api = await startRestApi({ '/openapi.json': () => ({ body: DOCUMENT }) });
  const found = await discover(`${api.url}/v1`, {}, { search: 'Customer', withColumns: false });
  expect(found.map(({ name }) => name)).toEqual(['customers', 'customers_orders']);
  expect(found[0]?.columns).toEqual([]);
  expect(api.requests.map(({ path }) => path)).toEqual(['/v1/openapi.json', '/openapi.json']);
});

test('Swagger 2.0, a base URL without the base path', async () => {
  const document = {
    swagger: '2.0',
    basePath: '/api/v2',
    paths: {
      '/pets.json': {
        get: {
          parameters: [{ name: 'page', in: 'query' }],
          responses: { 200: { schema: list(object({ id: text })) } },
        },
      },
    },
  };
  api = await startRestApi({ '/openapi.json': () => ({ body: document }) });
  expect(await discover(api.url)).toMatchObject([
    {
      name: 'pets',
      resource: { api_endpoint: '/api/v2/pets.json', pagination_type: 'page_number', data_selector: '$' },
    },
  ]);
});

test('an API without a document has nothing to list, whatever it answers', async () => {
  api = await startRestApi({ '/openapi.json': () => ({ body: '<html></html>' }) });
  expect(await discover(api.url)).toEqual([]);
  await api.close();
  api = await startRestApi({ '/openapi.json': () => ({ body: { message: 'ok' } }) });
  expect(await discover(api.url)).toEqual([]);
});

test('a document in YAML, its anchors followed', async () => {
  const yaml = [
    'openapi: "3.0.3" # of the orders',
    'paths:',
    '  /orders:',
    '    get:',
    '      summary: Orders',
    '      parameters: [{ name: cursor, in: query }]',
    '      responses:',
    "        '200':",
    '          content:',
    '            application/json:',
    '              schema: &orders',
    '                type: object',
    '                properties:',
    '                  data: { type: array, items: { type: object, properties: { id: { type: integer } } } }',
    '  /drafts:',
    '    get:',
    '      responses: { "200": { content: { application/json: { schema: *orders } } } }',
  ].join('\n');
  api = await startRestApi({ '/api.yaml': () => ({ headers: { 'content-type': 'application/yaml' }, body: yaml }) });
  const found = await discover(api.url, { openapi_url: 'api.yaml' });
  expect(found.map(({ name, columns }) => [name, columns?.map((column) => column.name)])).toEqual([
    ['orders', ['id']],
    ['drafts', ['id']],
  ]);
  expect(found[0]?.comment).toMatch(/^GET \/orders · Orders · cursor/);
});

test('a YAML document that explodes is refused', async () => {
  const bomb = ['openapi: 3.0.0', 'a0: &a0 [x]'];
  for (let level = 1; level < 12; level += 1)
    bomb.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  api = await startRestApi({ '/api.yaml': () => ({ body: bomb.join('\n') }) });
  await expect(discover(api.url, { openapi_url: 'api.yaml' })).rejects.toMatchObject({ code: 'API_OPENAPI' });
});

test.each([
  ['openapi: 3.0.0\npaths: {', /no YAML that can be read/],
  ['openapi: 3.0.0\ninfo: {}', /no paths/],
  ['{"openapi":', /no JSON/],
  ['{"openapi":"3.0.0"}', /no paths/],
])('a configured document that is none is an error: %j', async (body, message) => {
  api = await startRestApi({ '/docs/api': () => ({ body }) });
  await expect(discover(api.url, { openapi_url: '/docs/api' })).rejects.toMatchObject({
    code: 'API_OPENAPI',
    message: expect.stringMatching(message),
  });
});

test('credentials go to the own origin only', async () => {
  api = await startRestApi({ '/v1/spec': () => ({ body: { openapi: '3.0.0', paths: {} } }) });
  other = await startRestApi({ '/spec.json': () => ({ body: { openapi: '3.0.0', paths: {} } }) });
  const auth = { headers: { 'x-tenant': 'secret-tenant' }, auth: { type: 'bearer', token: 'secret-token' } };
  await discover(`${api.url}/v1`, { ...auth, openapi_url: 'spec' });
  expect(api.requests[0]?.headers).toMatchObject({ authorization: 'Bearer secret-token', 'x-tenant': 'secret-tenant' });
  await discover(`${api.url}/v1`, { ...auth, openapi_url: `${other.url}/spec.json` });
  expect(JSON.stringify(other.requests[0]?.headers)).not.toContain('secret');
});
