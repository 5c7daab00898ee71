import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { binaryOf, compileKernel, KERNELS } from './compile-kernels.ts';

test.each(KERNELS)('the compiled kernel is the one in %s.as', async (kernel) => {
  expect((await readFile(binaryOf(kernel), 'utf8')).replaceAll('\r\n', '\n')).toBe(await compileKernel(kernel));
});
