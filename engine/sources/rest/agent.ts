import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { IngestError, messageOf } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';

/** How a connection reaches its API. */
export interface Transport {
  dispatcher: Dispatcher;
  /** Whom TLS trusts. */
  secureContext: SecureContext | undefined;
  /** The proxy for an address; null where it is reached directly. */
  proxyFor(url: URL): URL | null;
  close(): Promise<void>;
}

/** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up. */
export type Environment = Record<string, string | undefined>;

/**
 * The connections of one source: through the connection's own proxy or the one that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY in any case,
 * as other programs read them), trusting the system's authorities and those of `ca_file`.
 * @param resolvePath makes a path of the project's folder absolute
 * @throws IngestError API_CA_FILE, API_PROXY
 */
export async function openTransport(
  connection: Pick<ApiConnection, 'base_url' | 'timeout' | 'proxy' | 'ca_file' | 'auth'>,
  environment: Environment,
  resolvePath: (path: string) => string,
): Promise<Transport> {
  const authorities = connection.ca_file === undefined ? [] : await readAuthorities(resolvePath(connection.ca_file));
  const secure = [connection.base_url, connection.auth.token_url ?? ''].some((url) => /^https:/i.test(url.trim()));
  const secureContext = secure || authorities.length > 0 ? trusting(authorities) : undefined;
  const proxies = proxiesOf(connection.proxy, environment);
  const tls = secureContext ? { secureContext } : {};
  const options = {
    connect: { timeout: connection.timeout * 1000, ...tls },
    keepAliveTimeout: 10_000,
    connections: 20,
  };
  const dispatcher =
    proxies.http === null && proxies.https === null
      ? new Agent(options)
      : new EnvHttpProxyAgent({
          ...options,
          requestTls: tls,
          proxyTls: tls,
          httpProxy: proxies.http ?? '',
          httpsProxy: proxies.https ?? '',
          noProxy: proxies.except,
        });
  return {
    dispatcher,
    secureContext,
    proxyFor(url) {
      const address = url.protocol === 'https:' ? proxies.https : proxies.http;
      return address === null || isExcepted(url, proxies.except) ? null : new URL(address);
    },
    close: () => dispatcher.destroy(),
  };
}

interface Proxies {
  http: string | null;
  https: string | null;
  except: string;
}

function proxiesOf(configured: string | undefined, environment: Environment): Proxies {
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
  throw new IngestError('API_PROXY', `The ${where} is no http or https address.`, {
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

/** The bundled authorities, NODE_EXTRA_CA_CERTS, the system's own store and some more. */
function trusting(more: readonly string[]): SecureContext {
  return createSecureContext({
    ca: [...new Set([...getCACertificates('default'), ...systemAuthorities(), ...more])],
  });
}

function systemAuthorities(): readonly string[] {
  try {
    return getCACertificates('system');
  } catch {
    // A store that cannot be read is no reason to fail where the bundled authorities may do.
    return [];
  }
}

async function readAuthorities(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new IngestError('API_CA_FILE', `ca_file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      hint: "Give the path from the project's folder, or an absolute one.",
      cause: error,
    });
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  for (const certificate of found ?? []) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw new IngestError('API_CA_FILE', `ca_file ${file} holds a damaged certificate: ${messageOf(error)}.`, {
        hint: 'Export the authority again as "Base-64 encoded X.509".',
        cause: error,
      });
    }
  }
  if (found) return found;
  throw new IngestError('API_CA_FILE', `ca_file ${file} holds no certificate in PEM form.`, {
    hint: 'Export the authority as "Base-64 encoded X.509"; it begins with -----BEGIN CERTIFICATE-----.',
  });
}
