import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copySample } from '../../resources/sample/demo.ts';
import { cli } from './cli-process.ts';
import { tempFolder } from './cli-project.ts';

let root: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder: root, remove } = await tempFolder());
  await copySample(path.join(root, 'sample'));
});
afterAll(() => remove());

const preview = (...args: string[]) => cli(['-c', path.join(root, 'sample'), 'preview', ...args]);

test('records an API and replays it; says what was detected and how long the whole read takes', async () => {
  const file = path.join(root, 'products.json');
  const first = await preview('products', '--pages', '2', '--rows', '2', '--record', file);
  expect(first.code).toBe(0);
  expect(first.stderr).toMatch(/Recorded \d requests in .*without secrets/);
  expect(first.stdout).toContain('A run asks next: GET http://127.0.0.1:');
  expect(first.stdout).toMatch(/The whole read takes .* requests? at \d+ ms a page/);
  expect(first.stdout).toMatch(/pagination_type +offset +in use +2 pages came and no page repeats another/);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    format: 'ingest-studio-recording',
    version: 1,
    job: 'shop.products',
  });
  // The sample's server has another port by now: nothing but the recording can answer.
  const again = await preview('products', '--pages', '2', '--rows', '2', '--replay', file);
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('Replayed from a recording; nothing was sent.');
  expect(again.stdout).toContain(first.stdout.slice(0, first.stdout.indexOf('\n')));
});

test('a recording of another job, and one for what is no API', async () => {
  const file = path.join(root, 'customers.json');
  expect((await preview('customers', '--pages', '1', '--record', file)).code).toBe(0);
  const other = await preview('orders', '--replay', file);
  expect(other.code).not.toBe(0);
  expect(other.stderr).toContain('The recording holds no answer to GET /orders');
  const files = await preview('files.stores', '--replay', file);
  expect(files.code).not.toBe(0);
  expect(files.stderr).toContain('--replay is for APIs');
});
