import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Version of the package that this file belongs to, as source or compiled. */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (let folder = import.meta.dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).version;
  }
  return 'unknown';
}
