import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { IngestError } from '../errors.ts';
import { isSecretKey } from '../spec/secret-keys.ts';
import { type Fingerprint, readFingerprinted, sameFingerprint } from './fingerprint.ts';
import { editToml, isTable, parseTomlBytes, type TomlEdit } from './toml.ts';
import { errorCode, type WriteAtomicOptions, writeFileAtomic } from './write-atomic.ts';

export interface EditTomlOptions extends Pick<WriteAtomicOptions, 'rename'> {
  /** The file as it was when it was read, null where there was none. With another content on disk nothing is written. */
  expected: Fingerprint | null;
}

/** Only its owner reads a file of secrets; Windows has no such bits and takes the folder's rights. */
const SECRETS_MODE = 0o600;

/** The file's fingerprint, or null where there is none: what {@link editTomlFile} expects. */
export async function tomlFingerprint(path: string): Promise<Fingerprint | null> {
  return (await readIfThere(path))?.fingerprint ?? null;
}

/**
 * Edits a TOML file in place, or makes it: comments and order stay, the write is atomic. Secrets go into a file named
 * `secrets.toml` only. Returns the new fingerprint.
 * @throws IngestError `SECRET_IN_CONFIG`, `TOML_CHANGED`, `TOML_INVALID`, `TOML_ENCODING`, `TOML_EDIT_REFUSED`, and
 * what {@link writeFileAtomic} raises; the file is then as it was. No message holds a value.
 */
export async function editTomlFile(
  path: string,
  edits: readonly TomlEdit[],
  options: EditTomlOptions,
): Promise<Fingerprint> {
  const name = basename(path);
  if (name !== 'secrets.toml') for (const { path: key, value } of edits) refuseSecrets(key, value, name);
  const old = await readIfThere(path);
  refuseChanged(path, options.expected, old?.fingerprint ?? null);
  const bytes = old?.bytes ?? Buffer.alloc(0);
  const problem = parseTomlBytes(bytes, name).findings.find((found) => found.severity === 'error');
  if (problem) throw new IngestError(problem.code, problem.message, { hint: problem.hint ?? undefined });
  // A byte order mark belongs to the file and stays.
  const edited = editToml(bytes.toString('utf8'), edits, name);
  if (!old) await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, edited, {
    rename: options.rename,
    mode: name === 'secrets.toml' ? SECRETS_MODE : undefined,
    beforeReplace: async () => refuseChanged(path, options.expected, await tomlFingerprint(path)),
  });
  return (await readFingerprinted(path)).fingerprint;
}

function refuseSecrets(path: readonly string[], value: unknown, file: string): void {
  if (isTable(value)) {
    for (const [key, inner] of Object.entries(value)) refuseSecrets([...path, key], inner, file);
  } else if (value !== undefined && value !== null && value !== '' && isSecretKey(path)) {
    throw new IngestError('SECRET_IN_CONFIG', `${path.join('.')} is a secret and is not written to ${file}.`, {
      hint: 'Keep it in .dlt/secrets.toml, in an environment variable or in a vault.',
    });
  }
}

async function readIfThere(path: string): Promise<{ bytes: Buffer; fingerprint: Fingerprint } | null> {
  try {
    return await readFingerprinted(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw new IngestError('TOML_NOT_READABLE', `${path} cannot be read (${errorCode(error) || 'unknown error'}).`, {
      hint: 'Check that it is a file, that you may read it, and that no other program holds it.',
      cause: error,
    });
  }
}

function refuseChanged(path: string, expected: Fingerprint | null, found: Fingerprint | null): void {
  if (expected === null ? found === null : found !== null && sameFingerprint(expected, found)) return;
  throw new IngestError(
    'TOML_CHANGED',
    `${path} was changed by another program since it was opened; nothing was written.`,
    {
      hint: 'Reload it to see the other changes, then repeat yours.',
    },
  );
}
