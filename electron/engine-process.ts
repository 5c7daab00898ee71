import type { WireError, WireReply } from '../engine/contract.ts';
import type { FromEngine, ToEngine } from './engine-messages.ts';

/** The slice of a utility process that is used here. */
export interface EngineChild {
  readonly pid?: number | undefined;
  postMessage(message: ToEngine): void;
  kill(): unknown;
  on(event: 'message', listener: (message: FromEngine) => void): unknown;
  once(event: 'exit', listener: (code: number) => void): unknown;
}

export interface EngineProcessOptions {
  fork(): EngineChild;
  start: Extract<ToEngine, { kind: 'start' }>;
  /** Tells every window. */
  onEvent(name: string, data: unknown): void;
}

/** Pauses before the next start, in milliseconds: at once the first time, ever longer while it keeps dying. */
const PAUSES = [0, 500, 2_000, 5_000, 15_000];

/** An engine that lived so long, in milliseconds, has not died of its start. */
const LIVED = 30_000;

/** Keeps the engine's process alive: forwards calls, starts it anew after a crash, and tells what was lost. */
export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #waiting = new Map<string, { resolve(reply: WireReply): void; sent: boolean; message: ToEngine }>();
  #child: EngineChild | null = null;
  #startedAt = 0;
  #deaths = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EngineProcessOptions) {
    this.#options = options;
    this.#start();
  }

  /** The process's number while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Never rejects. While the engine is being started anew, calls wait for it. */
  call(client: string, id: unknown, name: unknown, input: unknown): Promise<WireReply> {
    const key = keyOf(client, id);
    if (this.#closed || this.#waiting.has(key)) {
      return Promise.resolve(failed('CALL_ID_INVALID', 'Two calls have the same id, or the application is closing.'));
    }
    const message: ToEngine = { kind: 'call', client, id, name, input };
    return new Promise((resolve) => {
      const call = { resolve, sent: false, message };
      this.#waiting.set(key, call);
      this.#send(call);
    });
  }

  cancel(client: string, id: unknown): void {
    const call = this.#waiting.get(keyOf(client, id));
    if (call?.sent === false) this.#answer(keyOf(client, id), failed('CANCELLED', 'Cancelled.'));
    else this.#child?.postMessage({ kind: 'cancel', client, id });
  }

  closeClient(client: string): void {
    this.#child?.postMessage({ kind: 'close-client', client });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#child?.kill();
    this.#child = null;
  }

  #start(): void {
    const child = this.#options.fork();
    this.#child = child;
    this.#startedAt = Date.now();
    child.on('message', (message) => {
      if (this.#child !== child) return;
      if (message.kind === 'event') this.#options.onEvent(message.name, message.data);
      else this.#answer(keyOf(message.client, message.id), message.reply);
    });
    child.once('exit', (code) => {
      if (this.#child === child) this.#died(code);
    });
    child.postMessage(this.#options.start);
    for (const call of this.#waiting.values()) this.#send(call);
  }

  #send(call: { sent: boolean; message: ToEngine }): void {
    if (this.#child === null) return;
    try {
      this.#child.postMessage(call.message);
      call.sent = true;
    } catch {
      // What cannot be cloned (a function, a promise) cannot have come over IPC; it is refused all the same.
      const { client, id } = call.message as { client: string; id: unknown };
      this.#answer(
        keyOf(client, id),
        failed('CALL_INPUT_INVALID', 'A call was made with values that are not plain data.'),
      );
    }
  }

  #died(code: number): void {
    this.#child = null;
    if (this.#closed) return;
    this.#deaths = Date.now() - this.#startedAt > LIVED ? 0 : this.#deaths + 1;
    const reason = `The engine stopped unexpectedly (exit code ${code}).`;
    for (const [key, { sent }] of [...this.#waiting]) {
      if (sent) this.#answer(key, failed('ENGINE_STOPPED', reason, 'It is being started again: repeat what you did.'));
    }
    const pause = PAUSES[Math.min(this.#deaths, PAUSES.length - 1)] as number;
    this.#timer = setTimeout(() => {
      this.#start();
      this.#options.onEvent('engine.restarted', { reason });
    }, pause);
  }

  #answer(key: string, reply: WireReply): void {
    const call = this.#waiting.get(key);
    this.#waiting.delete(key);
    call?.resolve(reply);
  }
}

function keyOf(client: string, id: unknown): string {
  return `${client}\n${String(id)}`;
}

function failed(code: string, message: string, hint: string | null = null): WireReply {
  const error: WireError = { code, message, hint, detail: null, findings: [] };
  return { ok: false, error };
}
