import { createPublicKey, type KeyObject, randomUUID, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CRC32C } from '@google-cloud/storage';
import { type KeptObject, type ObjectBuckets, type ObjectServer, sendObject, serveObjects } from './object-server.ts';

export interface GcsServerOptions {
  /** Public keys (PEM) by the service account's address; without it everybody may do everything. */
  accounts?: Record<string, string>;
}

interface Session {
  bucket: string;
  key: string;
  chunks: Buffer[];
  bytes: number;
}

const MOST_KEYS = 1000;

/** Google's JSON API: self-signed tokens of service accounts (RS256) and the crc32c of uploads are checked. */
export async function startGcs(buckets: ObjectBuckets, options: GcsServerOptions = {}): Promise<ObjectServer> {
  const sessions = new Map<string, Session>();
  const keys = new Map<string, KeyObject>();
  for (const [account, pem] of Object.entries(options.accounts ?? {})) keys.set(account, createPublicKey(pem));
  const server = await serveObjects(
    (request, url, body, response) => {
      if (keys.size > 0 && !isSigned(request, keys)) return refuse(response, 401, 'Invalid Credentials', 'authError');
      const session = sessions.get(url.searchParams.get('upload_id') ?? '');
      if (session) return goOn(session, request, url, body, response);
      answer(request, url, body, response);
    },
    (response, { status = 500, code = 'backendError', headers }) => {
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
      refuse(response, status, code, code);
    },
  );
  return server;

  function answer(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): unknown {
    const [, uploads, name = '', encoded] =
      /^\/(upload\/)?storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const bucket = decodeURIComponent(name);
    const objects = buckets.get(bucket);
    if (!objects) return refuse(response, 404, 'The specified bucket does not exist.', 'notFound');
    const query = url.searchParams;
    if (uploads !== undefined) {
      if (query.get('uploadType') === 'resumable') {
        const id = randomUUID();
        sessions.set(id, { bucket, key: query.get('name') ?? '', chunks: [], bytes: 0 });
        response.writeHead(200, { location: `${server.url}${url.pathname}?upload_id=${id}` }).end();
        return;
      }
      return putWhole(bucket, objects, request, query, body, response);
    }
    if (encoded === undefined) return list(bucket, query, response);
    const key = decodeURIComponent(encoded);
    const object = objects.get(key);
    if (!object) return refuse(response, 404, `No such object: ${bucket}/${key}`, 'notFound');
    const wanted = query.get('ifGenerationMatch');
    if (wanted !== null && wanted !== String(object.generation))
      return refuse(response, 412, 'At least one of the pre-conditions you specified did not hold.', 'conditionNotMet');
    if (request.method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
    } else if (query.get('alt') === 'media') {
      sendObject(request, response, object, { 'x-goog-generation': String(object.generation) });
    } else json(response, 200, resource(bucket, key, object));
  }

  function list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
    const token = query.get('pageToken');
    const most = Math.min(MOST_KEYS, Number(query.get('maxResults') ?? MOST_KEYS));
    const after = token === null ? '' : Buffer.from(token, 'base64url').toString();
    const page = buckets.list(bucket, query.get('prefix') ?? '', query.get('delimiter') ?? '', after, most);
    json(response, 200, {
      kind: 'storage#objects',
      items: page.items.map(([key, object]) => resource(bucket, key, object)),
      ...(page.prefixes.length > 0 ? { prefixes: page.prefixes } : {}),
      ...(page.next === null ? {} : { nextPageToken: Buffer.from(page.next).toString('base64url') }),
    });
  }

  function putWhole(
    bucket: string,
    objects: Map<string, KeptObject>,
    request: IncomingMessage,
    query: URLSearchParams,
    body: Buffer,
    response: ServerResponse,
  ): unknown {
    const boundary = Buffer.from(`--${/boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')?.[1]}`);
    const parts: Buffer[] = [];
    for (let at = body.indexOf(boundary); at >= 0; ) {
      const next = body.indexOf(boundary, at + boundary.length);
      if (next < 0) break;
      const part = body.subarray(at + boundary.length + 2, next - 2);
      parts.push(part.subarray(part.indexOf('\r\n\r\n') + 4));
      at = next;
    }
    const [head, content] = parts;
    if (!head || !content) return refuse(response, 400, 'No parts.', 'invalid');
    const { name, crc32c, metadata } = JSON.parse(head.toString());
    if (crc32c !== undefined && crc32c !== checksum(content))
      return refuse(response, 400, `Provided CRC32C "${crc32c}" doesn't match.`, 'invalid');
    const condition = query.get('ifGenerationMatch');
    if (condition !== null && condition !== String(objects.get(name)?.generation ?? 0))
      return refuse(response, 412, 'At least one of the pre-conditions you specified did not hold.', 'conditionNotMet');
    json(response, 200, resource(bucket, name, buckets.put(bucket, name, Buffer.from(content), metadata)));
  }

  /** A chunk of a resumable upload, or the question how far it came. */
  function goOn(session: Session, request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): unknown {
    if (request.method === 'DELETE') {
      sessions.delete(url.searchParams.get('upload_id') ?? '');
      response.writeHead(499).end();
      return;
    }
    const [, first, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(String(request.headers['content-range'])) ?? [];
    if (first !== undefined) {
      if (Number(first) !== session.bytes) return refuse(response, 400, `Expected byte ${session.bytes}.`, 'invalid');
      session.chunks.push(body);
      session.bytes += body.length;
    }
    if (session.bytes === Number(total)) {
      if (session.chunks.length > 0) buckets.put(session.bucket, session.key, Buffer.concat(session.chunks));
      session.chunks = [];
      const object = buckets.get(session.bucket)?.get(session.key) as KeptObject;
      return json(response, 200, resource(session.bucket, session.key, object));
    }
    response.writeHead(308, session.bytes === 0 ? {} : { range: `bytes=0-${session.bytes - 1}` }).end();
  }
}

function isSigned(request: IncomingMessage, keys: Map<string, KeyObject>): boolean {
  const [, head = '', claims = '', signature = ''] =
    /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(request.headers.authorization ?? '') ?? [];
  try {
    const { iss, exp, scope } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const key = keys.get(iss);
    if (key === undefined || exp * 1000 < Date.now() || !/devstorage|cloud-platform/.test(scope)) return false;
    return verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

function resource(bucket: string, key: string, { generation, body, at, metadata }: KeptObject) {
  return {
    kind: 'storage#object',
    name: key,
    bucket,
    generation: String(generation),
    size: String(body.length),
    updated: at.toISOString(),
    crc32c: checksum(body),
    metadata,
  };
}

function checksum(body: Buffer): string {
  const sum = new CRC32C();
  sum.update(body);
  return sum.toString();
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, code: number, message: string, reason: string): void {
  json(response, code, { error: { code, message, errors: [{ message, domain: 'global', reason }] } });
}
