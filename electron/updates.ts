import { existsSync } from 'node:fs';
import path from 'node:path';
import { app } from 'electron';

/**
 * Looks for a newer version, once after the start, downloads it and says so; it is installed when the application is quit.
 * Off unless the installer was built with a place to look at (`UPDATES_URL`, see electron/package.ts): only those carry `app-update.yml`.
 */
export async function lookForUpdates(): Promise<void> {
  if (!app.isPackaged || !existsSync(path.join(process.resourcesPath, 'app-update.yml'))) return;
  const { default: updater } = await import('electron-updater');
  // A place that cannot be reached (a proxy, no network) is no matter of the person who works.
  await updater.autoUpdater.checkForUpdatesAndNotify().catch(() => null);
}
