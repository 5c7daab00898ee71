import path from 'node:path';
import type { OpenProject } from '../open-project.ts';
import { ProjectInvalidError } from '../pipeline/plan-run.ts';
import type { LogLevel } from '../runs/events.ts';
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
 * @throws ProjectInvalidError where there is no workbook to be read: everything else would be said of an empty one. `validate` tolerates it.
 */
export async function openForCommand(
  { terminal, env, globals }: CommandContext,
  options: { secrets?: boolean; tolerant?: boolean } = {},
): Promise<OpenProject> {
  const { openProject } = await import('../open-project.ts');
  const opened = await openProject(path.resolve(globals.config), {
    environment: env,
    ...(globals.env === undefined ? {} : { env: globals.env }),
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
  });
  terminal.redact = (text) => opened.redactor.text(text);
  const unreadable = opened.files.findings.filter(
    ({ severity, code }) => severity === 'error' && code.startsWith('WORKBOOK_'),
  );
  if (unreadable.length > 0 && options.tolerant !== true) throw new ProjectInvalidError(unreadable);
  return opened;
}
