import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { IngestError } from '../../errors.ts';
import { PACKAGE_DIRECTORY } from '../../package-directory.ts';
import { createSecretStore } from '../../secrets/secret-store.ts';
import { createEngineService } from '../../service/engine-service.ts';
import { applyNetworkSettings, readSettings } from '../../service/settings.ts';
import { userDataDirectory } from '../../user-data/user-data.ts';
import { startWebHost } from '../../web-host/web-host.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { exists } from '../paths.ts';
import { VERSION } from '../version.ts';

export interface UiOptions {
  /** 0 takes a free one. */
  port: number;
  open: boolean;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

const PAGE_FOLDER = path.join(PACKAGE_DIRECTORY, 'out/renderer');

/** `ingest ui`: the window in a browser, until Ctrl+C. For computers where the desktop application cannot be installed. */
export async function ui(context: CommandContext, options: UiOptions): Promise<ExitCode> {
  const { terminal, env, globals } = context;
  if (!(await exists(path.join(PAGE_FOLDER, 'index.html')))) {
    throw new IngestError('PAGE_NOT_BUILT', `The page is not there: ${PAGE_FOLDER}.`, {
      hint: 'Build it once with npm run build.',
    });
  }
  const directory = userDataDirectory(env);
  await readSettings({ userDataDirectory: directory })
    .then(applyNetworkSettings)
    .catch((error: unknown) =>
      terminal.tell(`Settings are left aside: ${error instanceof Error ? error.message : error}`),
    );
  const project = path.resolve(globals.config);
  const host = await startWebHost({
    pageFolder: PAGE_FOLDER,
    port: options.port,
    createService: (emit) =>
      createEngineService({
        emit,
        userDataDirectory: directory,
        documentsDirectory: path.join(os.homedir(), 'Documents'),
        sampleDirectory: path.join(PACKAGE_DIRECTORY, 'resources/sample'),
        secretStore: createSecretStore({ directory }),
        version: VERSION,
        host: 'web',
        environment: env,
        openAtStart: project,
      }),
  }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new IngestError('PORT_NOT_AVAILABLE', `Port ${options.port} cannot be used (${code}).`, {
      hint: 'Choose another one, or leave --port out to take a free one.',
      cause: error,
    });
  });
  const ended = untilSignal();
  if (globals.json) terminal.printJson({ origin: host.origin, url: host.url });
  else terminal.print(`Ingest Studio is at ${host.url}\nThe link works once, in one browser. Ctrl+C ends it.`);
  const opener = options.open ? await openBrowser(host.newUrl(), directory) : null;
  try {
    await ended;
  } finally {
    if (opener !== null) await rm(opener, { force: true });
    await host.close();
  }
  return EXIT.ok;
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve());
  });
}

/**
 * Opens the system's browser by way of a file that only this user may read: other users see the arguments of every process, and so the token.
 * Gives the file's path; null where there is no browser to open.
 */
async function openBrowser(url: string, directory: string): Promise<string | null> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, `open-${process.pid}.html`);
  const page = `<!doctype html><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url=${url}"><title>Ingest Studio</title>`;
  await rm(file, { force: true });
  await writeFile(file, page, { mode: 0o600, flag: 'wx' });
  const [command, ...args] =
    process.platform === 'win32'
      ? ['rundll32', 'url.dll,FileProtocolHandler', file]
      : [process.platform === 'darwin' ? 'open' : 'xdg-open', file];
  return new Promise((resolve) => {
    const child = spawn(command as string, args, { stdio: 'ignore', detached: true });
    child.once('spawn', () => resolve(file));
    child.once('error', () => void rm(file, { force: true }).then(() => resolve(null)));
    child.unref();
  });
}
