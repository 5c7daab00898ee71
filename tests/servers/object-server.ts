import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An object in memory. */
export interface KeptObject {
  body: Buffer;
  /** MD5 in hex. */
  etag: string;
  generation: number;
  at: Date;
  metadata: Record<string, string>;
}

export interface FaultRequest {
  /** GET, HEAD, PUT, POST, DELETE. */
  method: string;
  /** With its query. */
  url: string;
  /** From 1, of this server. */
  number: number;
}

/** What a server does wrong. */
export interface Fault {
  /** Answers with this error in place of doing what was asked. */
  status?: number;
  code?: string;
  headers?: Record<string, string>;
  /** Does what was asked and ends the connection without an answer. */
  losesAnswer?: boolean;
  /** Ends the connection after so many bytes of a body that is read. */
  cutAfter?: number;
}

/** Buckets in memory, listed in the order of their keys' bytes as the clouds do. */
export class ObjectBuckets {
  readonly #buckets = new Map<string, Map<string, KeptObject>>();
  #generation = 1_700_000_000_000_000;

  create(bucket: string): void {
    if (!this.#buckets.has(bucket)) this.#buckets.set(bucket, new Map());
  }

  get(bucket: string): Map<string, KeptObject> | undefined {
    return this.#buckets.get(bucket);
  }

  put(bucket: string, key: string, body: Buffer, metadata: Record<string, string> = {}): KeptObject {
    this.#generation += 1;
    const etag = createHash('md5').update(body).digest('hex');
    const object = { body, etag, generation: this.#generation, at: new Date(), metadata };
    this.get(bucket)?.set(key, object);
    return object;
  }

  list(bucket: string, prefix: string, delimiter: string, after: string, most: number) {
    const objects = this.get(bucket) ?? new Map<string, KeptObject>();
    const keys = [...objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    const items: [string, KeptObject][] = [];
    const prefixes: string[] = [];
    let last = '';
    for (const key of keys) {
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      const folder = cut < 0 ? null : key.slice(0, cut + 1);
      const name = folder ?? key;
      if ((after !== '' && name <= after) || prefixes.at(-1) === folder) continue;
      if (items.length + prefixes.length >= most) return { items, prefixes, next: last };
      if (folder === null) items.push([key, objects.get(key) as KeptObject]);
      else prefixes.push(folder);
      last = name;
    }
    return { items, prefixes, next: null };
  }
}

export interface ObjectServer {
  url: string;
  /** Every request that came, faults included. */
  requests: FaultRequest[];
  /** Asked before each request; set it to make the server fail. */
  fault: (request: FaultRequest) => Fault | undefined;
  stop(): Promise<void>;
}

/** Listens on a free port of the loopback. `answer` gets the whole body. */
export async function serveObjects(
  answer: (request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse) => unknown,
  refuse: (response: ServerResponse, fault: Fault) => void,
): Promise<ObjectServer> {
  const requests: FaultRequest[] = [];
  const listener: RequestListener = (request, response) => {
    void (async () => {
      const seen = { method: request.method ?? '', url: request.url ?? '', number: requests.length + 1 };
      requests.push(seen);
      const fault = server.fault(seen) ?? {};
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (fault.status !== undefined) return refuse(response, fault);
      if (fault.losesAnswer) response.writeHead = (() => response.destroy()) as never;
      if (fault.cutAfter !== undefined) cutBody(response, fault.cutAfter);
      await answer(request, new URL(seen.url, 'http://server'), Buffer.concat(chunks), response);
    })().catch(() => response.destroy());
  };
  const http = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: ObjectServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    fault: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return server;
}

function cutBody(response: ServerResponse, bytes: number): void {
  const end = response.end.bind(response);
  response.end = ((body?: Buffer) => {
    if (!Buffer.isBuffer(body) || body.length <= bytes) return end(body);
    response.write(body.subarray(0, bytes), () => setTimeout(() => response.destroy(), 5));
    return response;
  }) as typeof response.end;
}

/** Sends an object or the range of it that was asked for. */
export function sendObject(
  request: IncomingMessage,
  response: ServerResponse,
  { body }: KeptObject,
  headers: Record<string, string>,
): void {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = last ? Math.min(Number(last), body.length - 1) : body.length - 1;
  const ranged = first !== undefined;
  if (ranged && start > end) {
    response.writeHead(416).end();
    return;
  }
  const part = body.subarray(start, end + 1);
  response.writeHead(ranged ? 206 : 200, {
    ...headers,
    'content-length': String(part.length),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    ...(ranged ? { 'content-range': `bytes ${start}-${end}/${body.length}` } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : part);
}
