import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

/** Folder of the importing file, and the import that it makes. */
type Case = [folder: string, statement: string];

const FORBIDDEN: Case[] = [
  ['engine/spec', "import { x } from 'node:fs';"],
  ['engine/spec', "import { x } from '../errors.ts';"],
  ['engine/spec', "import type { x } from '../sources/source.ts';"],
  ['engine/spec', "import { x } from 'undici';"],
  ['engine', "import { x } from 'electron';"],
  ['engine/cli', "import { x } from 'react';"],
  ['engine/cli', "import { x } from '@mantine/core';"],
  ['engine', "import { x } from '../renderer/theme.ts';"],
  ['engine', "import { x } from '../electron/main.ts';"],
  ['engine/sources/rest', "const { x } = await import('electron');"],
  ['engine/sources/rest', "import { x } from '../../destinations/destination.ts';"],
  ['engine/sources/rest', "import type { x } from '../../destinations/destination.ts';"],
  ['engine/sources', "import { x } from '../pipeline/retry.ts';"],
  ['engine/sources/rest', "import { x } from '../postgres/postgres-source.ts';"],
  ['engine/destinations/duckdb', "import type { x } from '../../sources/source.ts';"],
  ['engine/destinations', "import { x } from '../pipeline/retry.ts';"],
  ['engine/destinations/duckdb', "import { x } from '../object-store/local-folder.ts';"],
  ['engine/object-stores', "import { x } from '../sources/source.ts';"],
  ['engine/object-stores', "import type { x } from '../destinations/destination.ts';"],
  ['engine/pipeline', "import { x } from '../sources/postgres/postgres-source.ts';"],
  ['engine/pipeline', "import { x } from '../destinations/duckdb/duckdb-destination.ts';"],
  ['engine/cli', "export { x } from '../sources/rest/rest-source.ts';"],
  ['electron', "import { x } from '../engine/pipeline/run-project.ts';"],
  ['electron', "import { x } from '@duckdb/node-api';"],
  ['electron', "import { x } from '../renderer/theme.ts';"],
  ['renderer', "import { x } from '../engine/errors.ts';"],
  ['renderer', "import { x } from '../engine/contract.ts';"],
  ['renderer/grid', "import { x } from '../../engine/runs/run-log.ts';"],
  ['renderer', "import { x } from 'node:fs';"],
  ['renderer', "import { x } from 'electron';"],
  ['renderer', "import { x } from '../electron/preload.ts';"],
];

const ALLOWED: Case[] = [
  ['engine/spec', "import { z as x } from 'zod';"],
  ['engine/spec', "import { x } from './kinds.ts';"],
  ['engine/sources/rest', "import { x } from './paginators.ts';"],
  ['engine/sources/rest', "import { x } from '../source.ts';"],
  ['engine/sources/postgres', "import { x } from '../../duckdb/workspace.ts';"],
  ['engine/destinations/duckdb', "import { x } from '../../duckdb/sql.ts';"],
  ['engine/destinations/duckdb', "import { x } from '../../state/job-state.ts';"],
  ['engine/sources/filesystem', "import { x } from '../../object-stores/open-object-store.ts';"],
  ['engine/destinations/object-store', "import { x } from '../../object-stores/open-object-store.ts';"],
  ['engine/object-stores', "import { x } from '../load-driver.ts';"],
  ['engine/pipeline', "import type { x } from '../sources/source.ts';"],
  ['engine/pipeline', "import type { x } from '../destinations/destination.ts';"],
  ['engine/cli', "import { x } from '../pipeline/run-project.ts';"],
  ['electron', "import { x } from '../engine/contract.ts';"],
  ['renderer', "import { x } from '../engine/spec/kinds.ts';"],
  ['renderer/grid', "import { x } from '../../engine/spec/kinds.ts';"],
  ['renderer', "import type { Contract as x } from '../engine/contract.ts';"],
  ['renderer', "import { x } from '@mantine/core';"],
];

const fileOf = ([folder]: Case, kind: string, index: number) => `${folder}/${kind}-${index}.ts`;
const source = ([, statement]: Case) =>
  statement.startsWith('export') ? `${statement}\n` : `${statement}\nconsole.log(x);\n`;

let project: string;
let reported: Set<string>;

// One run of the linter over one folder with all cases: the real biome.json, the real binary.
beforeAll(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'import-rules-'));
  await cp(path.join(root, 'biome.json'), path.join(project, 'biome.json'));
  const write = async (file: string, text: string) => {
    await mkdir(path.join(project, path.dirname(file)), { recursive: true });
    await writeFile(path.join(project, file), text);
  };
  for (const [i, c] of FORBIDDEN.entries()) await write(fileOf(c, 'forbidden', i), source(c));
  for (const [i, c] of ALLOWED.entries()) await write(fileOf(c, 'allowed', i), source(c));
  await write('engine/connectors.ts', "import { x } from './sources/rest/rest-source.ts';\nx();\n");
  await write('engine/errors.ts', "import { x } from './sources/rest/rest-source.ts';\nx();\n");

  const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none'];
  const run = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
  const report = JSON.parse(run.stdout) as {
    diagnostics: { category: string; severity: string; location: { path: string | { file: string } } }[];
  };
  reported = new Set(
    report.diagnostics
      .filter((d) => d.category === 'lint/style/noRestrictedImports' && d.severity === 'error')
      .map((d) => (typeof d.location.path === 'string' ? d.location.path : d.location.path.file).replaceAll('\\', '/')),
  );
});

afterAll(() => rm(project, { recursive: true, force: true }));

describe('an import that crosses a border is a lint error', () => {
  test.each(FORBIDDEN.map((c, i) => ({ name: c.join(': '), file: fileOf(c, 'forbidden', i) })))('$name', ({ file }) => {
    expect(reported).toContain(file);
  });
});

describe('an import inside the borders is none', () => {
  test.each(ALLOWED.map((c, i) => ({ name: c.join(': '), file: fileOf(c, 'allowed', i) })))('$name', ({ file }) => {
    expect(reported).not.toContain(file);
  });
});

test('engine/connectors.ts alone knows the concrete sources and destinations', () => {
  expect(reported).not.toContain('engine/connectors.ts');
  expect(reported).toContain('engine/errors.ts');
});
