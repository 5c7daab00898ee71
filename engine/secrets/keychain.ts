import { IngestError, messageOf } from '../errors.ts';

/** What the system's keychain is asked for: one small text. A slice, so that a test can bring a keychain of its own. */
export interface Keychain {
  /** How people know it, e.g. `Windows Credential Manager`. */
  readonly name: string;
  /** Whether this computer seems to have one; nobody is asked, so that nothing is unlocked for it. Default true. */
  readonly atHand?: boolean;
  /** Null where it holds none, and also where it is locked. */
  get(): Promise<string | null>;
  set(value: string): Promise<void>;
}

const SERVICE = 'Ingest Studio';

/** A locked keychain asks the user first; without anybody to answer it must not hang for ever. */
const PATIENCE_MS = 120_000;

const NAMES: Partial<Record<NodeJS.Platform, string>> = {
  win32: 'Windows Credential Manager',
  darwin: 'macOS Keychain',
  linux: 'Secret Service (GNOME Keyring, KWallet)',
};

const HINTS: Partial<Record<NodeJS.Platform, string>> = {
  linux:
    'Install and unlock a keyring (apt-get install gnome-keyring; a desktop session unlocks it at sign-in), or keep secrets in environment variables.',
};

/** The system's keychain through `@napi-rs/keyring`. Nothing is loaded or asked before the first use. */
export function systemKeychain(account = 'secrets key'): Keychain {
  const name = NAMES[process.platform] ?? 'keychain';
  const entry = async () => {
    const { AsyncEntry } = await import('@napi-rs/keyring');
    // Without `store` it would fall back to the kernel's keyutils in silence, which forgets at the next start.
    return new AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } });
  };
  const ask = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw keychainUnavailable(name, messageOf(error), error);
    }
  };
  return {
    name,
    // Without a session bus there is no Secret Service to talk to: servers, containers.
    atHand: process.platform !== 'linux' || (process.env['DBUS_SESSION_BUS_ADDRESS'] ?? '') !== '',
    get: () => ask(async () => (await (await entry()).getPassword(AbortSignal.timeout(PATIENCE_MS))) ?? null),
    set: (value) => ask(async () => (await entry()).setPassword(value, AbortSignal.timeout(PATIENCE_MS))),
  };
}

/** Fails closed: where the keychain cannot be used, nothing is kept at all. */
export function keychainUnavailable(name: string, reason: string, cause?: unknown): IngestError {
  return new IngestError('KEYCHAIN_NOT_AVAILABLE', `The keychain cannot be used (${name}): ${reason}`, {
    hint: HINTS[process.platform] ?? 'Unlock it, or keep secrets in environment variables.',
    cause,
  });
}
