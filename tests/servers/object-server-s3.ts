import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ObjectBuckets, type ObjectServer, sendObject, serveObjects } from './object-server.ts';

export interface S3ServerOptions {
  /** Secret access key by access key id. */
  keys: Record<string, string>;
  /** Requests signed for another region are refused. */
  region?: string;
}

interface Upload {
  bucket: string;
  key: string;
  metadata: Record<string, string>;
  parts: Map<number, { body: Buffer; etag: string }>;
}

export interface S3Server extends ObjectServer {
  /** Unfinished multipart uploads by id. */
  uploads: Map<string, Upload>;
}

const MOST_KEYS = 1000;
const SKEW_MILLISECONDS = 15 * 60_000;

/** Amazon's REST API, addressed by path: every request's SigV4 signature and body hash is checked. */
export async function startS3(buckets: ObjectBuckets, options: S3ServerOptions): Promise<S3Server> {
  const uploads = new Map<string, Upload>();
  const server = await serveObjects(
    (request, url, body, response) => {
      const wrong = checkSignature(request, url, body, options);
      if (wrong !== null) return refuse(response, ...wrong, request.method === 'HEAD');
      answer(request, url, body, response);
    },
    (response, { status = 500, code = 'InternalError', headers }) => {
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
      refuse(response, status, code, code);
    },
  );

  function answer(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): unknown {
    const [, bucket = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const query = url.searchParams;
    const method = request.method ?? '';
    const objects = buckets.get(bucket);
    const fail = (status: number, code: string) => refuse(response, status, code, code, method === 'HEAD');
    if (!objects) return fail(404, 'NoSuchBucket');
    if (key === '') {
      if (method === 'POST' && query.has('delete')) return removeMany(objects, body, response);
      if (method === 'GET' && query.has('uploads')) return listUploads(bucket, query, response);
      if (method === 'GET') return list(bucket, query, response);
      return fail(501, 'NotImplemented');
    }
    const object = objects.get(key);
    const uploadId = query.get('uploadId');
    const upload = uploadId === null ? undefined : uploads.get(uploadId);
    if (uploadId !== null && !upload) return fail(404, 'NoSuchUpload');
    const metadata = metadataOf(request);
    if (method === 'POST' && query.has('uploads')) {
      const id = randomUUID();
      uploads.set(id, { bucket, key, metadata, parts: new Map() });
      return xml(
        response,
        `<InitiateMultipartUploadResult><Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (upload && uploadId !== null) {
      if (method === 'PUT') {
        const etag = createHash('md5').update(body).digest('hex');
        upload.parts.set(Number(query.get('partNumber')), { body, etag });
        response.writeHead(200, { etag: `"${etag}"` }).end();
        return;
      }
      uploads.delete(uploadId);
      if (method === 'DELETE') {
        response.writeHead(204).end();
        return;
      }
      const named = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => part);
      const parts = named.map((part) => upload.parts.get(Number(/<PartNumber>(\d+)</.exec(part)?.[1])));
      if (parts.length === 0 || parts.some((part, at) => !part || !named[at]?.includes(part.etag)))
        return fail(400, 'InvalidPart');
      if (parts.slice(0, -1).some((part) => (part?.body.length ?? 0) < 5 * 2 ** 20)) return fail(400, 'EntityTooSmall');
      const { etag } = buckets.put(bucket, key, Buffer.concat(parts.map((part) => part!.body)), upload.metadata);
      return xml(
        response,
        `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`,
      );
    }
    if (method === 'PUT') {
      const match = request.headers['if-match'];
      if (request.headers['if-none-match'] === '*' && object) return fail(412, 'PreconditionFailed');
      if (match !== undefined && !object) return fail(404, 'NoSuchKey');
      if (match !== undefined && match !== `"${object?.etag}"`) return fail(412, 'PreconditionFailed');
      const { etag } = buckets.put(bucket, key, body, metadata);
      response.writeHead(200, { etag: `"${etag}"` }).end();
      return;
    }
    if (method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    if (!object) return fail(404, 'NoSuchKey');
    if (request.headers['if-match'] && request.headers['if-match'] !== `"${object.etag}"`)
      return fail(412, 'PreconditionFailed');
    const own = Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    sendObject(request, response, object, {
      ...Object.fromEntries(own),
      etag: `"${object.etag}"`,
      'last-modified': object.at.toUTCString(),
    });
  }

  function list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
    const token = query.get('continuation-token');
    const most = Math.min(MOST_KEYS, Number(query.get('max-keys') ?? MOST_KEYS));
    const after = token === null ? '' : Buffer.from(token, 'base64url').toString();
    const page = buckets.list(bucket, query.get('prefix') ?? '', query.get('delimiter') ?? '', after, most);
    const contents = page.items.map(
      ([key, { at, etag, body }]) =>
        `<Contents><Key>${escapeXml(key)}</Key><LastModified>${new Date(Math.floor(at.getTime() / 1000) * 1000).toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${body.length}</Size></Contents>`,
    );
    const folders = page.prefixes.map((name) => `<CommonPrefixes><Prefix>${escapeXml(name)}</Prefix></CommonPrefixes>`);
    const next =
      page.next === null
        ? ''
        : `<NextContinuationToken>${Buffer.from(page.next).toString('base64url')}</NextContinuationToken>`;
    xml(
      response,
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${page.next !== null}</IsTruncated>${next}${contents.join('')}${folders.join('')}</ListBucketResult>`,
    );
  }

  function listUploads(bucket: string, query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? '';
    const found = [...uploads].filter(([, upload]) => upload.bucket === bucket && upload.key.startsWith(prefix));
    const rows = found.map(
      ([id, { key }]) => `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    xml(
      response,
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListMultipartUploadsResult>`,
    );
  }

  return Object.assign(server, { uploads });
}

function removeMany(objects: Map<string, unknown>, body: Buffer, response: ServerResponse): void {
  for (const [, key = ''] of body.toString().matchAll(/<Key>(.*?)<\/Key>/gs)) objects.delete(unescapeXml(key));
  xml(response, '<DeleteResult></DeleteResult>');
}

/** Null where the signature (AWS Signature Version 4) is right; else status and code. */
function checkSignature(
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  { keys, region }: S3ServerOptions,
): [status: number, code: string, message: string] | null {
  const { headers } = request;
  const [, id = '', day = '', signedRegion = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  if (signature === '') return [403, 'AccessDenied', 'Access Denied'];
  const secret = keys[id];
  if (secret === undefined) return [403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist.'];
  if (region !== undefined && region !== signedRegion)
    return [400, 'AuthorizationHeaderMalformed', `The region '${signedRegion}' is wrong; expecting '${region}'`];
  const date = String(headers['x-amz-date']);
  const time = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(Date.now() - time) < SKEW_MILLISECONDS))
    return [403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'];
  const hash = String(headers['x-amz-content-sha256']);
  const canonical = [
    request.method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    hash,
  ].join('\n');
  const scope = `${day}/${signedRegion}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const hmac = (key: Buffer | string, value: string) => createHmac('sha256', key).update(value).digest();
  const wanted = hmac(hmac(hmac(hmac(hmac(`AWS4${secret}`, day), signedRegion), 's3'), 'aws4_request'), text);
  if (!timingSafeEqual(wanted, Buffer.from(signature, 'hex')))
    return [403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match.'];
  if (createHash('sha256').update(body).digest('hex') !== hash)
    return [400, 'XAmzContentSHA256Mismatch', 'The body is not what was signed.'];
  return null;
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

function refuse(response: ServerResponse, status: number, code: string, message: string, bare = false): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': randomUUID() });
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
  response.end(bare ? undefined : text);
}

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    return hex ? String.fromCodePoint(Number.parseInt(hex, 16)) : (named[name] ?? all);
  });
}
