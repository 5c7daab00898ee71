/**
 * `npm run docs`: writes what the documents say of the source: JSON Schemas, error codes, the reference of the engine's functions.
 * `--check` writes nothing and ends with 1 where a file differs: the tests hold the documents to the source.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedDocuments } from './documents.ts';

const root = path.join(import.meta.dirname, '../..');
let differ = 0;
for (const [name, text] of Object.entries(generatedDocuments(root))) {
  const file = path.join(root, 'docs', ...name.split('/'));
  let before = '';
  try {
    before = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    // There was none.
  }
  if (before === text) continue;
  differ += 1;
  console.log(`${process.argv.includes('--check') ? 'differs' : 'written'}: docs/${name}`);
  if (process.argv.includes('--check')) continue;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
if (process.argv.includes('--check') && differ > 0) {
  console.error('What to do: npm run docs');
  process.exitCode = 1;
}
