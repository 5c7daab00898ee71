import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { runCommandLine } from '../../engine/cli/command-line.ts';
import { Terminal } from '../../engine/cli/terminal.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const MAIN = path.join(ROOT, 'engine', 'cli', 'main.ts');

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs the command line inside this process, as quick as a function call, with streams that are no terminal; with `told`, which hears what is
 * written to stderr, somebody sits at one.
 */
export async function cli(
  args: string[],
  env: Record<string, string> = {},
  told?: (stderr: string) => void,
): Promise<CliResult> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
      if (name === 'stderr') told?.(text);
      return true;
    },
    isTTY: told !== undefined && name === 'stderr',
  });
  const terminal = new Terminal({
    stdin: { isTTY: told !== undefined },
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env,
    color: !args.includes('--no-color'),
  });
  const code = await runCommandLine(args, terminal, env);
  return { code, ...written };
}

export interface RunningCli {
  child: ChildProcess;
  result: Promise<CliResult>;
}

/** Starts the real program as a process of its own. */
export function startCli(
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; entry?: string } = {},
): RunningCli {
  const child = spawn(process.execPath, [options.entry ?? MAIN, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text;
  });
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...written }));
  });
  return { child, result };
}
