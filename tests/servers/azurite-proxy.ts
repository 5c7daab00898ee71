import { request as send } from 'node:http';
import { type ObjectServer, serveObjects } from './object-server.ts';

/** Stands before Azurite, so that it can be made to fail. `url` is the account's, as Azurite's own. */
export async function startAzuriteProxy(accountUrl: string): Promise<ObjectServer> {
  const { port, pathname } = new URL(accountUrl);
  const server = await serveObjects(
    async (request, url, body, response) => {
      const headers = { ...request.headers, host: `127.0.0.1:${port}` };
      const path = url.pathname + url.search;
      const upstream = send({ host: '127.0.0.1', port, method: request.method, path, headers });
      upstream.end(body);
      const answer = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
        upstream.once('response', resolve).once('error', reject);
      });
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      response.end(request.method === 'HEAD' ? undefined : Buffer.concat(chunks));
    },
    (response, { status = 503, code = 'ServerBusy', headers }) => {
      response.writeHead(status, { ...headers, 'x-ms-error-code': code, 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    },
  );
  server.url += pathname;
  return server;
}
