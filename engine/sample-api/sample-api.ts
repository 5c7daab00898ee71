import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Collection,
  type CollectionName,
  type JsonRecord,
  type JsonValue,
  NEXT_DAY,
  recordsAsOf,
  shopData,
} from './shop-data.ts';

export interface SampleApi {
  /** `http://127.0.0.1:PORT` */
  url: string;
  close(): Promise<void>;
}

/** What a paginated endpoint answers: a body and, for `header_link`, the Link header. */
interface Page {
  body: JsonValue;
  link?: string;
}

interface Request {
  url: URL;
  records: JsonRecord[];
  /** Records a page: `limit`, `per_page` or `page_size`, else 50. */
  size: number;
}

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 1000;

/** One endpoint a pagination type, in the order of the documents. */
const ENDPOINTS: Record<CollectionName, (request: Request) => Page> = {
  // single_page: everything at once
  countries: ({ records }) => ({ body: records }),

  // offset: limit, offset and the total
  products: ({ url, records, size }) => {
    const offset = wholeNumber(url, 'offset', 0);
    return { body: { data: records.slice(offset, offset + size), offset, limit: size, total: records.length } };
  },

  // cursor: an opaque text that leads to the next page, null at the end
  events: ({ url, records, size }) => {
    const start = readCursor(url.searchParams.get('cursor'));
    const end = start + size;
    return { body: { events: records.slice(start, end), next_cursor: end < records.length ? writeCursor(end) : null } };
  },

  // page_number: from 1
  customers: ({ url, records, size }) => {
    const page = wholeNumber(url, 'page', 1);
    if (page < 1) throw new BadRequest('page starts at 1');
    return {
      body: {
        customers: records.slice((page - 1) * size, page * size),
        page,
        total_pages: Math.max(1, Math.ceil(records.length / size)),
      },
    };
  },

  // header_link: the Link header of RFC 8288
  orders: ({ url, records, size }) => {
    const page = wholeNumber(url, 'page', 1);
    const next = page * size < records.length ? `<${withParam(url, 'page', page + 1)}>; rel="next"` : undefined;
    return { body: records.slice((page - 1) * size, page * size), ...(next === undefined ? {} : { link: next }) };
  },

  // json_link: the next page's address in the body
  reviews: ({ url, records, size }) => {
    const page = wholeNumber(url, 'page', 1);
    const next = page * size < records.length ? withParam(url, 'page', page + 1) : null;
    return { body: { items: records.slice((page - 1) * size, page * size), links: { self: url.href, next } } };
  },
};

/**
 * Starts the sample shop's API on the loopback interface, for as long as a run needs it. No sign-in, no rate limit, the same data on every machine.
 *
 * Every endpoint takes `as_of=YYYY-MM-DD` (the shop as it stood at the end of that day, so that a second run has something new to find) and
 * those whose records change take `updated_since=ISO 8601` (inclusive), which is what an incremental job sends.
 */
export async function startSampleApi(): Promise<SampleApi> {
  const data = shopData();
  const server = createServer((request, response) => {
    try {
      answer(data, request, response);
    } catch (error) {
      const status = error instanceof BadRequest ? 400 : 500;
      send(response, status, { error: status === 400 ? (error as Error).message : 'The sample API failed.' });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // A forgotten close() must not keep a process alive.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class BadRequest extends Error {}

function answer(data: Record<CollectionName, Collection>, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
  const name = url.pathname.replace(/^\/+|\/+$/g, '');
  if (request.method !== 'GET') {
    send(response, 405, { error: `${request.method} is not served here; use GET` });
  } else if (name === '') {
    send(response, 200, { name: 'sample shop', endpoints: Object.keys(ENDPOINTS).map((endpoint) => `/${endpoint}`) });
  } else if (!Object.hasOwn(ENDPOINTS, name)) {
    send(response, 404, {
      error: `There is no /${name}`,
      endpoints: Object.keys(ENDPOINTS).map((endpoint) => `/${endpoint}`),
    });
  } else {
    const collection = data[name as CollectionName];
    const page = ENDPOINTS[name as CollectionName]({ url, records: select(collection, url), size: pageSize(url) });
    if (page.link !== undefined) response.setHeader('link', page.link);
    send(response, 200, page.body);
  }
}

function select(collection: Collection, url: URL): JsonRecord[] {
  const records = recordsAsOf(collection, url.searchParams.get('as_of') ?? NEXT_DAY);
  const since = url.searchParams.get('updated_since');
  const { changedAt } = collection;
  if (since === null || since === '' || changedAt === null) return records;
  const from = Date.parse(since);
  if (Number.isNaN(from)) throw new BadRequest(`updated_since "${since}" is not an ISO 8601 time`);
  return records.filter((record) => Date.parse(String(record[changedAt])) >= from);
}

function pageSize(url: URL): number {
  for (const name of ['limit', 'per_page', 'page_size']) {
    if (!url.searchParams.has(name)) continue;
    const size = wholeNumber(url, name, DEFAULT_PAGE_SIZE);
    if (size < 1) throw new BadRequest(`${name} starts at 1`);
    return Math.min(size, LARGEST_PAGE_SIZE);
  }
  return DEFAULT_PAGE_SIZE;
}

function wholeNumber(url: URL, name: string, fallback: number): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new BadRequest(`${name} "${text}" is not a whole number`);
  return Number(text);
}

function withParam(url: URL, name: string, value: number): string {
  const next = new URL(url);
  next.searchParams.set(name, String(value));
  return next.href;
}

function writeCursor(start: number): string {
  return Buffer.from(`after:${start}`).toString('base64url');
}

function readCursor(cursor: string | null): number {
  if (cursor === null || cursor === '') return 0;
  const match = /^after:(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw new BadRequest(`cursor "${cursor}" did not come from here`);
  return Number(match[1]);
}

function send(response: ServerResponse, status: number, body: JsonValue): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(toJson(body));
}

/** JSON with every digit of a bigint, which JSON.stringify refuses. */
function toJson(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, entry]) => `${JSON.stringify(key)}:${toJson(entry)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}
