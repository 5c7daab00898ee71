import { stat } from 'node:fs/promises';
import path from 'node:path';
import { WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import type { HandlerGroup } from './handlers.ts';

export const aboutHandlers: HandlerGroup<'app.about' | 'keychain.state'> = (service) => ({
  'app.about': async () => ({
    version: service.version,
    platform: process.platform,
    host: service.host,
    userDataDirectory: service.userDataDirectory,
    openAtStart: await openAtStart(service.openAtStart ?? null),
  }),
  'keychain.state': () => service.secretStore.state(),
});

/** A folder without a workbook is not what anybody meant: `ingest ui` in any folder just opens the window. A file was meant: opening it says what is wrong with it. */
async function openAtStart(directory: string | null): Promise<string | null> {
  if (directory === null) return null;
  if ((await stat(directory).catch(() => null))?.isFile() === true) return directory;
  const found = await stat(path.join(directory, WORKBOOK_FILE)).catch(() => null);
  return found === null ? null : directory;
}
