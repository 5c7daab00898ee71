import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { IngestError, isIngestError, messageOf } from '../errors.ts';
import { isKeptSignIn } from '../sign-in/kept-sign-in.ts';
import { projectKey, userDataDirectory } from '../user-data/user-data.ts';
import { UserFile } from '../user-data/user-file.ts';
import { type Keychain, keychainUnavailable, systemKeychain } from './keychain.ts';
import type { SecretProvider } from './provider.ts';

/** Where a person's secrets are kept on this computer: by project and key path. Nothing is ever kept in clear text. */
export interface SecretStore {
  /** Whether there seems to be a keychain; nobody is asked. */
  readonly atHand: boolean;
  /** Whether secrets can be kept, and why not. Never throws. */
  state(): Promise<{ available: boolean; detail: string; hint: string | null }>;
  /**
   * Keeps (or, null, forgets) secrets of a project: all of them or none.
   * @throws IngestError `KEYCHAIN_NOT_AVAILABLE`, `KEYCHAIN_KEY_LOST`
   */
  set(project: string, changes: readonly { path: readonly string[]; value: string | null }[]): Promise<void>;
  /**
   * Null where none is kept.
   * @throws IngestError as {@link set}, and `SECRET_DAMAGED`
   */
  get(project: string, path: readonly string[]): Promise<string | null>;
  /** Paths of a project's secrets; the keychain is not asked. */
  paths(project: string): Promise<string[][]>;
}

const base64 = z.base64();
const storeModel = z.object({
  /** Tells a foreign key from the right one without telling anything of it; null before the first secret. */
  key_check: z.string().nullable(),
  secrets: z.array(
    z.object({ project: z.string(), path: z.array(z.string()).min(1), iv: base64, tag: base64, data: base64 }),
  ),
});
type StoreContent = z.infer<typeof storeModel>;
type StoredSecret = StoreContent['secrets'][number];

/**
 * Secrets, AES-256-GCM encrypted, in a file of the user's; their one random key is in the system's keychain (whose entries are too small and too
 * few for the secrets themselves: Windows allows 2,560 bytes). Each secret is bound to its project and path: swapped entries do not decrypt.
 */
export function createSecretStore(options: { directory?: string; keychain?: Keychain } = {}): SecretStore {
  const keychain = options.keychain ?? systemKeychain();
  const file = new UserFile<StoreContent>(path.join(options.directory ?? userDataDirectory(), 'secrets.json'), {
    version: 1,
    model: storeModel,
    initial: () => ({ key_check: null, secrets: [] }),
    damaged: 'refuse',
  });
  let known: Buffer | null = null;

  /** The key that the file was written with; a new one only where the file holds nothing yet. */
  async function keyOf(content: StoreContent): Promise<Buffer> {
    if (known !== null && checkOf(known) === content.key_check) return known;
    const text = await keychain.get();
    const key = text === null ? null : Buffer.from(text, 'base64');
    if (key?.length === 32 && (content.key_check === null || checkOf(key) === content.key_check)) {
      known = key;
      return key;
    }
    if (content.secrets.length > 0) {
      if (text === null)
        throw keychainUnavailable(keychain.name, 'it is locked, or the key of your secrets is no longer in it.');
      throw new IngestError('KEYCHAIN_KEY_LOST', `The key in ${keychain.name} is not the one of ${file.file}.`, {
        hint: `Sign in as the user who saved the secrets; or delete that file and enter them again.`,
      });
    }
    const made = randomBytes(32);
    await keychain.set(made.toString('base64'));
    // A keychain that forgets at once would lose every secret at the next start.
    if ((await keychain.get()) !== made.toString('base64')) {
      throw keychainUnavailable(keychain.name, 'it did not keep what was written to it.');
    }
    known = made;
    return made;
  }

  return {
    atHand: keychain.atHand ?? true,
    async state() {
      try {
        await keyOf(await file.read());
        return { available: true, detail: keychain.name, hint: null };
      } catch (error) {
        return {
          available: false,
          detail: messageOf(error),
          hint: isIngestError(error) ? (error.hint ?? null) : null,
        };
      }
    },
    async set(directory, changes) {
      if (changes.length === 0) return;
      const project = await projectKey(directory);
      await file.update(async (content) => {
        const kept = content.secrets.filter(
          (secret) => secret.project !== project || !changes.some((change) => samePath(change.path, secret.path)),
        );
        const wanted = changes.filter(({ value }) => value !== null);
        // Forgetting needs no key.
        if (wanted.length === 0) return { ...content, secrets: kept };
        const key = await keyOf(content);
        const added = wanted.map((change) => encrypt(key, project, change.path, change.value as string));
        return { key_check: checkOf(key), secrets: [...kept, ...added] };
      });
    },
    async get(directory, keyPath) {
      const project = await projectKey(directory);
      const content = await file.read();
      const secret = content.secrets.find((one) => one.project === project && samePath(one.path, keyPath));
      return secret === undefined ? null : decrypt(await keyOf(content), secret);
    },
    async paths(directory) {
      const project = await projectKey(directory);
      return (await file.read()).secrets.filter((secret) => secret.project === project).map((secret) => secret.path);
    },
  };
}

/** A place among the others that {@link SecretProvider}s stand for. */
export function keychainProvider(store: SecretStore, project: string): SecretProvider {
  return {
    name: KEYCHAIN_PLACE,
    async get(keyPath) {
      // Who signed in with a browser is no value of the configuration: it is neither shown, laid over it, nor exported.
      if (isKeptSignIn(keyPath)) return null;
      const value = await store.get(project, keyPath);
      return value === null ? null : { kind: 'value', value, place: KEYCHAIN_PLACE };
    },
    paths: async () => (await store.paths(project)).filter((keyPath) => !isKeptSignIn(keyPath)),
  };
}

export const KEYCHAIN_PLACE = 'keychain';

function checkOf(key: Buffer): string {
  return createHash('sha256').update('ingest-studio key check').update(key).digest('hex').slice(0, 16);
}

function boundTo(project: string, keyPath: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([project, keyPath]));
}

function encrypt(key: Buffer, project: string, keyPath: readonly string[], value: string): StoredSecret {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(boundTo(project, keyPath));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  const text = (bytes: Buffer) => bytes.toString('base64');
  return { project, path: [...keyPath], iv: text(iv), tag: text(cipher.getAuthTag()), data: text(data) };
}

function decrypt(key: Buffer, { project, path: keyPath, iv, tag, data }: StoredSecret): string {
  const bytes = (text: string) => Buffer.from(text, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes(iv), { authTagLength: 16 })
      .setAAD(boundTo(project, keyPath))
      .setAuthTag(bytes(tag));
    return Buffer.concat([decipher.update(bytes(data)), decipher.final()]).toString('utf8');
  } catch (error) {
    throw new IngestError('SECRET_DAMAGED', `The secret ${keyPath.join('.')} cannot be decrypted.`, {
      hint: 'Enter it again in its connection.',
      cause: error,
    });
  }
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}
