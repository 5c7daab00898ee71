import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

test.runIf(!existsSync(path.join(root, 'node_modules/electron/path.txt')))(
  'npm start says what to use where Electron cannot be had',
  async () => {
    // A mirror that nobody serves: the download fails at once, on a machine with or without a network.
    const env = { ...process.env, ELECTRON_MIRROR: 'http://127.0.0.1:1/', ELECTRON_OVERRIDE_DIST_PATH: undefined };
    const child = spawn(process.execPath, ['electron/start.ts'], { cwd: root, env });
    child.stdout.resume();
    const [said, code] = await Promise.all([text(child.stderr), new Promise((resolve) => child.once('exit', resolve))]);
    expect(said).toContain("Electron's binary could not be downloaded");
    expect(said).toContain('npm run ui');
    expect(said).toContain('npm run demo');
    expect(code).toBe(1);
  },
);
