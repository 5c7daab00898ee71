import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A secret as the service holds it, by its name in lower case. */
export interface VaultEntry {
  value: string;
  /** Older or newer ones by their version. */
  versions?: Record<string, string>;
  /** Milliseconds since 1970. */
  expires?: number;
  notBefore?: number;
  disabled?: boolean;
  /** Code of the service's refusal, e.g. `ForbiddenByRbac`. */
  refused?: string;
  /** Answers 429 so many times first; `Retry-After` in milliseconds. */
  throttled?: { times: number; afterMs: number };
}

/** Azure Key Vault as far as secrets are read: the sign-in challenge, versions, paging, and the refusals of the REST API 7.x. */
export interface KeyVaultServer {
  url: string;
  port: number;
  secrets: Map<string, VaultEntry>;
  /** Names that were asked for with a token, in order; `(list)` for the list. */
  asked: string[];
  /** Tokens that came. */
  tokens: Set<string>;
  /** Refuse everything so, e.g. `ForbiddenByFirewall`. */
  refuseAll: string | null;
  /** Never answer. */
  silent: boolean;
  /** The most requests that were under way at once. */
  mostAtOnce: number;
  close(): Promise<void>;
}

const VERSION = '0123456789abcdef0123456789abcdef';

/**
 * @param accepts is the token good?
 * @param authority where the challenge says that tokens come from, tenant included
 */
export async function startKeyVault(options: {
  certificate: { certificate: string; key: string };
  accepts(token: string): boolean;
  authority: string;
}): Promise<KeyVaultServer> {
  const vault: Omit<KeyVaultServer, 'url' | 'port' | 'close'> = {
    secrets: new Map(),
    asked: [],
    tokens: new Set(),
    refuseAll: null,
    silent: false,
    mostAtOnce: 0,
  };
  let now = 0;
  const server: Server = createServer(
    { cert: options.certificate.certificate, key: options.certificate.key },
    (request, response) => {
      const send = (status: number, body: object, headers: Record<string, string> = {}) => {
        // Later, so that requests under way at once can be counted.
        setTimeout(() => {
          now -= 1;
          response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
        }, 5);
      };
      const refuse = (code: string, message: string) =>
        send(403, { error: { code: 'Forbidden', message, innererror: { code } } });
      now += 1;
      vault.mostAtOnce = Math.max(vault.mostAtOnce, now);
      if (vault.silent) return;
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      if (token === undefined || !options.accepts(token)) {
        const challenge = `Bearer authorization="${options.authority}", resource="https://vault.azure.net"`;
        send(401, { error: { code: 'Unauthorized', message: 'AKV10000' } }, { 'www-authenticate': challenge });
        return;
      }
      vault.tokens.add(token);
      const { pathname } = new URL(request.url ?? '', 'https://vault');
      const [, collection, name = '', version = ''] = pathname.toLowerCase().split('/');
      vault.asked.push(name === '' ? '(list)' : version === '' ? name : `${name}/${version}`);
      if (vault.refuseAll !== null) return refuse(vault.refuseAll, 'Client address is not authorized.');
      const base = `https://localhost:${(server.address() as AddressInfo).port}/secrets`;
      if (collection === 'secrets' && name === '') {
        const value = [...vault.secrets.keys()].map((key) => ({ id: `${base}/${key}`, attributes: { enabled: true } }));
        return send(200, { value, nextLink: null });
      }
      const entry = vault.secrets.get(name);
      const value = version === '' ? entry?.value : entry?.versions?.[version];
      if (collection !== 'secrets' || entry === undefined || value === undefined) {
        const message = `A secret with (name/id) ${name} was not found in this key vault.`;
        return send(404, { error: { code: 'SecretNotFound', message } });
      }
      if (entry.throttled !== undefined && entry.throttled.times > 0) {
        entry.throttled.times -= 1;
        const wait = { 'retry-after-ms': String(entry.throttled.afterMs) };
        return send(429, { error: { code: 'Throttled', message: 'Too many requests' } }, wait);
      }
      if (entry.disabled) return refuse('SecretDisabled', 'Operation get is not allowed on a disabled secret.');
      if (entry.refused !== undefined) return refuse(entry.refused, 'Caller is not authorized to perform action.');
      const attributes = {
        enabled: true,
        created: 1_700_000_000,
        updated: 1_700_000_000,
        ...(entry.expires === undefined ? {} : { exp: Math.floor(entry.expires / 1000) }),
        ...(entry.notBefore === undefined ? {} : { nbf: Math.floor(entry.notBefore / 1000) }),
      };
      send(200, { value, id: `${base}/${name}/${version || VERSION}`, attributes });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(vault, {
    url: `https://localhost:${port}`,
    port,
    close() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
