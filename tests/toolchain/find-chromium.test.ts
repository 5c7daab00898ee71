import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const module = path.resolve(import.meta.dirname, '../electron-standin/chromium.ts');
const program = `
  const { findChromium } = await import(${JSON.stringify(module)});
  try { console.log(findChromium()); } catch (error) { console.log(error.message); }
`;
const find = (env: Record<string, string>) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env }).trim();

test('without a browser the window tests say how to install one', () => {
  expect(find({ PATH: '', CHROMIUM_PATH: path.join(import.meta.dirname, 'nowhere') })).toContain(
    'apt-get install -y chromium',
  );
});

test('a browser that is named is taken', () => {
  expect(find({ PATH: '', CHROMIUM_PATH: process.execPath })).toBe(process.execPath);
});
