import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { IngestError } from '../errors.ts';

/** What the browser was sent back with. */
export interface Returned {
  parameters: URLSearchParams;
  /** Answers the browser; the page has no script and loads nothing. */
  answer(words: { title: string; text: string; ok: boolean }): void;
}

/** Waits on this computer for the browser to come back. */
export interface Loopback {
  /** `http://localhost:PORT`, as the authority is told it. */
  redirectUri: string;
  /** The return of the browser with this `state`; whatever else asks is answered and is none. Rejects when the signal ends it. */
  returned(state: string, signal: AbortSignal): Promise<Returned>;
  close(): Promise<void>;
}

/**
 * Listens on the loopback interface only, in both of its families: browsers take either for `localhost`, and a port that another program has in
 * one of them would hand it the code.
 * @param ports tried in their order; null: any that is free
 * @throws IngestError SIGN_IN_PORT_TAKEN
 */
export async function openLoopback(ports: readonly number[] | null): Promise<Loopback> {
  // Any free port of the one family may be taken in the other.
  for (const port of ports ?? [0, 0, 0]) {
    const servers = await listenTwice(port);
    if (servers !== null) return loopback(servers.open, servers.port);
  }
  const [first, last] = [ports?.[0], ports?.at(-1)];
  throw new IngestError(
    'SIGN_IN_PORT_TAKEN',
    ports === null
      ? 'No port of this computer is free to wait for the browser.'
      : `Ports ${first} to ${last} of this computer are taken: the browser could not come back from the sign-in.`,
    { hint: 'Finish or cancel other sign-ins (also of the Databricks CLI), then try again.' },
  );
}

async function listenTwice(port: number): Promise<{ open: Server[]; port: number } | null> {
  const first = createServer();
  if ((await listen(first, { host: '127.0.0.1', port })) !== null) return null;
  const taken = (first.address() as AddressInfo).port;
  const second = createServer();
  const failure = await listen(second, { host: '::1', port: taken, ipv6Only: true });
  if (failure === null) return { open: [first, second], port: taken };
  // A computer without IPv6 has nobody else there, either.
  if (failure !== 'EADDRINUSE' && failure !== 'EACCES') return { open: [first], port: taken };
  await closed(first);
  return null;
}

/** Null where it listens, else the error's code. */
function listen(server: Server, options: ListenOptions): Promise<string | null> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'UNKNOWN'));
    server.listen({ ...options, exclusive: true }, () => resolve(null));
  });
}

function loopback(servers: readonly Server[], port: number): Loopback {
  const hosts = new Set([`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]);
  return {
    redirectUri: `http://localhost:${port}`,
    returned(state, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Returned>();
      const stop = () => reject(signal.reason as Error);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      let came = false;
      for (const server of servers) {
        server.on('request', (request, response) => {
          // Another host's name would be a page elsewhere that rebinds its name to this computer.
          const url = hosts.has(request.headers.host ?? '')
            ? URL.parse(request.url ?? '', `http://localhost:${port}`)
            : null;
          if (request.method !== 'GET' || url?.pathname !== '/' || came) {
            respond(response, 404, { title: 'Nothing here', text: 'You can close this window.' });
            return;
          }
          // A forgotten tab of an earlier sign-in, or somebody else's: the right one may still come.
          if (url.searchParams.get('state') !== state) {
            respond(response, 400, {
              title: 'Not this sign-in',
              text: 'This page belongs to another sign-in. Close it and go on in the newest one.',
            });
            return;
          }
          came = true;
          resolve({
            parameters: url.searchParams,
            answer: ({ ok, ...words }) => respond(response, ok ? 200 : 400, words),
          });
        });
      }
      return promise.finally(() => signal.removeEventListener('abort', stop));
    },
    async close() {
      await Promise.all(servers.map(closed));
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // A page that was answered may still be on its way; a connection that asked nothing is not waited for.
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 1000).unref();
  });
}

function respond(response: ServerResponse, status: number, words: { title: string; text: string }): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(`<!doctype html>
<html lang="en">
<title>${escaped(words.title)} – Ingest Studio</title>
<meta name="color-scheme" content="light dark">
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 32em; margin: 15vh auto; padding: 0 1em">
<h1 style="font-size: 1.25em">${escaped(words.title)}</h1>
<p>${escaped(words.text)}</p>
</html>
`);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
