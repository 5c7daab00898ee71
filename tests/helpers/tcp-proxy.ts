import { connect, createServer, type Socket } from 'node:net';

/** A proxy on 127.0.0.1 that a test can make fail. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  /** Connections that were accepted so far. */
  accepted(): number;
  /** Resets every connection once so many more bytes went to the client. */
  cutAfter(bytes: number): void;
  /** From now on what the server sends arrives in pieces of so many bytes. */
  split(bytes: number): void;
  /** From now on nothing is passed on, in either direction; connections stay open. */
  stall(): void;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let left = Number.POSITIVE_INFINITY;
  let stalled = false;
  let pieceBytes = 0;
  const server = createServer((client) => {
    accepted += 1;
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      if (!stalled) upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (stalled) return;
      left -= data.byteLength;
      if (left < 0) {
        client.resetAndDestroy();
        return;
      }
      if (pieceBytes > 0) {
        upstream.pause();
        void writePieces(client, data, pieceBytes).then(() => upstream.resume());
        return;
      }
      if (client.write(data)) return;
      upstream.pause();
      client.once('drain', () => upstream.resume());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return {
    port: address.port,
    accepted: () => accepted,
    cutAfter: (bytes) => {
      left = bytes;
    },
    split: (bytes) => {
      pieceBytes = bytes;
    },
    stall: () => {
      stalled = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Each piece leaves before the next is written. */
async function writePieces(socket: Socket, data: Buffer, size: number): Promise<void> {
  socket.setNoDelay(true);
  for (let at = 0; at < data.byteLength && !socket.destroyed; at += size) {
    await new Promise((resolve) => socket.write(data.subarray(at, at + size), resolve));
  }
}
