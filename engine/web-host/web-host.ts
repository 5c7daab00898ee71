import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { EngineService } from '../service/engine-service.ts';
import type { Emit } from '../service/service-context.ts';
import { pageFile, SECURITY_HEADERS } from './page-files.ts';
import { type FromPage, SOCKET_PATH, type ToPage } from './socket-messages.ts';

export interface WebHostOptions {
  /** The built page. */
  pageFolder: string;
  /** 0 takes a free one. */
  port: number;
  /** Makes the engine's service; `emit` reaches every page. */
  createService(emit: Emit): EngineService;
}

export interface WebHost {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** Address with a one-time token: whoever opens it first is signed in. */
  url: string;
  /** A fresh address of the same kind, for another browser. */
  newUrl(): string;
  close(): Promise<void>;
}

/** Goes on to the page by itself, which then comes from our own site. */
const SIGNED_IN =
  '<!doctype html><html lang="en"><title>Ingest Studio</title><link rel="icon" href="data:,"><meta http-equiv="refresh" content="0; url=/"><a href="/">Ingest Studio</a></html>';

/** One message of a page may be so large, in bytes. */
const LARGEST_MESSAGE = 96 * 2 ** 20;

/** A page that does not read its events is cut off before they fill the memory, in bytes. */
const MOST_UNSENT = 64 * 2 ** 20;

/**
 * Serves the page and the engine to a browser on this computer, and to nobody else: it listens on 127.0.0.1 only; a request must name that host
 * (else a foreign site could reach it through its own name) and carry a cookie that only a one-time token gives; a socket must come from our own page.
 */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const pages = new Map<WebSocket, string>();
  const service = options.createService((name, data) => {
    const text = encode({ event: name, data });
    for (const page of pages.keys()) {
      if (page.bufferedAmount > MOST_UNSENT) page.terminate();
      else page.send(text);
    }
  });
  const tokens = new Set<string>();
  const sessions = new Set<string>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE });
  let origin = '';
  let cookieName = '';
  let lastPage = 0;

  const isOurHost = (request: IncomingMessage) => `http://${request.headers.host}` === origin;
  const isSignedIn = (request: IncomingMessage) => {
    const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    const given = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
    return given !== undefined && holds(sessions, given);
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, text: string, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, {
          ...SECURITY_HEADERS,
          'content-type': 'text/plain; charset=utf-8',
          'cache-control': 'no-store',
          ...headers,
        })
        .end(request.method === 'HEAD' ? '' : text);
    if (!isOurHost(request)) return void say(421, 'This address is served to this computer only.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return void say(405, 'GET only.', { allow: 'GET, HEAD' });
    const url = URL.parse(request.url ?? '/', origin);
    if (url === null || url.origin !== origin) return void say(400, 'This is no address.');
    const token = url.searchParams.get('token');
    if (token !== null) {
      // Once: an address that stays behind in a history or a log opens nothing.
      if (!take(tokens, token))
        return void say(403, 'This link was used already. Run `ingest ui` again for a new one.');
      const session = randomBytes(32).toString('base64url');
      sessions.add(digest(session));
      const cookie = `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`;
      // Not a redirect: a browser that came from another place (a file, a mail) would follow it without the strict cookie.
      return void say(200, SIGNED_IN, { 'set-cookie': cookie, 'content-type': 'text/html; charset=utf-8' });
    }
    if (!isSignedIn(request)) return void say(403, 'Open Ingest Studio through the link that `ingest ui` prints.');
    const file = await pageFile(options.pageFolder, url.pathname);
    if (file === null) return void say(404, 'Not found.');
    // Their names carry their content. Not compressed: over this computer's own wire, unpacking would take longer than it saves.
    const caching = url.pathname.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache';
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': file.type, 'cache-control': caching });
    response.end(request.method === 'HEAD' ? '' : file.bytes);
  }

  function connect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const allowed = isOurHost(request) && request.headers.origin === origin && isSignedIn(request);
    if (!allowed || request.url !== SOCKET_PATH) {
      socket.end(
        `HTTP/1.1 ${allowed ? '404 Not Found' : '403 Forbidden'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      return;
    }
    sockets.handleUpgrade(request, socket, head, (page) => {
      lastPage += 1;
      const client = `page ${lastPage}`;
      pages.set(page, client);
      page.on('error', () => undefined);
      page.on('message', (data, isBinary) => void hear(page, client, isBinary ? null : decode(data)));
      page.once('close', () => {
        pages.delete(page);
        void service.closeClient(client);
      });
    });
  }

  async function hear(page: WebSocket, client: string, message: FromPage | null): Promise<void> {
    if (message === null) {
      // Our own page never sends such a thing.
      page.close(1003, 'not a message of this application');
      return;
    }
    if ('cancel' in message) return service.cancel(message.cancel, client);
    const reply = await service.dispatch(message.id, message.name, message.input, client);
    if (page.readyState === page.OPEN) page.send(encode({ id: message.id, reply }));
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.on('upgrade', connect);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  origin = `http://127.0.0.1:${port}`;
  // Cookies know no ports: two hosts on one computer would else sign each other out.
  cookieName = `ingest-${port}`;
  const newUrl = () => {
    const token = randomBytes(32).toString('base64url');
    tokens.add(digest(token));
    return `${origin}/?token=${token}`;
  };
  return {
    origin,
    url: newUrl(),
    newUrl,
    async close() {
      for (const page of pages.keys()) page.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await service.close();
    },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compared by digests of one length, in constant time. */
function holds(known: ReadonlySet<string>, text: string): boolean {
  const wanted = Buffer.from(digest(text));
  let found = false;
  for (const one of known) if (timingSafeEqual(Buffer.from(one), wanted)) found = true;
  return found;
}

function take(known: Set<string>, text: string): boolean {
  return holds(known, text) && known.delete(digest(text));
}

function encode(message: ToPage): string {
  return JSON.stringify(message, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function decode(data: RawData): FromPage | null {
  try {
    const message: unknown = JSON.parse(String(data));
    return typeof message === 'object' && message !== null && ('cancel' in message || 'id' in message)
      ? (message as FromPage)
      : null;
  } catch {
    return null;
  }
}
