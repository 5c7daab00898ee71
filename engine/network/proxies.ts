import { IngestError, isIngestError } from '../errors.ts';
import type { Environment } from './environment.ts';
import { proxyByScript, readScript, scriptName } from './pac-script.ts';
import { hasSystemProxy, isBypassed, type SystemProxy, systemProxy } from './system-proxy.ts';

/** How an address is reached. */
export interface Choice {
  /** Null: directly. */
  proxy: URL | null;
  /** Who chose it, for people; null where it was named outright. */
  by: string | null;
  /** The system's script that could not be used: that it is directly is a guess. */
  unread: IngestError | null;
}

/** Proxies that do not depend on a script, null for none; `except` is NO_PROXY's list. */
export interface NamedProxies {
  http: string | null;
  https: string | null;
  except: string;
}

/** How one client reaches the world. */
export interface Proxies {
  /** What {@link choose} would say, without a wait; null where a script or the system is asked. */
  named: NamedProxies | null;
  /** @throws IngestError PROXY_SCRIPT_UNUSABLE, PROXY_UNUSABLE */
  choose(url: URL): Promise<Choice>;
  /** Reads a script that was named outright, so that a wrong one is told before anything is done. @throws IngestError PROXY_SCRIPT_UNUSABLE */
  prepare(): Promise<void>;
}

const DIRECT: Choice = { proxy: null, by: null, unread: null };

/**
 * The proxies of a connection: its own setting (`direct` for none, `pac+http://…` for a script that chooses), else INGEST_PROXY_SCRIPT, else HTTPS_PROXY, HTTP_PROXY
 * and ALL_PROXY in any case, else the system's (INGEST_SYSTEM_PROXY=off leaves them out). NO_PROXY holds for all but the connection's own.
 * @param system null where the system has no proxies but the environment's
 * @throws IngestError PROXY_UNUSABLE
 */
export function proxiesOf(
  configured: string | undefined,
  environment: Environment,
  system: (() => Promise<SystemProxy>) | null = hasSystemProxy(process.platform) ? systemProxy : null,
): Proxies {
  const own = configured?.trim() ?? '';
  if (own.toLowerCase() === 'direct') return named({ http: null, https: null, except: '' });
  if (isScript(own)) return scripted(scriptAddress(own, 'proxy of the connection'), '');
  if (own !== '') {
    const address = proxyAddress(own, 'proxy of the connection');
    return named({ http: address, https: address, except: '' });
  }
  const value = (name: string) => environment[name.toLowerCase()] || environment[name.toUpperCase()] || null;
  const except = value('no_proxy') ?? '';
  const script = value('ingest_proxy_script');
  if (script !== null) return scripted(scriptAddress(script, 'INGEST_PROXY_SCRIPT'), except);
  const all = value('all_proxy');
  const http = value('http_proxy') ?? (all !== null && /^https?:/i.test(all) ? all : null);
  const https = value('https_proxy') ?? http;
  const isSystemOff = value('ingest_system_proxy')?.toLowerCase() === 'off';
  if (http === null && https === null && system !== null && !isSystemOff) return ofSystem(system, except);
  return named({
    http: http === null ? null : proxyAddress(http, 'HTTP_PROXY'),
    https: https === null ? null : proxyAddress(https, 'HTTPS_PROXY'),
    except,
  });
}

function named(proxies: NamedProxies): Proxies {
  return {
    named: proxies,
    async choose(url) {
      const address = url.protocol === 'https:' ? proxies.https : proxies.http;
      return address === null || isExcepted(url, proxies.except) ? DIRECT : { ...DIRECT, proxy: new URL(address) };
    },
    prepare: async () => undefined,
  };
}

function scripted(script: URL, except: string): Proxies {
  return {
    named: null,
    choose: async (url) => (isExcepted(url, except) ? DIRECT : await byScript(script, url)),
    prepare: () => readScript(script),
  };
}

function ofSystem(read: () => Promise<SystemProxy>, except: string): Proxies {
  return {
    named: null,
    async choose(url) {
      if (isExcepted(url, except)) return DIRECT;
      const { script, http, https, bypass } = await read();
      let unread: IngestError | null = null;
      if (script !== null && !isBypassed(url, [])) {
        try {
          return await byScript(script, url);
        } catch (error) {
          if (!isIngestError(error) || error.code !== 'PROXY_SCRIPT_UNUSABLE') throw error;
          unread = error;
        }
      }
      const address = url.protocol === 'https:' ? https : http;
      if (address === null || isBypassed(url, bypass)) return { ...DIRECT, unread };
      return { proxy: new URL(address), by: "the system's settings", unread: null };
    },
    prepare: async () => undefined,
  };
}

async function byScript(script: URL, url: URL): Promise<Choice> {
  return { proxy: await proxyByScript(script, url), by: scriptName(script), unread: null };
}

/** What is said where an address could not be reached without a proxy, and the system's script might have named one. */
export function guessFailed(unread: IngestError, host: string, error: unknown): IngestError {
  const { code = 'no connection' } = error as NodeJS.ErrnoException;
  return new IngestError(
    unread.code,
    `${host} cannot be reached directly (${code}), and the system would choose a proxy by a script: ${unread.message}`,
    { ...(unread.hint === undefined ? {} : { hint: unread.hint }), retryable: true, cause: error },
  );
}

/** The proxy's own error behind what a vendor's client made of it: clients keep its code and its words. Null for any other. */
export function proxyErrorOf(code: string, message: string): IngestError | null {
  const hint = 'Name the proxy itself: proxy of the connection, HTTPS_PROXY, or Proxy in Settings.';
  return /^PROXY_[A-Z]/.test(code) ? new IngestError(code, message, { hint }) : null;
}

/** "chosen by …" in brackets, where somebody else than the user chose. */
export function chosenBy({ by }: Pick<Choice, 'by'>): string {
  return by === null ? '' : ` (chosen by ${by})`;
}

/** Whether a setting stands for a script that chooses proxies. */
export function isScript(text: string): boolean {
  return /^pac\+/i.test(text);
}

/**
 * The address of a script; `pac+` before it may be left out where nothing else is meant.
 * @throws IngestError PROXY_UNUSABLE
 */
export function scriptAddress(text: string, where: string): URL {
  const url = URL.parse(text.trim().replace(/^pac\+/i, ''));
  if (url !== null && /^(?:https?|file):$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw new IngestError('PROXY_UNUSABLE', `The ${where} names no script that can be read.`, {
    hint: 'Write it like pac+http://proxy.example.com/proxy.pac or pac+file:///C:/proxy.pac, without user and password.',
  });
}

function proxyAddress(text: string, where: string): string {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new IngestError('PROXY_UNUSABLE', `The ${where} is no http or https address.`, {
    hint: 'Write it like http://proxy.example.com:8080, or "direct" for none.',
  });
}

/** NO_PROXY's rule as curl and undici have it: `*`, a host with or without port, or the end of one. */
function isExcepted(url: URL, except: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = url.hostname.toLowerCase();
  return except
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', wantedPort] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
      if (wantedPort !== undefined && wantedPort !== port) return false;
      const bare = name.replace(/^\*?\./, '');
      return host === bare || host.endsWith(`.${bare}`);
    });
}
