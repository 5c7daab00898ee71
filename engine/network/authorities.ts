import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { IngestError, messageOf } from '../errors.ts';

/** The bundled authorities, NODE_EXTRA_CA_CERTS, the system's own store and some more, as PEM. */
export function trustedAuthorities(more: readonly string[]): string[] {
  return [...new Set([...getCACertificates('default'), ...systemAuthorities(), ...more])];
}

function systemAuthorities(): readonly string[] {
  try {
    return getCACertificates('system');
  } catch {
    // A store that cannot be read is no reason to fail where the bundled authorities may do.
    return [];
  }
}

/**
 * The certificates of a PEM file.
 * @param file absolute
 * @throws IngestError CA_FILE_UNUSABLE
 */
export async function readAuthorities(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new IngestError(
      'CA_FILE_UNUSABLE',
      `ca_file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      {
        hint: "Give the path from the project's folder, or an absolute one.",
        cause: error,
      },
    );
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  for (const certificate of found ?? []) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw new IngestError('CA_FILE_UNUSABLE', `ca_file ${file} holds a damaged certificate: ${messageOf(error)}.`, {
        hint: 'Export the authority again as "Base-64 encoded X.509".',
        cause: error,
      });
    }
  }
  if (found) return found;
  throw new IngestError('CA_FILE_UNUSABLE', `ca_file ${file} holds no certificate in PEM form.`, {
    hint: 'Export the authority as "Base-64 encoded X.509"; it begins with -----BEGIN CERTIFICATE-----.',
  });
}
