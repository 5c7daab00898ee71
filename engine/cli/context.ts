import path from 'node:path';
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

/** Opens the project that `--config` and `--env` name; from then on the terminal redacts its secrets. */
export async function openForCommand({ terminal, env, globals }: CommandContext, options: { secrets?: boolean } = {}) {
  const { openProject } = await import('../open-project.ts');
  const opened = await openProject(path.resolve(globals.config), {
    environment: env,
    ...(globals.env === undefined ? {} : { env: globals.env }),
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
  });
  terminal.redact = (text) => opened.redactor.text(text);
  return opened;
}
