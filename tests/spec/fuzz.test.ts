import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECK_COLUMN_NAMES, CHECK_COLUMNS, checkModel } from '../../engine/spec/check.ts';
import { connectionModel } from '../../engine/spec/connection.ts';
import { destinationModel } from '../../engine/spec/destination.ts';
import { jobModel } from '../../engine/spec/job.ts';
import { JOB_COLUMN_NAMES, jobColumn } from '../../engine/spec/job-columns.ts';
import { normalizeName } from '../../engine/spec/naming.ts';
import type { RawProject, RawSheet, Table } from '../../engine/spec/project.ts';
import { resourceOptionsModel } from '../../engine/spec/resource.ts';
import { SECRET_KEYS } from '../../engine/spec/secret-keys.ts';
import { findingsFor, select } from '../../engine/spec/selector.ts';
import { pipelineSettingsModel, SETTING_KEYS } from '../../engine/spec/settings.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';

/** No ordinary word of a message. */
const SECRET = 'hunter2-Zq8';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    'toString',
    '1e309',
    '-0',
    '"',
    '",',
    '((',
    'a:b:c',
    'x'.repeat(300),
    SECRET,
    `x${SECRET},y`,
  ),
);
const names = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('shop', 'api', 'files') },
  { weight: 1, arbitrary: fc.constantFrom('postgresql', '__proto__', 'Shop') },
);

/** Cells that are right often enough for whole rows to be right sometimes. */
const jobCell = (name: (typeof JOB_COLUMN_NAMES)[number]) => {
  const column = jobColumn(name);
  const words = name === 'table_name' ? ['orders', 'b', 'c', 'd', 'e'] : [column.example, ...(column.values ?? [])];
  const good = name === 'source_name' ? names : fc.constantFrom(...words);
  const blank = { weight: column.required ? 0 : 60, arbitrary: fc.constant('') };
  return fc.oneof({ weight: 40, arbitrary: good }, blank, { weight: 1, arbitrary: anyText });
};

/** Most rows name a connection of their own kind. */
const KINDS: Record<string, string> = { shop: 'postgresql', api: 'api', files: 'filesystem' };
const jobCells: fc.Arbitrary<string[]> = fc
  .tuple(fc.nat(9), ...JOB_COLUMN_NAMES.map(jobCell))
  .map(([luck, ...cells]) => {
    const [type, name, ...rest] = cells as [string, string, ...string[]];
    return [luck > 0 && Object.hasOwn(KINDS, name) ? (KINDS[name] as string) : type, name, ...rest];
  });

const jobSheet: fc.Arbitrary<RawSheet> = fc
  .record({
    headers: fc.oneof(
      { weight: 4, arbitrary: fc.constant([...JOB_COLUMN_NAMES] as string[]) },
      { weight: 1, arbitrary: fc.array(fc.oneof(fc.constantFrom(...JOB_COLUMN_NAMES), anyText), { maxLength: 12 }) },
    ),
    rows: fc.array(jobCells, { maxLength: 6 }),
  })
  .map(({ headers, rows }) => ({
    name: 'SourceConfig',
    headerRow: 1,
    headers,
    rows: rows.map((cells, i) => ({ row: i + 2, cells })),
  }));

const otherSheet = (name: string, headers: readonly string[], cell: fc.Arbitrary<string>): fc.Arbitrary<RawSheet> =>
  fc
    .record({
      headers: fc.oneof(fc.constant<string[]>([...headers]), fc.array(anyText, { maxLength: 4 })),
      rows: fc.array(fc.array(cell, { maxLength: headers.length + 2 }), { maxLength: 4 }),
    })
    .map((sheet) => ({
      name,
      headerRow: 3,
      headers: sheet.headers,
      rows: sheet.rows.map((cells, i) => ({ row: i + 4, cells })),
    }));

const knownKeys = fc.constantFrom(
  ...JOB_COLUMN_NAMES,
  ...Object.keys(resourceOptionsModel.shape),
  ...SECRET_KEYS,
  'host',
  'port',
  'database',
  'username',
  'credentials',
  'resources',
  'auth',
  'pagination',
  'paginator',
  'client',
  'endpoint',
  'base_url',
  'bucket_url',
  'rate_limit',
  'type',
  'service_name',
  'sid',
  'driver',
  'orders',
);
const scalar = fc.oneof(
  anyText,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom('offset', 'bearer', 'oracle', 'https://x', 'data', new Date(0), new Date(Number.NaN)),
);
const table: fc.Arbitrary<Table> = fc.letrec<{ table: Table; value: unknown }>((tie) => ({
  table: fc.dictionary(fc.oneof({ weight: 5, arbitrary: knownKeys }, { weight: 1, arbitrary: anyText }), tie('value'), {
    maxKeys: 6,
  }),
  value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar, { maxLength: 3 }), tie('table')),
})).table;

const goodSources: Table = {
  shop: { host: 'h', database: 'd', username: 'u', password: SECRET },
  api: {
    base_url: 'https://x',
    token: SECRET,
    username: 'u',
    password: SECRET,
    api_key: SECRET,
    token_url: 'https://t',
    client_id: 'c',
    client_secret: SECRET,
  },
  files: { bucket_url: 'data', azure_storage_sas_token: SECRET },
};
const config: fc.Arbitrary<Table> = fc.oneof(
  fc.record({
    sources: fc.oneof(
      { weight: 6, arbitrary: fc.constant(goodSources) },
      { weight: 4, arbitrary: fc.dictionary(fc.oneof(names, anyText), table, { maxKeys: 4 }) },
      { weight: 1, arbitrary: scalar },
    ),
    destination: fc.oneof(fc.constant({ duckdb: {} }), table, scalar),
    destinations: fc.oneof(fc.constant({}), table, scalar),
  }),
  table,
);

const project: fc.Arbitrary<RawProject> = fc.record({
  jobs: fc.option(jobSheet),
  checks: fc.option(
    otherSheet(
      'DataQuality',
      CHECK_COLUMN_NAMES,
      fc.oneof(
        anyText,
        fc.constantFrom(...CHECK_COLUMNS.flatMap(({ example, values }) => [example, ...(values ?? [])])),
      ),
    ),
  ),
  settings: fc.option(
    otherSheet(
      'Pipeline',
      ['key', 'value'],
      fc.oneof(anyText, fc.constantFrom(...SETTING_KEYS.map(({ name }) => name), 'true', '5')),
    ),
  ),
  config,
  secretPaths: fc.constant(new Set(['sources.shop.password', 'sources.shop.host'])),
  deferredPaths: fc.constantFrom(new Set<string>(), new Set(['sources.shop.password'])),
});

describe('validateProject on anything', () => {
  it('never throws, says where, builds only what its models take, and never shows a secret', () => {
    let valid = 0;
    fc.assert(
      fc.property(project, (raw) => {
        // The secret is one wherever it stands.
        const planted = { ...raw, config: { ...raw.config, secrets: { password: SECRET } } };
        const validation = validateProject(planted);
        const { project: built, findings, invalidJobs } = validation;
        for (const finding of findings) {
          const { sheet, row, column, message, code, severity } = finding;
          const place = `${sheet}${row === null ? '' : ` row ${row}`}${column === null ? '' : `, ${column}`}`;
          const line = place.replace(/\s*[\r\n]+\s*/g, ' ');
          expect(message.startsWith(line), `${message} | ${line}`).toBe(true);
          expect(message).not.toMatch(/[\r\n]/);
          expect(message.length).toBeGreaterThan(line.length + 5);
          expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
          expect(['error', 'warning', 'notice']).toContain(severity);
          expect(JSON.stringify(finding)).not.toContain(SECRET);
        }
        for (const job of built.jobs) expect(jobModel.safeParse(job).error).toBeUndefined();
        for (const check of built.checks) expect(checkModel.safeParse(check).error).toBeUndefined();
        for (const connection of Object.values(built.connections))
          expect(connectionModel.safeParse(connection).error).toBeUndefined();
        for (const destination of Object.values(built.destinations))
          expect(destinationModel.safeParse(destination).error).toBeUndefined();
        expect(pipelineSettingsModel.safeParse(built.settings).error).toBeUndefined();
        // Every row is a job or an invalid one, and an invalid one has a reason.
        expect([...built.jobs, ...invalidJobs].map(({ row }) => row).sort((a, b) => a - b)).toEqual(
          (raw.jobs?.rows ?? []).map(({ row }) => row),
        );
        if (invalidJobs.length > 0) expect(findings.some(({ severity }) => severity !== 'notice')).toBe(true);
        const selection = select(built.jobs, invalidJobs, ['orders', 'tag:daily', SECRET]);
        expect(findingsFor(validation, selection)).toHaveLength(findings.length);
        valid += built.jobs.length;
      }),
      { numRuns: 500 },
    );
    // Else the models were never tried.
    expect(valid).toBeGreaterThan(20);
  });

  it('normalises any name to one that stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.integer({ min: 10, max: 64 }), (name, limit) => {
        fc.pre(name.trim() !== '');
        const whole = normalizeName(name);
        expect(whole).toMatch(/^[\p{Nd}a-z_]*[\p{Nd}a-z]$/u);
        expect(normalizeName(whole)).toBe(whole);
        expect(normalizeName(name, limit).length).toBeLessThanOrEqual(limit);
      }),
    );
  });
});
