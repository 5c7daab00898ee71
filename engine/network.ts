import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { resolve } from 'node:path';
import { getCACertificates } from 'node:tls';
import { IngestError, messageOf } from './errors.ts';

/** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Addresses of proxies, null for none; `except` is NO_PROXY's list. */
export interface Proxies {
  http: string | null;
  https: string | null;
  except: string;
}

/**
 * The proxies of a connection: its own setting (`direct` for none), else HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in any case.
 * @throws IngestError PROXY_UNUSABLE
 */
export function proxiesOf(configured: string | undefined, environment: Environment): Proxies {
  const own = configured?.trim();
  if (own !== undefined && own.toLowerCase() === 'direct') return { http: null, https: null, except: '' };
  if (own !== undefined && own !== '') {
    const address = proxyAddress(own, 'proxy of the connection');
    return { http: address, https: address, except: '' };
  }
  const value = (name: string) => environment[name.toLowerCase()] || environment[name.toUpperCase()] || null;
  const all = value('all_proxy');
  const http = value('http_proxy') ?? (all !== null && /^https?:/i.test(all) ? all : null);
  const https = value('https_proxy') ?? http;
  return {
    http: http === null ? null : proxyAddress(http, 'HTTP_PROXY'),
    https: https === null ? null : proxyAddress(https, 'HTTPS_PROXY'),
    except: value('no_proxy') ?? '',
  };
}

function proxyAddress(text: string, where: string): string {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new IngestError('PROXY_UNUSABLE', `The ${where} is no http or https address.`, {
    hint: 'Write it like http://proxy.example.com:8080, or "direct" for none.',
  });
}

/** The proxy that an address is reached through; null where it is reached directly. */
export function proxyFor(proxies: Proxies, url: URL): URL | null {
  const address = url.protocol === 'https:' ? proxies.https : proxies.http;
  return address === null || isExcepted(url, proxies.except) ? null : new URL(address);
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

/** The bundled authorities, NODE_EXTRA_CA_CERTS, the system's own store and some more, as PEM. */
export function trustedAuthorities(more: readonly string[]): string[] {
  return [...new Set([...getCACertificates('default'), ...systemAuthorities(), ...more])];
}

function systemAuthorities(): readonly string[] {
  try {
    return getCACertificates('system');
  } catch {
    // A store that cannot be read is no reason to fail where the bundled authorities may do.
    return [];
  }
}

/**
 * The certificates of a PEM file.
 * @param file absolute
 * @throws IngestError CA_FILE_UNUSABLE
 */
export async function readAuthorities(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new IngestError(
      'CA_FILE_UNUSABLE',
      `ca_file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      {
        hint: "Give the path from the project's folder, or an absolute one.",
        cause: error,
      },
    );
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  for (const certificate of found ?? []) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw new IngestError('CA_FILE_UNUSABLE', `ca_file ${file} holds a damaged certificate: ${messageOf(error)}.`, {
        hint: 'Export the authority again as "Base-64 encoded X.509".',
        cause: error,
      });
    }
  }
  if (found) return found;
  throw new IngestError('CA_FILE_UNUSABLE', `ca_file ${file} holds no certificate in PEM form.`, {
    hint: 'Export the authority as "Base-64 encoded X.509"; it begins with -----BEGIN CERTIFICATE-----.',
  });
}

/** Connections of one client. */
export interface Agents {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
  close(): void;
}

/**
 * Agents for clients that take some: through the client's own proxy or the environment's, trusting the system's authorities and those of `ca_file`.
 * @param silence milliseconds without an answer and without bytes that end a call
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE
 */
export async function openAgents(
  own: { proxy?: string | undefined; ca_file?: string | undefined },
  options: { baseDirectory: string; environment: Environment; silence: number },
): Promise<Agents> {
  const proxies = proxiesOf(own.proxy, options.environment);
  const more = own.ca_file === undefined ? [] : await readAuthorities(resolve(options.baseDirectory, own.ca_file));
  const proxyEnv = {
    ...(proxies.http === null ? {} : { HTTP_PROXY: proxies.http }),
    ...(proxies.https === null ? {} : { HTTPS_PROXY: proxies.https }),
    NO_PROXY: proxies.except,
  };
  const shared = { keepAlive: true, timeout: options.silence, proxyEnv };
  const httpAgent = new HttpAgent(shared);
  const httpsAgent = new HttpsAgent({ ...shared, ca: trustedAuthorities(more) });
  return {
    httpAgent,
    httpsAgent,
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}
