import { cancelOnSignals } from '../../engine/cli/cancellation.ts';
import { Terminal } from '../../engine/cli/terminal.ts';

/** A program whose work takes no notice of its cancellation. */
const terminal = new Terminal({ stdout: process.stdout, stderr: process.stderr, color: false, env: {} });
cancelOnSignals(terminal);
terminal.tell('ready');
setInterval(() => {}, 1000);
