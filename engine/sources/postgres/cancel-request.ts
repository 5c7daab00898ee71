import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { openSocket } from '../../connection-stages.ts';
import type { PostgresConnection } from '../../spec/connection.ts';

/** Codes in place of a protocol version, see "Message Formats" in PostgreSQL's manual. */
const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;
/** A cancel that takes longer helps nobody: the closed connection ends the statement too. */
const CANCEL_TIMEOUT_MS = 5000;

/** Asks the server for TLS and does the handshake. Null where the server speaks none. */
export async function startTls(socket: Socket, host: string, options: ConnectionOptions): Promise<TLSSocket | null> {
  const request = Buffer.alloc(8);
  request.writeInt32BE(8, 0);
  request.writeInt32BE(SSL_REQUEST, 4);
  const answer = await new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString('latin1', 0, 1)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Connection terminated before TLS')));
    socket.write(request);
  });
  if (answer !== 'S') return null;
  return await new Promise<TLSSocket>((resolve, reject) => {
    const secure = connectTls({ ...options, socket, host, ...(isIP(host) ? {} : { servername: host }) });
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('Connection terminated before TLS')));
    secure.once('secureConnect', () => {
      secure.off('error', reject);
      secure.on('error', () => undefined);
      resolve(secure);
    });
  });
}

/** Asks the server, over a connection of its own, to end what a session is doing. It answers by closing the connection. */
export async function sendCancelRequest(
  { host, port }: PostgresConnection,
  tls: ConnectionOptions | false,
  processId: number,
  secretKey: number,
): Promise<void> {
  const plain = await openSocket(host, port, CANCEL_TIMEOUT_MS);
  try {
    const socket = tls ? ((await startTls(plain, host, tls)) ?? plain) : plain;
    const request = Buffer.alloc(16);
    request.writeInt32BE(16, 0);
    request.writeInt32BE(CANCEL_REQUEST, 4);
    request.writeInt32BE(processId, 8);
    request.writeInt32BE(secretKey, 12);
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.resume();
      socket.end(request);
    });
  } finally {
    plain.destroy();
  }
}
