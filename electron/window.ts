import path from 'node:path';
import { BrowserWindow, nativeTheme } from 'electron';

/** Height of the title bar that the page draws, in pixels. */
const TITLE_BAR = 36;

/** The page's own colours (renderer/theme.ts), so that neither the first frame nor the system's buttons flash. */
const FRAME = {
  light: { color: '#f5f6f7', symbolColor: '#1b1e23' },
  dark: { color: '#141619', symbolColor: '#e6e8eb' },
} as const;

/** Opens the window on `url`; it shows itself once there is something to see. */
export function openWindow(url: string): BrowserWindow {
  const frame = FRAME[nativeTheme.shouldUseDarkColors ? 'dark' : 'light'];
  const window = new BrowserWindow({
    width: 1280,
    height: 820,
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
  window.once('ready-to-show', () => window.show());
  const repaint = () => {
    const next = FRAME[nativeTheme.shouldUseDarkColors ? 'dark' : 'light'];
    window.setBackgroundColor(next.color);
    if (process.platform !== 'darwin') window.setTitleBarOverlay({ ...next, height: TITLE_BAR });
  };
  nativeTheme.on('updated', repaint);
  window.once('closed', () => nativeTheme.off('updated', repaint));
  void window.loadURL(url);
  return window;
}
