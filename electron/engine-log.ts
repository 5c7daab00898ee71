import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A log that has grown beyond it begins anew, bytes. */
const MOST_BYTES = 1_000_000;

/** When the engine's process began and what it broke down of: `engine.log` among the person's own files. */
export interface EngineLog {
  note(text: string): void;
  /** Kind and place of an error; never its message, which could repeat what a server said. */
  crash(error: unknown): void;
}

/** Never throws: a log that cannot be written stops nobody. */
export function openEngineLog(directory: string): EngineLog {
  const file = path.join(directory, 'engine.log');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES) writeFileSync(file, '');
  } catch {
    // As above.
  }
  const note = (text: string): void => {
    try {
      appendFileSync(file, `${new Date().toISOString()} ${text}\n`, { mode: 0o600 });
    } catch {
      // As above.
    }
  };
  return {
    note,
    crash(error) {
      const { name, code, stack } = error as { name?: string; code?: string; stack?: string };
      const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
      note([`crashed: ${name ?? typeof error}${code === undefined ? '' : ` ${code}`}`, ...frames].join('\n'));
    },
  };
}
