import path from 'node:path';
import { app, BrowserWindow, ipcMain, Menu, protocol, session, shell } from 'electron';
import type { About, WireReply } from '../engine/contract.ts';
import { APP_ORIGIN, APP_SCHEME, answerFromFolder, isAppPage } from './app-protocol.ts';
import { CHANNELS } from './channels.ts';
import { assertOwnSender, denyPermissions, guardNavigation } from './security.ts';
import { openWindow } from './window.ts';

const PAGE_FOLDER = path.join(import.meta.dirname, '../renderer');

/** electron-vite's development server, and only in an application that is not packaged. */
const DEVELOPMENT = app.isPackaged ? null : URL.parse(process.env['ELECTRON_RENDERER_URL'] ?? '');
const PAGE = DEVELOPMENT?.href ?? `${APP_ORIGIN}/index.html`;

function isOwnPage(url: string): boolean {
  return isAppPage(url) || (DEVELOPMENT !== null && URL.parse(url)?.origin === DEVELOPMENT.origin);
}

protocol.registerSchemesAsPrivileged([
  { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
]);
app.enableSandbox();
app.on('web-contents-created', (_event, contents) =>
  guardNavigation(contents, isOwnPage, (url) => void shell.openExternal(url)),
);
app.on('window-all-closed', () => {
  if (process.platform !== 'darwin') app.quit();
});

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', () => BrowserWindow.getAllWindows()[0]?.focus());
  // Not awaited: Electron says `ready` only once the main module has finished loading.
  void app.whenReady().then(start);
} else {
  app.quit();
}

function start(): void {
  protocol.handle(APP_SCHEME, (request) => answerFromFolder(PAGE_FOLDER, request));
  denyPermissions(session.defaultSession);
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(process.platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
      { role: 'editMenu' },
      { role: 'viewMenu' },
      { role: 'windowMenu' },
    ]),
  );
  ipcMain.handle(CHANNELS.call, (event, _id: unknown, name: unknown): WireReply => {
    assertOwnSender(event, isOwnPage);
    if (name === 'app.about') {
      const about: About = { version: app.getVersion(), platform: process.platform, host: 'desktop' };
      return { ok: true, value: about };
    }
    const error = { code: 'CALL_UNKNOWN', message: 'There is no such call.', hint: null, detail: null, findings: [] };
    return { ok: false, error };
  });
  openWindow(PAGE);
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) openWindow(PAGE);
  });
}
