import { createServer, type Socket } from 'node:net';

/** A server on this computer that takes connections and never says a word: what asks it waits until it is stopped. */
export async function silentServer(): Promise<{ port: number; asked: Promise<void> } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const asked = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    asked.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    /** When somebody has come. */
    asked: asked.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
