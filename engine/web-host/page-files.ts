import { readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * What the page may do, in a browser and on the desktop. Styles alone may be inline: Mantine writes its variables into a style element.
 * Nothing is loaded from elsewhere, nothing is sent anywhere; whatever the page needs goes through the bridge.
 */
const CONTENT_SECURITY_POLICY = [
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

/** Of every answer, whatever it says. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** A file of the built page by its URL path; null for everything else, in any encoding. */
export async function pageFile(folder: string, pathname: string): Promise<{ bytes: Buffer; type: string } | null> {
  let name: string;
  try {
    name = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  if (name.includes('\0') || name.includes('\\')) return null;
  const root = path.resolve(folder);
  const file = path.join(root, name === '/' ? 'index.html' : name);
  if (!file.startsWith(root + path.sep)) return null;
  const bytes = await readFile(file).catch(() => null);
  return bytes && { bytes, type: TYPES[path.extname(file).toLowerCase()] ?? 'application/octet-stream' };
}
