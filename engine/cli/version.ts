import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_DIRECTORY } from '../package-directory.ts';

/** Version of the package that this file belongs to. */
export const VERSION: string = readVersion();

function readVersion(): string {
  try {
    return JSON.parse(readFileSync(path.join(PACKAGE_DIRECTORY, 'package.json'), 'utf8')).version;
  } catch {
    return 'unknown';
  }
}
