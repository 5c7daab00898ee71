/**
 * Schemes of the application (`app://bundle/x`). Chromium knows none but its own, so the page sees them as
 * `https://bundle.app.standin/x`, which is a secure origin too; no such host exists.
 */
export type SchemeHandler = (request: Request) => Response | Promise<Response>;

const privileged = new Set<string>();
const handlers = new Map<string, SchemeHandler>();

export function registerPrivileged(scheme: string, privileges: { standard?: boolean; secure?: boolean }): void {
  if (privileges.standard !== true || privileges.secure !== true) {
    throw new Error(`electron stand-in: only standard and secure schemes are modelled (${scheme})`);
  }
  privileged.add(scheme);
}

export function registerHandler(scheme: string, handler: SchemeHandler): void {
  if (!privileged.has(scheme)) throw new Error(`electron stand-in: ${scheme} was not registered as privileged`);
  if (handlers.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`);
  handlers.set(scheme, handler);
}

/** The handler of a URL's scheme. */
export function ownScheme(url: string): SchemeHandler | undefined {
  return handlers.get(URL.parse(url)?.protocol.slice(0, -1) ?? '');
}

/** The address as the page has it. */
export function onPage(url: string): string {
  const parsed = new URL(url);
  const scheme = parsed.protocol.slice(0, -1);
  return handlers.has(scheme)
    ? `https://${parsed.host}.${scheme}.standin${parsed.pathname}${parsed.search}${parsed.hash}`
    : url;
}

/** The address as the application has it. */
export function realUrl(url: string): string {
  const match = /^https:\/\/([^/]*)\.([a-z][a-z\d]*)\.standin(\/.*)?$/.exec(url);
  return match === null ? url : `${match[2]}://${match[1]}${match[3] ?? '/'}`;
}
