import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { findChromium } from '../electron-standin/chromium.ts';
import { buildApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

beforeAll(buildApp);

test.each([
  ['typed', async (url: string) => url],
  [
    // As `ingest ui` opens it: the browser then comes from another site, and strict cookies do not follow redirects.
    'in a file',
    async (url: string, folder: string) => {
      const file = path.join(folder, 'open.html');
      await writeFile(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${url}">`);
      return pathToFileURL(file).href;
    },
  ],
])(
  'the page works in a browser, by a link %s: it loads under its policy and talks to the engine',
  async (_how, addressOf) => {
    await using home = await temporaryFolder();
    const root = path.resolve(import.meta.dirname, '../..');
    const child = spawn(process.execPath, ['engine/cli/main.ts', 'ui', '--no-open', '--json'], {
      cwd: root,
      env: { ...process.env, INGEST_STUDIO_USER_DATA: home.path },
    });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    await expect.poll(() => lines.at(-1), { timeout: 15_000 }).toBe('}');
    const { url } = JSON.parse(lines.join('\n')) as { url: string };
    const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      const answers: string[] = [];
      page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => answers.push(String(payload))));
      await page.goto(await addressOf(url, home.path));
      await page.getByRole('main').waitFor();
      expect(page.url()).toBe(`${new URL(url).origin}/`);
      await expect.poll(() => answers.join('\n'), { timeout: 10_000 }).toContain('"ok":true');
      await page.reload();
      await page.getByRole('main').waitFor();
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      await exited;
    }
  },
);
