import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Agent, interceptors, request } from 'undici';
import { IngestError, isIngestError, messageOf } from '../errors.ts';
import { trustedAuthorities } from './authorities.ts';
import { type FindProxy, openSandbox } from './pac-sandbox.ts';

/** A script is asked for anew after so long, and one that could not be had after so long, in milliseconds. */
const FRESH = 10 * 60_000;
const TRIED = 60_000;
/** An answer for a host holds so long. */
const ANSWERED = 30_000;
/** Longer than this takes no script to arrive, and none is longer, in milliseconds and bytes. */
const PATIENCE = 10_000;
const LONGEST = 1024 * 1024;
/** A proxy that has an alternative must take a connection within so many milliseconds. */
const CONNECT = 5_000;

interface KeptScript {
  find: Promise<FindProxy>;
  until: number;
  /** By origin. */
  answers: Map<string, { proxy: Promise<URL | null>; until: number }>;
}

/** Of the process: a run has many clients, and all of them ask the same script. */
const scripts = new Map<string, KeptScript>();

/** A script's address for people: without what may be secret in it. */
export function scriptName(address: URL): string {
  return address.protocol === 'file:' ? address.pathname : `${address.origin}${address.pathname}`;
}

/**
 * Reads a script where that has not been done of late.
 * @param address http, https or file
 * @throws IngestError PROXY_SCRIPT_UNUSABLE, DRIVER_MISSING
 */
export async function readScript(address: URL): Promise<void> {
  await kept(address).find;
}

/**
 * The proxy that a script chooses for an origin, null for none. Of several the first that takes a connection.
 * @throws IngestError PROXY_SCRIPT_UNUSABLE, PROXY_UNUSABLE where only SOCKS is offered, DRIVER_MISSING
 */
export function proxyByScript(address: URL, url: URL): Promise<URL | null> {
  const { find, answers } = kept(address);
  const known = answers.get(url.origin);
  if (known !== undefined && Date.now() < known.until) return known.proxy;
  const proxy = find.then(async (ask) => {
    const answer = await ask(url).catch((error: unknown) => {
      throw unusable(address, `for ${url.hostname}: ${messageOf(error)}`, error);
    });
    return await firstThatAnswers(routesOf(answer, address, url));
  });
  answers.set(url.origin, { proxy, until: Date.now() + ANSWERED });
  return proxy;
}

function kept(address: URL): KeptScript {
  const before = scripts.get(address.href);
  if (before !== undefined && Date.now() < before.until) return before;
  const find = load(address).catch(async (error: unknown) => {
    made.until = Date.now() + TRIED;
    // A script that was good a while ago is better than none.
    return await (before?.find ?? Promise.reject(error)).catch(() => Promise.reject(error));
  });
  const made: KeptScript = { find, until: Date.now() + FRESH, answers: new Map() };
  scripts.set(address.href, made);
  return made;
}

async function load(address: URL): Promise<FindProxy> {
  try {
    return await openSandbox(await textOf(address));
  } catch (error) {
    if (isIngestError(error)) throw error;
    throw unusable(address, messageOf(error), error);
  }
}

async function textOf(address: URL): Promise<string> {
  if (address.protocol === 'file:') {
    const file = fileURLToPath(address);
    if ((await stat(file)).size > LONGEST) throw new Error(TOO_LONG);
    return decoded(await readFile(file));
  }
  const agent = new Agent({
    connect: {
      timeout: PATIENCE,
      ...(address.protocol === 'https:' ? { secureContext: createSecureContext({ ca: trustedAuthorities([]) }) } : {}),
    },
  });
  const signal = AbortSignal.timeout(PATIENCE);
  try {
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 5 }));
    const { statusCode, body } = await request(address, { dispatcher, signal });
    if (statusCode !== 200) throw new Error(`the server answered with status ${statusCode}`);
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > LONGEST) throw new Error(TOO_LONG);
      parts.push(part);
    }
    return decoded(Buffer.concat(parts));
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${PATIENCE / 1000} s`);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(code ?? message, { cause: error });
  } finally {
    await agent.destroy();
  }
}

const TOO_LONG = `it is longer than ${LONGEST / 1024} KiB`;

/** UTF-8, else every byte a character: what is not ASCII in such a script stands in its comments. */
function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/** What `PROXY a:8080; HTTPS b:443; DIRECT` offers, in its order. */
function routesOf(answer: string, address: URL, url: URL): (URL | null)[] {
  const offers = answer.split(';').flatMap((text) => {
    const [kind = '', place = ''] = text.trim().split(/\s+/);
    return kind === '' ? [] : [{ kind: kind.toUpperCase(), place }];
  });
  if (offers.length === 0) return [null];
  const routes = offers.flatMap(({ kind, place }) => {
    if (kind === 'DIRECT') return [null];
    if (kind !== 'PROXY' && kind !== 'HTTP' && kind !== 'HTTPS') return [];
    const text = `${kind === 'HTTPS' ? 'https' : 'http'}://${place}`;
    if (!URL.canParse(text)) return [];
    const { protocol, host } = new URL(text);
    return [new URL(`${protocol}//${host}`)];
  });
  if (routes.length > 0) return routes;
  const chosen = `The proxy script ${scriptName(address)} sends ${url.hostname}`;
  if (!offers.some(({ kind }) => kind.startsWith('SOCKS')))
    throw unusable(address, `for ${url.hostname} it answers with no proxy: ${answer.slice(0, 100)}`);
  throw new IngestError('PROXY_UNUSABLE', `${chosen} through a SOCKS proxy, which this program does not speak.`, {
    hint: 'Ask for an http proxy to that host, and name it: proxy of the connection, HTTPS_PROXY, or Proxy in Settings.',
  });
}

async function firstThatAnswers(routes: readonly (URL | null)[]): Promise<URL | null> {
  const [first = null] = routes;
  if (routes.length === 1) return first;
  for (const route of routes) if (route === null || (await takesConnections(route))) return route;
  return first;
}

async function takesConnections(proxy: URL): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const port = Number(proxy.port || (proxy.protocol === 'https:' ? 443 : 80));
  const socket = connect({ host: proxy.hostname.replace(/^\[|\]$/g, ''), port, timeout: CONNECT });
  socket.once('connect', () => resolve(true));
  socket.once('timeout', () => resolve(false));
  socket.once('error', () => resolve(false));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

function unusable(address: URL, why: string, cause?: unknown): IngestError {
  return new IngestError('PROXY_SCRIPT_UNUSABLE', `The proxy script ${scriptName(address)} cannot be used: ${why}.`, {
    hint: 'Open its address in a browser of this computer and show it to your network team. Until then name the proxy itself: proxy of the connection, HTTPS_PROXY, or Proxy in Settings.',
    ...(cause === undefined ? {} : { cause }),
  });
}
