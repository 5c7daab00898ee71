import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptServer {
  /** Keeps a script (or a status, or silence for null) and gives its address. */
  add(script: string | number | null): string;
  /** Changes one that is there. */
  change(address: string, script: string | number): void;
  /** Paths that were asked for, in order. */
  asked: string[];
  close(): void;
}

/** Serves scripts that choose proxies (PAC). */
export async function startScriptServer(): Promise<ScriptServer> {
  const scripts: (string | number | null)[] = [];
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    const script = scripts[Number(/\d+/.exec(request.url ?? '')?.[0])];
    if (typeof script === 'number') response.writeHead(script).end();
    else if (script !== null) response.setHeader('content-type', 'application/x-ns-proxy-autoconfig').end(script);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    add: (script) => `${origin}/${scripts.push(script) - 1}.pac`,
    change(address, script) {
      scripts[Number(/\d+(?=\.pac)/.exec(address)?.[0])] = script;
    },
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A script that answers the same for all hosts. */
export function scriptFor(answer: string): string {
  return `function FindProxyForURL(url, host) { return ${JSON.stringify(answer)}; }`;
}
