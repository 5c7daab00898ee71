import { EXIT, reportFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** The slice of `process` that is used here, so that tests can stand in for it. */
export interface HostProcess {
  stdout: HostStream;
  stderr: HostStream;
  on(event: 'uncaughtException', listener: (error: Error) => void): unknown;
  exit(code?: number): void;
}

interface HostStream {
  writableLength: number;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

/** How long something that was not closed may keep the process after its work is done. */
const LINGER_MS = 3000;

/** A reader that goes away (`ingest list | head`) is no error. */
export function forgiveClosedPipes(host: HostProcess): void {
  for (const stream of [host.stdout, host.stderr]) {
    stream.on('error', (error) => {
      if (error.code !== 'EPIPE') throw error;
      host.exit();
    });
  }
}

/** Node would print an error that nobody caught as it is; this way it is redacted. */
export function redactCrashes(host: HostProcess, terminal: Terminal): void {
  host.on('uncaughtException', (error) => {
    reportFailure(error, terminal, { json: false, debug: true });
    host.exit(EXIT.failed);
  });
}

/** The process ends by itself; a socket that was forgotten must not turn that into a hang, nor may what is still being written be cut. */
export function leaveSoon(host: HostProcess, lingerMs = LINGER_MS): void {
  setTimeout(() => {
    if (host.stdout.writableLength + host.stderr.writableLength > 0) leaveSoon(host, lingerMs);
    else host.exit();
  }, lingerMs).unref();
}
