import { stat } from 'node:fs/promises';
import path from 'node:path';
import { BrowserWindow, dialog, type IpcMainInvokeEvent, ipcMain, shell } from 'electron';
import { CHANNELS } from './channels.ts';
import type { EngineProcess } from './engine-process.ts';
import { assertOwnSender, type IsOwnPage } from './security.ts';
import { allowClosing, setUnsaved } from './window.ts';

/** Answers the page: calls go to the engine, dialogs are the system's. Every channel checks who asks, and takes nothing for granted of what is sent. */
export function listenToPages(engine: EngineProcess, isOwnPage: IsOwnPage): void {
  const handle = (channel: string, answer: (event: IpcMainInvokeEvent, ...args: unknown[]) => unknown) =>
    ipcMain.handle(channel, (event, ...args: unknown[]) => {
      assertOwnSender(event, isOwnPage);
      return answer(event, ...args);
    });

  handle(CHANNELS.call, ({ sender }, id, name, input) => engine.call(String(sender.id), id, name, input));
  handle(CHANNELS.cancel, ({ sender }, id) => engine.cancel(String(sender.id), id));
  handle(CHANNELS.pickFolder, (event, title) =>
    pickOne(event, { title: textOf(title), properties: ['openDirectory', 'createDirectory'] }),
  );
  handle(CHANNELS.pickFile, (event, title, extensions) =>
    pickOne(event, { title: textOf(title), properties: ['openFile'], filters: filtersOf(extensions) }),
  );
  handle(CHANNELS.pickSaveFile, async (event, title, defaultName) => {
    const options = { title: textOf(title), defaultPath: path.basename(textOf(defaultName)) };
    const window = BrowserWindow.fromWebContents(event.sender);
    const { canceled, filePath } = await (window === null
      ? dialog.showSaveDialog(options)
      : dialog.showSaveDialog(window, options));
    return canceled || filePath === '' ? null : filePath;
  });
  handle(CHANNELS.showFolder, async (_event, directory) => {
    const folder = textOf(directory);
    // Shown, never opened: opening could start a program.
    if (path.isAbsolute(folder) && (await stat(folder).catch(() => null))?.isDirectory() === true)
      shell.showItemInFolder(folder);
  });
  handle(CHANNELS.setUnsaved, ({ sender }, unsaved) => {
    const window = BrowserWindow.fromWebContents(sender);
    if (window !== null) setUnsaved(window, unsaved === true);
  });
  handle(CHANNELS.closeWindow, ({ sender }) => {
    const window = BrowserWindow.fromWebContents(sender);
    if (window === null) return;
    allowClosing(window);
    window.close();
  });
}

async function pickOne(event: IpcMainInvokeEvent, options: Electron.OpenDialogOptions): Promise<string | null> {
  const window = BrowserWindow.fromWebContents(event.sender);
  const { canceled, filePaths } = await (window === null
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(window, options));
  return canceled ? null : (filePaths[0] ?? null);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 4096) : '';
}

function filtersOf(extensions: unknown): Electron.FileFilter[] {
  const known = Array.isArray(extensions)
    ? extensions.filter((one) => typeof one === 'string' && /^\w{1,10}$/.test(one))
    : [];
  return known.length === 0 ? [] : [{ name: known.map((one) => `*.${one}`).join(', '), extensions: known }];
}
