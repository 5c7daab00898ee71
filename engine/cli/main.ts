#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { forgiveClosedPipes, leaveSoon, redactCrashes } from './host-process.ts';
import { Terminal } from './terminal.ts';

const args = process.argv.slice(2);
const { stdin, stdout, stderr, env } = process;
const terminal = new Terminal({ stdin, stdout, stderr, env, color: !args.includes('--no-color') });
/** A parent that talks to this process over a channel hears of its errors and ends it itself. */
const onItsOwn = process.send === undefined;

forgiveClosedPipes(process);
if (onItsOwn) redactCrashes(process, terminal);
// `npm run ingest` starts in the checkout's root; people mean the folder that they stand in.
if (env['npm_lifecycle_event'] === 'ingest' && env['INIT_CWD']) process.chdir(env['INIT_CWD']);
process.exitCode = await runCommandLine(args, terminal, env);
if (onItsOwn) leaveSoon(process);
