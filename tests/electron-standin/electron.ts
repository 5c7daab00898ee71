/** The module `electron` of the main process: what Ingest Studio uses of it, on a page of an installed Chromium. */
import { EventEmitter } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DevTools } from './devtools.ts';
import { registerHandler, registerPrivileged, type SchemeHandler } from './schemes.ts';
import { strict } from './strict.ts';
import { utilities } from './utility-process.ts';

import { WebContents as Contents, type Host, type InvokeHandler } from './web-contents.ts';

type Events = Record<string, any[]>;

/** Filled by boot.ts before the application's main module is loaded. */
export const standIn = {
  appPath: '',
  devtools: undefined as unknown as DevTools,
  exit: (_code: number): void => undefined,
};

const invokeHandlers = new Map<string, InvokeHandler>();

class App extends EventEmitter<Events> {
  readonly isPackaged = false;
  readonly commandLine = { appendSwitch: () => undefined };
  readonly #ready = Promise.withResolvers<void>();
  /** Asked by tests. */
  sandboxed = false;
  #isReady = false;
  #quitting = false;

  whenReady = () => this.#ready.promise;
  isReady = () => this.#isReady;
  requestSingleInstanceLock = () => true;
  getPath(name: string): string {
    const home = os.homedir();
    const config = process.env['XDG_CONFIG_HOME'] ?? path.join(home, '.config');
    const known: Record<string, string> = {
      home,
      documents: path.join(home, 'Documents'),
      userData: path.join(config, 'ingest-studio'),
    };
    const folder = known[name];
    if (folder === undefined) throw new Error(`electron stand-in: app.getPath('${name}') is not modelled`);
    if (name === 'userData') mkdirSync(folder, { recursive: true });
    return folder;
  }

  getAppPath = () => standIn.appPath;
  getVersion = () => String(JSON.parse(readFileSync(path.join(standIn.appPath, 'package.json'), 'utf8')).version);

  enableSandbox(): void {
    if (this.#isReady) throw new Error('app.enableSandbox() can only be called before app is ready');
    this.sandboxed = true;
  }

  /** Called by boot.ts once the main module has finished loading, as Electron does. */
  becomeReady(): void {
    this.#isReady = true;
    this.emit('ready', {}, {});
    this.#ready.resolve();
  }

  quit(): void {
    for (const window of BrowserWindow.getAllWindows()) window.close();
    if (BrowserWindow.getAllWindows().length > 0 || this.#quitting) return;
    this.#quitting = true;
    this.emit('will-quit');
    standIn.exit(0);
  }
}

const theApp = new App();
// Playwright replaces methods of it: they must land on the object itself.
export const app = theApp;

export const ipcMain = strict(
  {
    handle(channel: string, handler: InvokeHandler) {
      if (invokeHandlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
      invokeHandlers.set(channel, handler);
    },
  },
  'ipcMain',
);

export const utilityProcess = utilities;

export const protocol = strict(
  {
    registerSchemesAsPrivileged(schemes: { scheme: string; privileges: { standard?: boolean; secure?: boolean } }[]) {
      if (theApp.isReady())
        throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
      for (const { scheme, privileges } of schemes) registerPrivileged(scheme, privileges);
    },
    handle(scheme: string, handler: SchemeHandler) {
      registerHandler(scheme, handler);
    },
  },
  'protocol',
);

/** A headless page asks for nothing: tests ask what the application has set. */
const permissions: Record<string, unknown> = {};
const defaultSession = strict(
  {
    permissions,
    setPermissionRequestHandler(handler: unknown) {
      permissions['request'] = handler;
    },
    setPermissionCheckHandler(handler: unknown) {
      permissions['check'] = handler;
    },
    setDevicePermissionHandler(handler: unknown) {
      permissions['device'] = handler;
    },
  },
  'session',
);
export const session = strict({ defaultSession }, 'session');

/** No notification is seen here: tests ask which were shown. */
export class Notification extends EventEmitter<Events> {
  static readonly shown: { title: string; body: string }[] = [];
  static isSupported = () => true;
  readonly #text: { title: string; body: string };

  constructor(text: { title: string; body: string }) {
    super();
    this.#text = text;
  }

  show(): void {
    Notification.shown.push(this.#text);
  }
}

export const shell = strict(
  {
    async openExternal(url: string) {
      throw new Error(`electron stand-in: ${url} would go to the system's browser; a test replaces this`);
    },
    showItemInFolder(file: string) {
      throw new Error(`electron stand-in: ${file} would be shown in the system's file manager; a test replaces this`);
    },
  },
  'shell',
);

interface MenuItem {
  id?: string;
  click?: () => void;
  submenu?: MenuItem[];
}
let menu: { items: MenuItem[] } | null = null;
const allItems = (items: MenuItem[]): MenuItem[] => items.flatMap((item) => [item, ...allItems(item.submenu ?? [])]);
/** Nobody sees it; tests click its items by id. */
export const Menu = strict(
  {
    buildFromTemplate: (items: MenuItem[]) => ({ items }),
    setApplicationMenu: (given: { items: MenuItem[] }) => {
      menu = given;
    },
    getApplicationMenu: () => ({
      getMenuItemById: (id: string) => allItems(menu?.items ?? []).find((item) => item.id === id) ?? null,
    }),
  },
  'Menu',
);

const notAsked = async (): Promise<never> => {
  throw new Error('electron stand-in: a test that opens a dialog answers it itself');
};
/** Tests put their answers in. */
export const dialog = strict(
  { showOpenDialog: notAsked, showSaveDialog: notAsked, showMessageBox: notAsked },
  'dialog',
);

export const screen = strict(
  { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] },
  'screen',
);

export const nativeTheme = strict(
  Object.assign(new EventEmitter<Events>(), { shouldUseDarkColors: false }),
  'nativeTheme',
);

interface WindowOptions {
  width: number;
  height: number;
  show?: boolean;
  title?: string;
  x?: number;
  y?: number;
  webPreferences?: Record<string, unknown> & { preload?: string };
}

const windows: BrowserWindow[] = [];

export class BrowserWindow extends EventEmitter<Events> {
  static getAllWindows(): BrowserWindow[] {
    return [...windows];
  }

  static getFocusedWindow(): BrowserWindow | null {
    return null;
  }

  static fromWebContents(contents: unknown): BrowserWindow | null {
    return windows.find((window) => window.webContents === contents) ?? null;
  }

  readonly webContents: Contents;
  readonly #contents: Contents;
  readonly #title: string;
  readonly #bounds: { x: number; y: number; width: number; height: number };
  #maximized = false;
  #visible: boolean;

  constructor(options: WindowOptions) {
    super();
    if (!theApp.isReady()) throw new Error('Cannot create BrowserWindow before app is ready');
    const { preload, ...preferences } = options.webPreferences ?? {};
    // What is unsafe is kept for tests to find, not modelled: the page is isolated all the same.
    const known = ['contextIsolation', 'sandbox', 'nodeIntegration', 'webSecurity', 'spellcheck'];
    for (const [name, value] of Object.entries(preferences)) {
      if (!known.includes(name))
        throw new Error(`electron stand-in: webPreferences.${name} = ${value} is not modelled`);
    }
    this.#visible = options.show ?? true;
    this.#title = options.title ?? '';
    this.#bounds = { x: options.x ?? 0, y: options.y ?? 0, width: options.width, height: options.height };
    const host: Host = { devtools: standIn.devtools, invokeHandlers };
    this.#contents = new Contents(host, preload, options, preferences);
    this.webContents = this.#contents.face;
    this.#contents.once('did-finish-load', () => this.emit('ready-to-show'));
    this.#contents.once('close-wanted', () => this.close());
    windows.push(this);
    theApp.emit('web-contents-created', {}, this.webContents);
  }

  loadURL(url: string): Promise<void> {
    return this.#contents.loadURL(url);
  }

  show(): void {
    this.#visible = true;
  }

  isVisible(): boolean {
    return this.#visible;
  }

  getTitle(): string {
    return this.#title;
  }

  focus(): void {}
  restore(): void {}
  isMinimized = () => false;
  isMaximized = () => this.#maximized;
  getNormalBounds = () => ({ ...this.#bounds });

  maximize(): void {
    this.#maximized = true;
  }

  setBackgroundColor(_color: string): void {}
  setTitleBarOverlay(_overlay: unknown): void {}

  close(): void {
    const at = windows.indexOf(this);
    if (at < 0) return;
    let prevented = false;
    const event = {
      preventDefault: () => {
        prevented = true;
      },
    };
    this.emit('close', event);
    if (prevented) return;
    windows.splice(at, 1);
    this.#contents.destroy();
    this.emit('closed');
    if (windows.length === 0) setImmediate(() => theApp.emit('window-all-closed'));
  }
}

/** Playwright looks pages up by their DevTools target. */
export const webContents = {
  fromDevToolsTargetId: (id: string) => windows.find((window) => window.webContents.targetId === id)?.webContents,
};
