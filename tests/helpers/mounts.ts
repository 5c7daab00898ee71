import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';

const run = promisify(execFile);

/** Mounts for tests that want a disk of their own. Only root may mount, and only on Linux: elsewhere the test says that it was not run. */
export async function mount(
  context: TestContext,
  ...args: string[]
): Promise<{ remount(options: string): Promise<void> } & AsyncDisposable> {
  const target = args.at(-1) as string;
  try {
    await run('mount', args);
  } catch (error) {
    context.skip(
      `not run, because this machine does not let the test mount a file system: ${(error as Error).message.split('\n')[0]}`,
    );
  }
  return {
    remount: async (options) => {
      await run('mount', ['-o', `remount,${options}`, target]);
    },
    [Symbol.asyncDispose]: async () => {
      await run('umount', [target]);
    },
  };
}
