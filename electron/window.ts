import path from 'node:path';
import { app, BrowserWindow, dialog, nativeTheme, screen } from 'electron';
import type { MenuAction } from '../engine/contract.ts';
import { MESSAGES } from './channels.ts';
import { readWindowState, writeWindowState } from './window-state.ts';

/** Height of the title bar that the page draws, in pixels. */
const TITLE_BAR = 36;

/** The page's own colours (renderer/theme.ts), so that neither the first frame nor the system's buttons flash. */
const FRAME = {
  light: { color: '#f5f6f7', symbolColor: '#1b1e23' },
  dark: { color: '#141619', symbolColor: '#e6e8eb' },
} as const;

/** Windows whose page has said that closing would lose edits. */
const unsaved = new WeakSet<BrowserWindow>();
const mayClose = new WeakSet<BrowserWindow>();

/** Opens the window on `url`, where it was last; it shows itself once there is something to see. */
export function openWindow(url: string): BrowserWindow {
  const stateFile = path.join(app.getPath('userData'), 'window-state.json');
  const state = readWindowState(
    stateFile,
    screen.getAllDisplays().map(({ workArea }) => workArea),
  );
  const frame = FRAME[nativeTheme.shouldUseDarkColors ? 'dark' : 'light'];
  const window = new BrowserWindow({
    width: 1280,
    height: 820,
    ...(state === null ? {} : { x: state.x, y: state.y, width: state.width, height: state.height }),
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Ingest Studio',
    backgroundColor: frame.color,
    titleBarStyle: 'hidden',
    titleBarOverlay: { ...frame, height: TITLE_BAR },
    webPreferences: {
      preload: path.join(import.meta.dirname, '../preload/index.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    },
  });
  if (state?.maximized === true) window.maximize();
  window.once('ready-to-show', () => window.show());
  const repaint = () => {
    const next = FRAME[nativeTheme.shouldUseDarkColors ? 'dark' : 'light'];
    window.setBackgroundColor(next.color);
    if (process.platform !== 'darwin') window.setTitleBarOverlay({ ...next, height: TITLE_BAR });
  };
  nativeTheme.on('updated', repaint);
  window.on('close', (event) => {
    if (unsaved.has(window) && !mayClose.has(window)) {
      event.preventDefault();
      void askBeforeClosing(window);
      return;
    }
    writeWindowState(stateFile, { ...window.getNormalBounds(), maximized: window.isMaximized() });
  });
  window.once('closed', () => nativeTheme.off('updated', repaint));
  // A page that is gone has nothing to lose any more: what it had is in its recovery copy.
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    unsaved.delete(window);
    if (reason !== 'clean-exit') void window.loadURL(url);
  });
  void window.loadURL(url);
  return window;
}

/** The page says whether closing would lose edits. */
export function setUnsaved(window: BrowserWindow, value: boolean): void {
  if (value) unsaved.add(window);
  else unsaved.delete(window);
}

/** From now on the window closes without asking. */
export function allowClosing(window: BrowserWindow): void {
  mayClose.add(window);
}

async function askBeforeClosing(window: BrowserWindow): Promise<void> {
  const buttons = ['Save', 'Close without saving', 'Cancel'];
  const { response } = await dialog.showMessageBox(window, {
    type: 'warning',
    message: 'Save your changes before closing?',
    detail: 'Without saving, they are offered again the next time you open this project.',
    buttons,
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  });
  if (response === 0) window.webContents.send(MESSAGES.menu, 'project.save_and_close' satisfies MenuAction);
  if (response === 1) {
    allowClosing(window);
    window.close();
  }
}
