import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { IngestError } from '../errors.ts';
import { isTable } from './toml.ts';
import { errorCode } from './write-atomic.ts';

/** Of the small file beside a workbook that systems open Ingest Studio with: the application's file association. */
export const PROJECT_FILE_EXTENSION = '.ingest';

const FORMAT = 'ingest-studio-project';
const VERSION = 1;

export function isProjectFile(file: string): boolean {
  return extname(file).toLowerCase() === PROJECT_FILE_EXTENSION;
}

/** What the project's file is called: its name without what a file system would refuse. */
export function projectFileName(name: string): string {
  const plain = name
    // biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses them in names.
    .replace(/[<>:"/\\|?*\u0000-\u001f]+/g, '_')
    .replace(/[. ]+$/, '')
    .trim();
  return `${plain || 'project'}${PROJECT_FILE_EXTENSION}`;
}

/** It only says that its folder is a project: all that a project is stands in the files beside it. */
export function projectFileText(): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION }, null, 2)}\n`;
}

/**
 * Looks whether a file is a project's.
 * @throws IngestError PROJECT_FILE_INVALID, PROJECT_FILE_NEWER, PROJECT_NOT_READABLE
 */
export async function checkProjectFile(file: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new IngestError('PROJECT_NOT_READABLE', `${file} cannot be read (${errorCode(error)}).`, {
      hint: 'Check that it is a file and that you may read it.',
      cause: error,
    });
  }
  const found = parsed(text.replace(/^\uFEFF/, ''));
  if (!isTable(found) || found.format !== FORMAT || typeof found.version !== 'number') {
    throw new IngestError('PROJECT_FILE_INVALID', `${basename(file)} is not the file of a project.`, {
      hint: 'Open the folder that holds the workbook instead.',
    });
  }
  if (found.version > VERSION) {
    throw new IngestError('PROJECT_FILE_NEWER', `${basename(file)} was written by a newer Ingest Studio.`, {
      hint: 'Update Ingest Studio.',
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
