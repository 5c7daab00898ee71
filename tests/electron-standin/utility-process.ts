import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { strict } from './strict.ts';

/** `utilityProcess`: a Node process of its own; messages are cloned as they are between Electron's. */
export class UtilityProcess extends EventEmitter<Record<string, unknown[]>> {
  readonly #child: ChildProcess;

  constructor(module: string, args: string[]) {
    super();
    this.#child = fork(module, args, {
      execArgv: ['--import', new URL('./utility.ts', import.meta.url).href],
      serialization: 'advanced',
    });
    this.#child.on('message', (message) => this.emit('message', message));
    this.#child.once('spawn', () => this.emit('spawn'));
    this.#child.once('exit', (code, signal) => this.emit('exit', code ?? (signal === null ? 0 : 1)));
    this.#child.on('error', () => undefined);
    children.add(this.#child);
    this.#child.once('exit', () => children.delete(this.#child));
  }

  get pid(): number | undefined {
    return this.#child.exitCode === null ? this.#child.pid : undefined;
  }

  postMessage(message: unknown): void {
    // Throws for what cannot be cloned, as Electron's does; what is sent to a process that is gone is lost.
    structuredClone(message);
    if (this.#child.connected) this.#child.send(message as object, () => undefined);
  }

  kill(): boolean {
    return this.#child.kill();
  }
}

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill();
});

/** The module's `utilityProcess`. `pids` lists those that run, so that a test can kill one. */
export const utilities = strict(
  {
    fork: (module: string, args: string[] = [], _options: unknown = {}) =>
      strict(new UtilityProcess(module, args), 'utilityProcess'),
    pids: () => [...children].map(({ pid }) => pid),
  },
  'utilityProcess',
);
