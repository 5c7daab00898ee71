import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface TestProxy {
  url: string;
  /** Hosts that were asked for, in order. */
  tunnels: string[];
  /** The proxy-authorization of each. */
  authorizations: (string | undefined)[];
  close(): void;
}

/** A proxy that forwards http and tunnels https; `refuse` answers 407. */
export async function startProxy(refuse = false): Promise<TestProxy> {
  const tunnels: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    const target = new URL(request.url ?? '');
    tunnels.push(target.host);
    authorizations.push(request.headers['proxy-authorization']);
    if (refuse) {
      response.writeHead(407).end();
      return;
    }
    http.get(target, { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
  });
  server.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    authorizations.push(request.headers['proxy-authorization']);
    if (refuse) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    authorizations,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
