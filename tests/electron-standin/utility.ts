/** Loaded into a forked Node process: gives it what an Electron utility process has. */
import { EventEmitter } from 'node:events';
import { registerHooks } from 'node:module';

const port = Object.assign(new EventEmitter<Record<string, unknown[]>>(), {
  postMessage: (message: unknown) => process.send?.(message),
});
process.on('message', (data) => port.emit('message', { data, ports: [] }));
// Electron ends its utility processes with itself.
process.on('disconnect', () => process.exit(0));
Object.defineProperty(process, 'parentPort', { value: port });
registerHooks({
  resolve(id, context, next) {
    if (id === 'electron') throw new Error('electron stand-in: a utility process has no module electron here');
    return next(id, context);
  },
});
