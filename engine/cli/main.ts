#!/usr/bin/env node
import process from 'node:process';
import { runCommandLine } from './command-line.ts';
import { EXIT, reportFailure } from './failure.ts';
import { Terminal } from './terminal.ts';

/** How long something that was not closed may keep the process after its work is done. */
const LINGER_MS = 3000;

const args = process.argv.slice(2);
const terminal = new Terminal({
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  color: !args.includes('--no-color'),
});

// A reader that goes away (`ingest list | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

/** False where a parent talks to this process over a channel: it hears of errors and ends the process itself. */
const onItsOwn = process.send === undefined;

// Node would print the error as it is; this way it is redacted.
if (onItsOwn) {
  process.on('uncaughtException', (error) => {
    reportFailure(error, terminal, { json: false, debug: true });
    process.exit(EXIT.failed);
  });
}

// `npm run ingest` starts in the checkout's root; people mean the folder they stand in.
if (process.env['npm_lifecycle_event'] === 'ingest' && process.env['INIT_CWD']) process.chdir(process.env['INIT_CWD']);

process.exitCode = await runCommandLine(args, terminal, process.env);
if (onItsOwn) leave();

/** The process ends by itself; a socket that was forgotten must not turn that into a hang, nor may what is still being written be cut. */
function leave(): void {
  setTimeout(() => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) leave();
    else process.exit();
  }, LINGER_MS).unref();
}
