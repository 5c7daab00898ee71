import { AsyncLocalStorage } from 'node:async_hooks';
import type { Redactor } from '../secrets/redaction.ts';
import type { SecretStore } from '../secrets/secret-store.ts';

/** Where a connection stands in the configuration. */
export interface SignInPlace {
  section: 'sources' | 'destinations' | 'key_vault';
  name: string;
}

/** What somebody is asked to do: to open an address in a browser. Nothing in it is secret. */
export interface SignInRequest extends SignInPlace {
  id: string;
  /** Who signs in, for people: `Microsoft Entra ID`. */
  service: string;
  /** The account that is to sign in, where the configuration names one. */
  user: string | null;
  /** The page to open. */
  address: string;
  /** When waiting ends, ISO 8601. */
  ends_at: string;
}

/** A token with what it tells of itself. */
export interface SignedIn {
  token: string;
  /** Milliseconds since 1970. */
  ends: number;
  /** Who signed in, where the token says it. */
  person: string | null;
}

/** One connection's sign-in within this process. */
export interface SignInSession {
  signedIn: SignedIn | null;
  /** In memory only where it could not be kept in the keychain. */
  refreshToken: string | null;
  /** A sign-in under way, which everybody waits for. */
  flight: { result: Promise<SignedIn>; waiting: number; stop: AbortController } | null;
}

/**
 * The sign-ins of a process: one a connection and authority, shared by all that use it. Tells the redactors of projects what may not be shown.
 */
export class SignInSessions {
  readonly #sessions = new Map<string, SignInSession>();
  readonly #issued = new Map<string, string>();
  readonly #redactors = new Set<WeakRef<Redactor>>();

  /** @param key an array in JSON that begins with project, section and name, and tells authorities, clients and accounts apart */
  get(key: string): SignInSession {
    const session = this.#sessions.get(key) ?? { signedIn: null, refreshToken: null, flight: null };
    this.#sessions.set(key, session);
    return session;
  }

  /** Forgets a connection's; it is asked for anew. */
  forget(project: string, { section, name }: SignInPlace): void {
    const start = JSON.stringify([project, section, name]).replace(/\]$/, ',');
    for (const key of this.#sessions.keys()) if (key.startsWith(start)) this.#sessions.delete(key);
  }

  /** Lets a redactor know the tokens that were given, and those that will be. */
  tell(redactor: Redactor): void {
    for (const [token, path] of this.#issued) redactor.add(path, token);
    for (const known of this.#redactors) if (known.deref() === undefined) this.#redactors.delete(known);
    this.#redactors.add(new WeakRef(redactor));
  }

  /** Keeps a token out of everything that leaves from now on. */
  learn(path: string, token: string): void {
    if (this.#issued.has(token)) return;
    this.#issued.set(token, path);
    for (const redactor of this.#redactors) redactor.deref()?.add(path, token);
  }
}

/** Who asks people to sign in, and where their sign-in is kept: the window's or the command line's. */
export interface SignInDesk {
  /** Folder of the project whose connections are signed in. */
  project: string;
  store: SecretStore;
  sessions: SignInSessions;
  /**
   * Shows a request to somebody, who may `cancel` it; gives back what ends showing it. Null where nobody is there: then only what was kept signs in.
   */
  ask: ((request: SignInRequest, cancel: () => void) => () => void) | null;
}

const desks = new AsyncLocalStorage<SignInDesk>();

/** Runs work, and all that it starts, with a desk. */
export function withSignInDesk<Result>(desk: SignInDesk, work: () => Result): Result {
  return desks.run(desk, work);
}

/** The desk of the work at hand; null where there is none. */
export function currentSignInDesk(): SignInDesk | null {
  return desks.getStore() ?? null;
}
