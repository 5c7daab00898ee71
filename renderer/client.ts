import type { CallName, EventData, EventName, Input, Output, WireError } from '../engine/contract.ts';
import { bridge } from './bridge.ts';

/** A call that failed, as the engine describes it: what happened, what to do, and the whole of it for copying. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  readonly code: string;
  readonly hint: string | null;
  readonly detail: string | null;
  readonly findings: WireError['findings'];

  constructor(error: WireError) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
    this.detail = error.detail;
    this.findings = error.findings;
  }
}

/** True for a call that was cancelled by its own signal: nothing to tell anybody. */
export function isCancelled(error: unknown): boolean {
  return error instanceof ContractError && error.code === 'CANCELLED';
}

type Rest<Name extends CallName> =
  undefined extends Input<Name>
    ? [input?: undefined, options?: CallOptions]
    : [input: Input<Name>, options?: CallOptions];

export interface CallOptions {
  signal?: AbortSignal;
  /** Names the call in events such as `test.stage`. Default: a random one. */
  id?: string;
}

/**
 * Asks the engine.
 * @throws ContractError; with code `CANCELLED` where `signal` ended it
 */
export async function call<Name extends CallName>(name: Name, ...[input, options]: Rest<Name>): Promise<Output<Name>> {
  const { signal, id = crypto.randomUUID() } = options ?? {};
  const cancelled = () =>
    new ContractError({ code: 'CANCELLED', message: 'Cancelled.', hint: null, detail: null, findings: [] });
  if (signal?.aborted) throw cancelled();
  const cancel = () => bridge.cancel(id);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const reply = await bridge.call(id, name, input);
    if (reply.ok) return reply.value as Output<Name>;
    throw signal?.aborted ? cancelled() : new ContractError(reply.error);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Listens to the engine; gives back the function that ends it. */
export function on<Name extends EventName>(event: Name, listener: (data: EventData<Name>) => void): () => void {
  return bridge.on((name, data) => {
    if (name === event) listener(data as EventData<Name>);
  });
}
