import { createServer, type Socket } from 'node:net';

export interface SilentServer extends AsyncDisposable {
  port: number;
  /** When somebody has come. */
  asked: Promise<void>;
  /** Connections that are open. */
  connections(): number;
}

/** A server on this computer that takes connections and never says a word: what asks it waits until it is stopped. */
export async function silentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const asked = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    // Who does not read does not hear that the other side has hung up.
    socket.resume();
    asked.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    asked: asked.promise,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
