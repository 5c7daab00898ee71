import type { CallName, Output, ParsedInput } from '../contract.ts';
import type { ServiceContext } from './service-context.ts';

/** What a handler knows of the call that it answers. */
export interface CallContext {
  /** The caller's own name for the call. */
  id: string;
  /** Which window (or browser tab) asks. */
  client: string;
  /** Aborted by the caller, or because it is gone. */
  signal: AbortSignal;
}

export type Handler<Name extends CallName> = (input: ParsedInput<Name>, call: CallContext) => Promise<Output<Name>>;

/** An answer for each call of the contract: one that is missing does not compile. */
export type Handlers = { [Name in CallName]: Handler<Name> };

/** The handlers of one noun; each file of this folder has one such function. */
export type HandlerGroup<Names extends CallName> = (service: ServiceContext) => Pick<Handlers, Names>;
