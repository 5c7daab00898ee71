import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { bytesText } from '../../runs/event-text.ts';
import { findOldRuns, removeOldRuns } from '../../runs/retention.ts';
import { isProcessAlive } from '../../state/target-lock.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { plural } from '../format.ts';
import { exists, shortPath } from '../paths.ts';

export interface CleanOptions {
  dryRun?: boolean;
  packages?: boolean;
}

interface Leftover {
  folder: string;
  kind: 'spool' | 'incomplete package' | 'complete package';
  bytes: number;
}

/**
 * `ingest clean`: removes what dead runs left below `metadata/`: temporary files and incomplete packages. They hold rows of the sources.
 * Logs, metrics and reports of runs beyond the limits of `[history]` go, too.
 * Complete packages are loaded by the next run; with `--packages` they go too, and their rows are read again.
 */
export async function clean(context: CommandContext, options: CleanOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const { directory, project } = await openForCommand(context, { secrets: false, tolerant: true });
  const workDirectory = globals.workDir === undefined ? directory : path.resolve(globals.workDir);
  const metadata = path.join(workDirectory, 'metadata');
  const old = await findOldRuns(workDirectory, project.history, Date.now());
  const runs = options.dryRun === true ? old : await removeOldRuns(old);
  const history = { runs: runs.map(({ runId }) => runId), bytes: runs.reduce((sum, { bytes }) => sum + bytes, 0) };
  const { leftovers, running } = await findLeftovers(metadata);
  const removed = leftovers.filter(({ kind }) => kind !== 'complete package' || options.packages === true);
  const kept = leftovers.length - removed.length;
  if (options.dryRun !== true) {
    for (const { folder } of removed)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  if (globals.json) {
    terminal.printJson({ removed, kept, running, history, dry_run: options.dryRun === true });
    return EXIT.ok;
  }
  for (const { folder, kind, bytes } of removed) terminal.print(`${shortPath(folder)}  ${kind}, ${bytesText(bytes)}`);
  const size = bytesText(removed.reduce((sum, { bytes }) => sum + bytes, 0));
  terminal.print(
    `${plural(removed.length, 'folder')} (${size}) ${options.dryRun === true ? 'would be removed' : 'removed'}.`,
  );
  if (runs.length > 0) {
    const verb = options.dryRun === true ? 'would be forgotten' : 'forgotten';
    terminal.print(
      `${plural(runs.length, 'run')} beyond the limits of [history] (${bytesText(history.bytes)}) ${verb}.`,
    );
  }
  if (running > 0) terminal.print(`${plural(running, 'run')} still going on: packages were left alone.`);
  if (kept > 0)
    terminal.print(
      `${plural(kept, 'complete package')} kept: the next run loads them first (--packages removes them, their rows are read again).`,
    );
  return EXIT.ok;
}

async function findLeftovers(metadata: string): Promise<{ leftovers: Leftover[]; running: number }> {
  const leftovers: Leftover[] = [];
  let running = 0;
  const spools = path.join(metadata, 'spool');
  for (const name of await names(spools)) {
    const folder = path.join(spools, name);
    const pid = /-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && isProcessAlive(Number(pid))) running += 1;
    else leftovers.push({ folder, kind: 'spool', bytes: await sizeOf(folder) });
  }
  // A package without a manifest may be one that a living run is writing.
  if (running > 0) return { leftovers, running };
  for (const folder of await packageFolders(path.join(metadata, 'packages'))) {
    const complete = await exists(path.join(folder, 'manifest.json'));
    leftovers.push({ folder, kind: complete ? 'complete package' : 'incomplete package', bytes: await sizeOf(folder) });
  }
  return { leftovers, running };
}

/** `packages/<pipeline>/<destination>/<schema>.<table>/<load id>` */
async function packageFolders(packages: string): Promise<string[]> {
  let folders = [packages];
  for (let level = 0; level < 4; level += 1) {
    const below = await Promise.all(
      folders.map(async (folder) => (await names(folder)).map((name) => path.join(folder, name))),
    );
    folders = below.flat();
  }
  return folders;
}

async function names(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map((entry) => stat(path.join(entry.parentPath, entry.name)).then(({ size }) => size)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
