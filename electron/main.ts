import path from 'node:path';
import { app, BrowserWindow, Menu, protocol, session, shell, utilityProcess } from 'electron';
import { APP_ORIGIN, APP_SCHEME, answerFromFolder, isAppPage } from './app-protocol.ts';
import { MESSAGES } from './channels.ts';
import { type EngineChild, EngineProcess } from './engine-process.ts';
import { tellFailure } from './failure-notification.ts';
import { listenToPages } from './ipc.ts';
import { menuTemplate } from './menu.ts';
import { denyPermissions, guardNavigation, openSignIn } from './security.ts';
import { lookForUpdates } from './updates.ts';
import { openWindow } from './window.ts';

const PAGE_FOLDER = path.join(import.meta.dirname, '../renderer');
const ENGINE = path.join(import.meta.dirname, 'engine-host.js');

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

/** A file that was opened before the application was ready. */
let openedFirst: string | null = null;
/** Set once the engine has been started. */
let openProjectWindow: () => BrowserWindow;

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', (_event, args, workingDirectory) => {
    const [window] = BrowserWindow.getAllWindows();
    if (window?.isMinimized()) window.restore();
    window?.focus();
    const wanted = folderOf(ownArguments(args), workingDirectory);
    if (wanted !== null) openInWindow(wanted);
  });
  // macOS tells of files that are opened, also before the application is ready.
  app.on('open-file', (event, file) => {
    event.preventDefault();
    if (app.isReady()) openInWindow(file);
    else openedFirst = file;
  });
  // Not awaited: Electron says `ready` only once the main module has finished loading.
  void app.whenReady().then(start);
} else {
  app.quit();
}

/** Without the program, and without the application's folder where it is not packaged. */
function ownArguments(args: readonly string[]): readonly string[] {
  return args.filter((argument) => !argument.startsWith('-')).slice(app.isPackaged ? 1 : 2);
}

/** `ingest-studio FOLDER`, `npm start -- FOLDER`; a workbook or a project's file in place of the folder. */
function folderOf(args: readonly string[], workingDirectory: string): string | null {
  const [folder] = args;
  return folder === undefined ? null : path.resolve(workingDirectory, folder);
}

/** The page asks about unsaved edits before it leaves its project. On macOS there may be no window. */
function openInWindow(file: string): void {
  const [window] = BrowserWindow.getAllWindows();
  const send = ({ webContents }: BrowserWindow) => webContents.send(MESSAGES.open, file);
  if (window !== undefined) {
    send(window);
    return;
  }
  const made = openProjectWindow();
  made.webContents.once('did-finish-load', () => send(made));
}

function start(): void {
  protocol.handle(APP_SCHEME, (request) => answerFromFolder(PAGE_FOLDER, request));
  denyPermissions(session.defaultSession);
  const engine = new EngineProcess({
    fork: () => utilityProcess.fork(ENGINE, [], { serviceName: 'Ingest Studio engine' }) as EngineChild,
    start: {
      kind: 'start',
      documentsDirectory: app.getPath('documents'),
      sampleDirectory: path.join(app.isPackaged ? process.resourcesPath : app.getAppPath(), 'resources/sample'),
      version: app.getVersion(),
      openAtStart: openedFirst ?? folderOf(ownArguments(process.argv), process.cwd()),
    },
    onEvent: (name, data) => {
      for (const window of BrowserWindow.getAllWindows()) window.webContents.send(MESSAGES.event, name, data);
      openSignIn(name, data, (url) => void shell.openExternal(url));
      tellFailure(name, data);
    },
  });
  app.on('will-quit', () => engine.close());
  listenToPages(engine, isOwnPage);
  Menu.setApplicationMenu(
    Menu.buildFromTemplate(
      menuTemplate(process.platform, app.isPackaged, (action) => {
        const window = BrowserWindow.getFocusedWindow() ?? BrowserWindow.getAllWindows()[0];
        window?.webContents.send(MESSAGES.menu, action);
      }),
    ),
  );
  openProjectWindow = () => {
    const window = openWindow(PAGE);
    const { webContents } = window;
    const client = String(webContents.id);
    webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      // A page that is left can take no answers.
      if (isMainFrame && !isSameDocument) engine.closeClient(client);
    });
    webContents.on('destroyed', () => engine.closeClient(client));
    return window;
  };
  openProjectWindow();
  void lookForUpdates();
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) openProjectWindow();
  });
}
