import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

/** A request as the server saw it. */
export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Path and query. */
  url: string;
  headers: http.IncomingHttpHeaders;
  /** Parsed where it is JSON, else text. */
  body: unknown;
  /** 1-based number among the requests of its path. */
  number: number;
}

/** What the server answers. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** Text and buffers go as they are, anything else as JSON. */
  body?: unknown;
  compress?: 'gzip' | 'deflate' | 'deflate-raw' | 'br' | 'zstd';
  /** Closes the connection after so many bytes of the body. */
  cutAfter?: number;
  /** Sends the body in chunks of so many bytes, without a content length. */
  chunked?: number;
  /** Waits so long between chunks. */
  pauseMs?: number;
  /** Never answers. */
  hang?: boolean;
}

export type Handler = (request: SeenRequest, api: RestApi) => Answer | Promise<Answer>;

/** A REST API on 127.0.0.1 whose every path is a handler of the test's own. Paths without one are 404. */
export interface RestApi {
  /** Without a slash at the end. */
  url: string;
  port: number;
  /** All requests so far, in order. */
  requests: SeenRequest[];
  close(): Promise<void>;
}

export async function startRestApi(routes: Record<string, Handler>): Promise<RestApi> {
  const counts = new Map<string, number>();
  const server = http.createServer((request, response) => {
    void respond(request, response).catch((error: unknown) => {
      response.statusCode = 599;
      response.end(String(error));
    });
  });

  async function respond(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', api.url);
    const text = await textOf(request);
    const number = (counts.get(url.pathname) ?? 0) + 1;
    counts.set(url.pathname, number);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      url: request.url ?? '',
      headers: request.headers,
      body: parsed(text),
      number,
    };
    api.requests.push(seen);
    const handler = routes[url.pathname];
    send(response, handler ? await handler(seen, api) : { status: 404, body: { error: 'not found' } });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const api: RestApi = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

function send(response: http.ServerResponse, answer: Answer): void {
  if (answer.hang) return;
  const { body } = answer;
  let bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body));
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  switch (answer.compress) {
    case undefined:
      break;
    case 'gzip':
      bytes = gzipSync(bytes);
      headers['content-encoding'] = 'gzip';
      break;
    case 'br':
      bytes = brotliCompressSync(bytes);
      headers['content-encoding'] = 'br';
      break;
    case 'deflate':
      bytes = deflateSync(bytes);
      headers['content-encoding'] = 'deflate';
      break;
    case 'deflate-raw':
      bytes = deflateRawSync(bytes);
      headers['content-encoding'] = 'deflate';
      break;
    case 'zstd':
      bytes = zstdCompressSync(bytes);
      headers['content-encoding'] = 'zstd';
      break;
    default:
      answer.compress satisfies never;
  }
  if (answer.chunked !== undefined) {
    response.writeHead(answer.status ?? 200, { ...headers, ...answer.headers });
    void sendChunks(response, bytes, answer);
    return;
  }
  response.writeHead(answer.status ?? 200, { ...headers, 'content-length': String(bytes.length), ...answer.headers });
  if (answer.cutAfter === undefined) {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, answer.cutAfter), () => response.destroy());
}

async function sendChunks(response: http.ServerResponse, bytes: Buffer, answer: Answer): Promise<void> {
  const size = answer.chunked ?? bytes.length;
  for (let at = 0; at < bytes.length; at += size) {
    if (answer.cutAfter !== undefined && at >= answer.cutAfter) {
      response.destroy();
      return;
    }
    await new Promise<void>((resolve) => response.write(bytes.subarray(at, at + size), () => resolve()));
    await setTimeout(answer.pauseMs ?? 0);
  }
  response.end();
}

async function textOf(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `{id: 1}` … `{id: n}` */
export function rows(count: number): { id: number }[] {
  return Array.from({ length: count }, (_unused, index) => ({ id: index + 1 }));
}

/** `limit` and `offset`. `cap`: records that the server gives at most a page. `extra` joins the wrapper. */
export function offsetPages(
  records: unknown[],
  options: { cap?: number; extra?: (at: number, page: unknown[]) => object } = {},
): Handler {
  return ({ query }) => {
    const at = Number(query.get('offset') ?? 0);
    const size = Math.min(Number(query.get('limit') ?? 100), options.cap ?? Number.POSITIVE_INFINITY);
    const page = records.slice(at, at + size);
    return { body: { data: page, ...options.extra?.(at, page) } };
  };
}

/** `page` and `per_page`. `beyond`: what a page after the last one is. Page 0 of pages from 1 is refused, or the first one. */
export function numberedPages(
  records: unknown[],
  options: { base?: number; beyond?: 'empty' | 'not_found' | 'last'; extra?: object; zeroIsFirst?: boolean } = {},
): Handler {
  return ({ query }) => {
    const size = Number(query.get('per_page') ?? 100);
    const last = Math.max(0, Math.ceil(records.length / size) - 1);
    let index = Number(query.get('page') ?? options.base ?? 1) - (options.base ?? 1);
    if (index < 0 && options.zeroIsFirst) index = 0;
    if (index < 0) return { status: 400, body: { detail: 'Invalid page.' } };
    if (index > last && options.beyond === 'not_found') return { status: 404, body: { detail: 'Invalid page.' } };
    if (index > last && options.beyond === 'last') index = last;
    return { body: { items: records.slice(index * size, (index + 1) * size), ...options.extra } };
  };
}

/** Pages under a key, each with the wrapper's fields that `extra` gives for the index of the next record (null at the end). */
export function chainedPages(
  records: unknown[],
  size: number,
  extra: (next: number | null, page: { id: number }[], request: SeenRequest) => object,
): Handler {
  return (request) => {
    const at = Number(request.query.get('cursor') ?? request.query.get('at') ?? 0);
    const page = records.slice(at, at + size) as { id: number }[];
    const next = at + size < records.length ? at + size : null;
    return { body: { data: page, ...extra(next, page, request) } };
  };
}
