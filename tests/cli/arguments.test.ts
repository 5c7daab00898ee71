import { describe, expect, test } from 'vitest';
import { toCommandForm } from '../../engine/cli/command-form.ts';
import { cli } from './cli-process.ts';

describe('the flag form', () => {
  const commands = ['run', 'validate', 'list', 'help'];
  test.each([
    [['--validate'], ['validate']],
    [
      ['--list', '--json'],
      ['list', '--json'],
    ],
    [
      ['-c', 'dir', '--validate'],
      ['validate', '-c', 'dir'],
    ],
    [
      ['--job', 'orders'],
      ['--job', 'orders'],
    ],
    [
      ['run', '--list'],
      ['run', '--list'],
    ],
    [
      ['--job', '--', '--list'],
      ['--job', '--', '--list'],
    ],
    [[], []],
  ])('%j means %j', (args, expected) => {
    expect(toCommandForm(args, commands)).toEqual(expected);
  });
});

describe('help', () => {
  test('lists the commands that exist, with examples', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const command of [
      'run',
      'validate',
      'list',
      'test',
      'discover',
      'preview',
      'preflight',
      'state',
      'secrets',
      'import-dlt',
      'export',
      'diff',
      'ui',
      'clean',
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    }
    expect(stdout).toContain('ingest --validate');
  });

  test.each(['run', 'validate', 'list', 'test', 'discover', 'preview', 'clean'])(
    'of %s names its options',
    async (command) => {
      const { code, stdout } = await cli([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: ingest ${command}`);
      expect(stdout).toContain('--config');
    },
  );

  test('the version is the package’s', async () => {
    const { stdout } = await cli(['--version']);
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('what is mistyped ends with exit code 2 and a way out', () => {
  test.each([
    [['validat'], 'Did you mean "ingest validate"?'],
    [['orders'], 'ingest run --job orders'],
    [['--jsn'], '--json'],
    [['run', '--paralel'], '--parallel'],
    [['run', '--workers', '99'], '1 to 20'],
    [['run', '--sample', 'many'], 'whole number'],
    [['list', '--log-level', 'LOUD'], 'DEBUG, INFO, WARNING, ERROR'],
    [['discover'], 'connection'],
    [['state', 'shw'], 'show'],
    [['preview', 'a', 'b'], 'too many arguments'],
  ])('ingest %j', async (args, expected) => {
    const { code, stdout, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stderr).toContain(expected);
    expect(stdout).toBe('');
  });

  test('a command group without a command shows what it has', async () => {
    const { code, stderr } = await cli(['state']);
    expect(code).toBe(2);
    expect(stderr).toContain('reset');
  });

  test('a folder that is no project', async () => {
    const { code, stdout, stderr } = await cli(['-c', '/no/such/folder', 'list', '--json']);
    expect(code).toBe(2);
    expect(stderr).toContain('what to do:');
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'PROJECT_NOT_FOUND', hint: expect.any(String) });
  });
});
