import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An API whose first page comes at once and whose second never does; `/broken` is not there. */
export async function startSlowApi(): Promise<{ url: string; waiting: Promise<void> } & AsyncDisposable> {
  const asked = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const page = new URL(request.url ?? '/', 'http://localhost').searchParams.get('page');
    if (page !== null && Number(page) > 1) {
      asked.resolve();
      return;
    }
    if (request.url?.startsWith('/broken') === true) {
      response.statusCode = 404;
      response.end('{"error": "no such thing"}');
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([{ id: 1 }, { id: 2 }]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting: asked.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
