import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('azurite/package.json'));

/** Not secrets: an account of the test's own. */
export const ACCOUNT = 'lakeaccount';
export const ACCOUNT_KEY = Buffer.from('test-key-not-a-secret-0123456789').toString('base64');

export interface Azurite {
  /** Of the account, without `/` at its end. */
  url: string;
  port: number;
  stop(): Promise<void>;
}

/** Azure's own blob service emulator in a process of its own, in memory or in a folder, on a free port of the loopback. `options` go to its command line. */
export async function startAzurite(options: readonly string[] = [], folder?: string): Promise<Azurite> {
  const kept = folder === undefined ? ['--inMemoryPersistence'] : ['--location', folder];
  // Between choosing a port and taking it somebody else may take it.
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawn(
      process.execPath,
      [
        join(PACKAGE, 'dist/src/blob/main.js'),
        ...['--blobHost', '127.0.0.1', '--blobPort', String(port)],
        ...[...kept, '--skipApiVersionCheck', '--silent', '--disableTelemetry', ...options],
      ],
      { env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${ACCOUNT_KEY}` }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        said += text;
      });
    if (await listens(child, port)) {
      const scheme = options.includes('--cert') ? 'https' : 'http';
      return { url: `${scheme}://127.0.0.1:${port}/${ACCOUNT}`, port, stop: () => stop(child) };
    }
    await stop(child);
    if (attempt === 3) throw new Error(`Azurite did not start: ${said}`);
  }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function listens(child: ChildProcess, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt += 1) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (there && child.exitCode === null) return true;
    await delay(100);
  }
  return false;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill();
  });
}
