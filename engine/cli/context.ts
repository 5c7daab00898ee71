import path from 'node:path';
import type { OpenProject, VaultAccess } from '../open-project.ts';
import { ProjectInvalidError } from '../pipeline/plan-run.ts';
import type { LogLevel } from '../runs/events.ts';
import { currentSignInDesk } from '../sign-in/sign-in-desk.ts';
import type { Terminal } from './terminal.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  config: string;
  env?: string;
  logLevel: LogLevel;
  json?: boolean;
  workDir?: string;
}

export interface CommandContext {
  terminal: Terminal;
  env: Record<string, string | undefined>;
  globals: GlobalOptions;
}

/**
 * Opens the project that `--config` and `--env` name; from then on the terminal redacts its secrets.
 * @param options `vault` asks the project's key vault; without it what it holds is deferred. Its warnings are told, unless `warn` is false
 * @throws ProjectInvalidError where there is no workbook to be read: everything else would be said of an empty one. `validate` tolerates it.
 */
export async function openForCommand(
  { terminal, env, globals }: CommandContext,
  options: { secrets?: boolean; tolerant?: boolean; vault?: VaultAccess; warn?: boolean } = {},
): Promise<OpenProject> {
  const { openProject, vaultWarnings } = await import('../open-project.ts');
  const opened = await openProject(path.resolve(globals.config), {
    environment: env,
    ...(globals.env === undefined ? {} : { env: globals.env }),
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
    ...(options.vault === undefined ? {} : { vault: options.vault }),
  });
  const desk = currentSignInDesk();
  // `--config` may name a file of the project.
  if (desk !== null) desk.project = opened.directory;
  terminal.redact = (text) => opened.redactor.text(text);
  if (options.vault !== undefined && options.warn !== false) {
    for (const { message } of vaultWarnings(opened)) terminal.tell(`${terminal.style('yellow', '▲')} ${message}`);
  }
  const unreadable = opened.files.findings.filter(
    ({ severity, code }) => severity === 'error' && code.startsWith('WORKBOOK_'),
  );
  if (unreadable.length > 0 && options.tolerant !== true) throw new ProjectInvalidError(unreadable);
  return opened;
}
