import { realpath } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Overrules where the application keeps its own files, e.g. for a portable installation. */
export const USER_DATA_VARIABLE = 'INGEST_STUDIO_USER_DATA';

/**
 * The folder in which the application keeps what belongs to a person and not to a project: settings, recent projects, recovery copies,
 * encrypted secrets. Shared by window, web host and command line. It need not exist.
 */
export function userDataDirectory(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = environment[USER_DATA_VARIABLE];
  if (given) return path.resolve(given);
  const home = os.homedir();
  switch (process.platform) {
    case 'win32':
      return path.join(environment['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'Ingest Studio');
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', 'Ingest Studio');
    default:
      return path.join(environment['XDG_CONFIG_HOME'] || path.join(home, '.config'), 'ingest-studio');
  }
}

/** What a project is known by in the user's files: its real path; Windows does not tell case apart. */
export async function projectKey(directory: string): Promise<string> {
  const real = await realpath(directory).catch(() => path.resolve(directory));
  return process.platform === 'win32' ? real.toLowerCase() : real;
}
