import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { completionScript, SHELLS } from '../../engine/cli/completion-script.ts';

const CLI = path.join(import.meta.dirname, '../../engine/cli/main.ts');
const run = promisify(execFile);

const script = async (shell: string) => (await run(process.execPath, [CLI, 'completion', shell])).stdout;

test.runIf(process.platform !== 'win32')('bash completes commands, options, choices', async () => {
  const text = await script('bash');
  const complete = async (...words: string[]) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const ask = `${text}\nCOMP_WORDS=(ingest ${list}); COMP_CWORD=${words.length}; _ingest; echo "\${COMPREPLY[@]}"`;
    return (await run('bash', ['--norc', '-c', ask])).stdout.trim().split(' ');
  };
  expect(await complete('ex')).toEqual(['export']);
  expect(await complete('export', '--da')).toEqual(['--dab', '--dab-image']);
  expect(await complete('export', '--ci', 'g')).toEqual(['github']);
  expect(await complete('-c', 'shop', 'state', 're')).toEqual(['reset']);
  expect(await complete('run', '--work')).toContain('--workers');
});

test.each(SHELLS)('%s gets every command', async (shell) => {
  const text = await script(shell);
  for (const command of ['run', 'validate', 'import-dlt', 'completion']) expect(text).toContain(command);
  expect(text).toContain('dlt-ingest');
});

test.each(SHELLS)('%s: words with quotes stay words', (shell) => {
  const text = completionScript(shell, [
    {
      name: 'load',
      summary: "a person's \\ job",
      options: [{ flag: '--how', help: "it's", choices: ['fast', 'well'] }],
      subcommands: [{ name: 'again', summary: "what's left" }],
    },
  ]);
  for (const word of ['load', 'again', 'how']) expect(text).toContain(word);
  if (shell === 'fish') expect(text).toContain("-d 'a person\\'s \\\\ job'");
});
