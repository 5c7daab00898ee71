import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import { generatedDocuments } from '../../docs/generate/documents.ts';
import { errorCodes } from '../../docs/generate/error-codes.ts';
import { jsonSchemas } from '../../docs/generate/schemas.ts';
import { MEANINGS } from '../../docs/generate/troubleshooting.ts';
import { openProject } from '../../engine/open-project.ts';

const root = path.join(import.meta.dirname, '../..');
const text = (...file: string[]) => readFileSync(path.join(root, ...file), 'utf8').replaceAll('\r\n', '\n');

test('generated documents are those of the source (else: npm run docs)', () => {
  for (const [name, expected] of Object.entries(generatedDocuments(root))) {
    expect(text('docs', ...name.split('/')) === expected, `docs/${name} is old: npm run docs`).toBe(true);
  }
});

test('the guide has every code of the source, and no other', () => {
  const codes = errorCodes([path.join(root, 'engine'), path.join(root, 'electron')]).map(({ code }) => code);
  // Codes that everybody meets, from places that say them in different ways.
  for (const code of [
    'JOB_VALUE_NOT_ALLOWED',
    'API_PAGINATION_LOOP',
    'LOCKED',
    'EXPORT_REFUSED',
    'SECRET_MISSING',
    'PRIMARY_KEY_TIE',
  ]) {
    expect(codes).toContain(code);
  }
  const told = [...text('docs/TROUBLESHOOTING_GUIDE.md').matchAll(/<a id="[^"]+"><\/a>`([A-Z0-9_]+)`/g)].map(
    ([, code]) => code,
  );
  expect(told.sort()).toEqual(codes.sort());
  // Else: a sentence in MEANINGS of docs/generate/troubleshooting.ts.
  const silent = [...text('docs/TROUBLESHOOTING_GUIDE.md').matchAll(/<\/a>`([A-Z0-9_]+)` \| {2}\|/g)].map(
    ([, code]) => code,
  );
  expect(silent).toEqual([]);
  for (const code of Object.keys(MEANINGS)) expect(codes).toContain(code);
});

test('the published schemas take the sample, and refuse what it would not be', async () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const schemas = jsonSchemas();
  const row = ajv.compile(schemas['job-row.schema.json'] as object);
  const config = ajv.compile(schemas['config.schema.json'] as object);
  const opened = await openProject(path.join(root, 'resources/sample'), { environment: {} });
  const { headers = [], rows = [] } = opened.raw.jobs ?? {};
  const jobs = rows.map(({ cells }) =>
    Object.fromEntries(headers.map((header, index) => [header, cells[index]]).filter(([, cell]) => cell !== '')),
  );
  expect(jobs.length).toBeGreaterThan(10);
  for (const job of jobs) expect(row(job), JSON.stringify(row.errors)).toBe(true);
  expect(row({ ...jobs[0], load_type: 'SOMETIMES' })).toBe(false);
  expect(row({ ...jobs[0], page_size: 100_000 })).toBe(false);
  const sample = parse(text('resources/sample/.dlt/config.toml'));
  expect(config(sample), JSON.stringify(config.errors)).toBe(true);
  expect(config({ sources: { shop: { type: 'postgresql', port: 700_000 } } })).toBe(false);
});
