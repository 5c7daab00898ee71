import { pageFile, SECURITY_HEADERS } from '../engine/web-host/page-files.ts';

export const APP_SCHEME = 'app';
export const APP_ORIGIN = 'app://bundle';

/** Answers a request for `app://bundle/…` with a file of the built page, and with 404 for everything else. */
export async function answerFromFolder(
  folder: string,
  { url, method }: Pick<Request, 'url' | 'method'>,
): Promise<Response> {
  const file = method === 'GET' && isAppPage(url) ? await pageFile(folder, new URL(url).pathname) : null;
  if (file === null) {
    return new Response('not found', { status: 404, headers: { ...SECURITY_HEADERS, 'content-type': 'text/plain' } });
  }
  return new Response(new Uint8Array(file.bytes), { headers: { ...SECURITY_HEADERS, 'content-type': file.type } });
}

/** True for a page of the application itself. */
export function isAppPage(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && `${parsed.protocol}//${parsed.host}` === APP_ORIGIN;
}
