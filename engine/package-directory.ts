import { existsSync } from 'node:fs';
import path from 'node:path';

/** Folder of the package that this file belongs to: as source, compiled, or bundled into an application. */
export const PACKAGE_DIRECTORY: string = findPackage();

function findPackage(): string {
  for (let folder = import.meta.dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
  }
  return import.meta.dirname;
}
