import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openEngineLog } from '../../electron/engine-log.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test('a crash is noted by kind and place, without what the error says; a full log begins anew', async () => {
  await using folder = await temporaryFolder();
  const directory = path.join(folder.path, 'new');
  const log = openEngineLog(directory);
  log.note('version 1.0.0 started');
  log.crash(Object.assign(new TypeError('password=hunter2 refused'), { code: 'ERR_X' }));
  log.crash('no error at all');
  const file = path.join(directory, 'engine.log');
  const text = await readFile(file, 'utf8');
  expect(text).toContain('version 1.0.0 started');
  expect(text).toContain('crashed: TypeError ERR_X\n    at ');
  expect(text).toContain('crashed: string');
  expect(text).not.toContain('hunter2');
  await writeFile(file, 'x'.repeat(1_000_001));
  openEngineLog(directory).note('again');
  expect((await readFile(file, 'utf8')).length).toBeLessThan(100);
  // Where nothing can be written nothing is said, and nothing breaks.
  openEngineLog(path.join(file, 'below a file')).note('lost');
});
