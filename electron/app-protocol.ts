import { readFile } from 'node:fs/promises';
import path from 'node:path';

export const APP_SCHEME = 'app';
export const APP_ORIGIN = 'app://bundle';

/**
 * What the page may do. Styles alone may be inline: Mantine writes its variables into a style element.
 * Nothing is loaded from elsewhere, nothing is sent anywhere; whatever the page needs goes through the bridge.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** Answers a request for `app://bundle/…` with a file of the built page, and with 404 for everything else. */
export async function answerFromFolder(folder: string, request: Pick<Request, 'url' | 'method'>): Promise<Response> {
  const file = fileOf(folder, request);
  const bytes = file === null ? null : await readFile(file).catch(() => null);
  const headers = {
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };
  if (file === null || bytes === null) {
    return new Response('not found', { status: 404, headers: { ...headers, 'content-type': 'text/plain' } });
  }
  const type = TYPES[path.extname(file).toLowerCase()] ?? 'application/octet-stream';
  return new Response(bytes, { headers: { ...headers, 'content-type': type } });
}

/** Null for what is not a file below the folder: other hosts, other methods, paths that climb out, in any encoding. */
function fileOf(folder: string, { url, method }: Pick<Request, 'url' | 'method'>): string | null {
  if (method !== 'GET' || !isAppPage(url)) return null;
  let name: string;
  try {
    name = decodeURIComponent(new URL(url).pathname);
  } catch {
    return null;
  }
  if (name.includes('\0')) return null;
  const root = path.resolve(folder);
  const file = path.join(root, name === '/' ? 'index.html' : name);
  return file.startsWith(root + path.sep) ? file : null;
}

/** True for a page of the application itself. */
export function isAppPage(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && `${parsed.protocol}//${parsed.host}` === APP_ORIGIN;
}
