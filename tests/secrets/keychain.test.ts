import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemKeychain } from '../../engine/secrets/keychain.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'use-keychain.ts');

describe.runIf(process.platform === 'linux')(
  'the keychain of Linux, for real: GNOME Keyring on a bus of its own',
  () => {
    beforeAll(() => {
      try {
        execFileSync('sh', ['-c', 'command -v dbus-run-session && command -v gnome-keyring-daemon']);
      } catch {
        throw new Error(
          'The keychain tests need GNOME Keyring: apt-get install -y --no-install-recommends gnome-keyring dbus',
        );
      }
    });

    /** Runs shell commands in a session with a home of its own; `$NODE $SCRIPT` is the program above. */
    async function session(home: string, commands: string): Promise<Record<string, unknown>[]> {
      const env = {
        PATH: process.env['PATH'],
        HOME: home,
        NODE: process.execPath,
        SCRIPT: script,
        DATA: path.join(home, 'data'),
      };
      const { stdout } = await run('dbus-run-session', ['--', 'sh', '-c', commands], { env, timeout: 50_000 });
      return stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    }
    const unlock = 'printf "\\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1;';

    test('a secret outlives the process and the session; its file holds neither it nor the key', async () => {
      await using home = await temporaryFolder();
      const [first, second] = await session(
        home.path,
        `${unlock} "$NODE" "$SCRIPT" "$DATA" set; "$NODE" "$SCRIPT" "$DATA" get`,
      );
      const kept = { value: 'keyring-secret', state: { available: true, hint: null } };
      expect(first).toMatchObject(kept);
      expect(second).toMatchObject(kept);
      const [third] = await session(home.path, `${unlock} "$NODE" "$SCRIPT" "$DATA" get`);
      expect(third).toMatchObject(kept);
      expect(await readdir(path.join(home.path, 'data'))).toEqual(['secrets.json']);
      expect(await readFile(path.join(home.path, 'data/secrets.json'), 'utf8')).not.toContain('keyring-secret');
    });

    test('locked: a clear message, and nothing is written', async () => {
      await using home = await temporaryFolder();
      const [answer] = await session(home.path, '"$NODE" "$SCRIPT" "$DATA" set');
      expect(answer).toMatchObject({ code: 'KEYCHAIN_NOT_AVAILABLE', hint: expect.stringContaining('gnome-keyring') });
      expect(await readdir(path.join(home.path, 'data'))).toEqual([]);
    });

    test('without any keychain: a clear message, and nothing is written', async () => {
      await using home = await temporaryFolder();
      const env = { PATH: process.env['PATH'], HOME: home.path };
      const { stdout } = await run(process.execPath, [script, path.join(home.path, 'data'), 'set'], { env });
      expect(JSON.parse(stdout)).toMatchObject({
        code: 'KEYCHAIN_NOT_AVAILABLE',
        message: expect.stringContaining('The keychain cannot be used'),
      });
      expect(await readdir(path.join(home.path, 'data'))).toEqual([]);
    });
  },
);

test('the keychain of this session, whatever it is, answers or says why it cannot', async () => {
  const chain = systemKeychain('an entry that nobody made');
  const answer = await chain.get().catch((error: unknown) => error);
  if (answer !== null) expect(answer).toMatchObject({ code: 'KEYCHAIN_NOT_AVAILABLE', hint: expect.any(String) });
  expect(chain.name).not.toBe('');
});
