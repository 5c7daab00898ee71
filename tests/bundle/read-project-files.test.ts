import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readProjectFiles } from '../../engine/bundle/read-project-files.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { buildXlsx, textRow } from './build-xlsx.ts';

const workbook = () =>
  buildXlsx({ sheets: [['SourceConfig', textRow(1, ['source_type', 'source_name']) + textRow(2, ['api', 'crm'])]] });

async function write(folder: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

test('sheets, settings and secrets of a folder', async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, {
    'ingestion_config.xlsx': await workbook(),
    '.dlt/config.toml': '[sources.crm]\nbase_url = "https://x"\ntimeout = 30\n',
    '.dlt/config.prod.toml': '[sources.crm]\ntimeout = 60\n',
    '.dlt/secrets.toml': '[sources.crm]\ntoken = "t"\n',
  });
  const files = await readProjectFiles(folder.path);
  expect(files).toEqual({
    directory: folder.path,
    settingsDirectory: folder.path,
    workbookPath: path.join(folder.path, 'ingestion_config.xlsx'),
    jobs: {
      name: 'SourceConfig',
      headerRow: 1,
      headers: ['source_type', 'source_name'],
      rows: [{ row: 2, cells: ['api', 'crm'] }],
    },
    checks: null,
    settings: null,
    config: { sources: { crm: { base_url: 'https://x', timeout: 30 } } },
    secrets: { sources: { crm: { token: 't' } } },
    lines: new Map([
      ['sources', { file: '.dlt/config.toml', line: 1 }],
      ['sources.crm', { file: '.dlt/config.toml', line: 1 }],
      ['sources.crm.token', { file: '.dlt/secrets.toml', line: 2 }],
      ['sources.crm.base_url', { file: '.dlt/config.toml', line: 2 }],
      ['sources.crm.timeout', { file: '.dlt/config.toml', line: 3 }],
    ]),
    findings: [],
  });
  const prod = await readProjectFiles(path.relative(process.cwd(), folder.path), { env: 'prod' });
  expect(prod.config).toEqual({ sources: { crm: { base_url: 'https://x', timeout: 60 } } });
  expect(prod.lines.get('sources.crm.timeout')).toEqual({ file: '.dlt/config.prod.toml', line: 2 });
  expect(prod.directory).toBe(folder.path);
});

test("the plan's layouts: a config folder, from outside and from inside, and one flat file", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, {
    'config/ingestion_config.xlsx': await workbook(),
    '.dlt/secrets.toml': '[sources.crm]\nurl = "https://x"\n',
  });
  const inner = path.join(folder.path, 'config');
  for (const directory of [folder.path, inner]) {
    const files = await readProjectFiles(directory);
    expect(files).toMatchObject({
      directory: inner,
      secrets: { sources: { crm: { url: 'https://x' } } },
      config: {},
      findings: [],
    });
    expect(files.jobs?.rows).toHaveLength(1);
  }
  await write(inner, { '.dlt/config.toml': 'own = true' });
  expect((await readProjectFiles(folder.path)).config).toEqual({ own: true });
});

test('a folder that is not there, and a file in its place', async () => {
  await using folder = await temporaryFolder();
  const gone = path.join(folder.path, 'gone');
  await expect(readProjectFiles(gone)).rejects.toMatchObject({
    code: 'PROJECT_NOT_FOUND',
    message: `There is no folder ${gone}.`,
    hint: expect.stringContaining('--config'),
  });
  await write(folder.path, { 'ingestion_config.xlsx': 'x' });
  const file = path.join(folder.path, 'ingestion_config.xlsx');
  await expect(readProjectFiles(file)).rejects.toMatchObject({
    message: `${file} is a file, not a folder.`,
    hint: expect.stringContaining(folder.path),
  });
});

test('no workbook: the message names what is there instead', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'ingestion_config.xlsx');
  expect((await readProjectFiles(folder.path)).findings).toMatchObject([
    {
      severity: 'error',
      code: 'WORKBOOK_NOT_FOUND',
      sheet: 'ingestion_config.xlsx',
      message: `${file} does not exist.`,
      hint: expect.stringContaining('--config'),
    },
    { severity: 'warning', code: 'CONFIG_NOT_FOUND', sheet: '.dlt/config.toml' },
  ]);
  await write(folder.path, { 'jobs.xlsx': 'x', '~$jobs.xlsx': 'x' });
  expect((await readProjectFiles(folder.path)).findings[0]).toMatchObject({
    message: `${file} does not exist. The folder holds jobs.xlsx.`,
    hint: "Rename the project's workbook to ingestion_config.xlsx.",
  });
  await mkdir(file);
  expect((await readProjectFiles(folder.path)).findings[0]).toMatchObject({
    code: 'WORKBOOK_NOT_FOUND',
    message: `${file} is a folder.`,
  });
});

test('problems of several files come at once, with the readable rest', async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, {
    'ingestion_config.xlsx': 'source_type;source_name\n',
    '.dlt/config.toml': '[sources.crm]\r\nbase_url = "https://x\r\n',
    '.dlt/secrets.toml': 'ok = 1\npassword = "s3cr3t-value\n',
  });
  const files = await readProjectFiles(folder.path);
  expect(files.findings.map(({ code, sheet, row }) => [code, sheet, row])).toEqual([
    ['WORKBOOK_FORMAT', 'ingestion_config.xlsx', null],
    ['TOML_INVALID', '.dlt/config.toml', 2],
    ['TOML_INVALID', '.dlt/secrets.toml', 2],
  ]);
  expect(JSON.stringify(files)).not.toContain('s3cr3t');
});

test('an environment that does not exist names those that do, and no path gets in', async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, {
    'ingestion_config.xlsx': await workbook(),
    '.dlt/config.toml': 'a = 1',
    '.dlt/config.prod.toml': 'a = 2',
    '.dlt/config.dev.toml': 'a = 3',
  });
  expect(await readProjectFiles(folder.path, { env: 'staging' })).toMatchObject({
    config: { a: 1 },
    findings: [
      {
        severity: 'error',
        code: 'ENV_NOT_FOUND',
        message: 'There is no environment "staging": .dlt/config.staging.toml does not exist.',
        hint: 'Use one of dev, prod.',
      },
    ],
  });
  expect((await readProjectFiles(folder.path, { env: '../../x' })).findings).toMatchObject([{ code: 'ENV_NOT_FOUND' }]);
  await write(folder.path, { '.dlt/config.dev.toml': 'a = = 3' });
  expect((await readProjectFiles(folder.path, { env: 'dev' })).findings).toMatchObject([
    { code: 'TOML_INVALID', sheet: '.dlt/config.dev.toml', row: 1 },
  ]);
});

test('a workbook open in Excel is read as saved, with a notice', async () => {
  await using folder = await temporaryFolder();
  const lock = Buffer.alloc(165);
  lock.write('\x03Ann', 'latin1');
  await write(folder.path, {
    'ingestion_config.xlsx': await workbook(),
    '.dlt/config.toml': '',
    '~$ingestion_config.xlsx': lock,
  });
  const files = await readProjectFiles(folder.path);
  expect(files.jobs?.rows).toHaveLength(1);
  expect(files.findings).toMatchObject([
    {
      severity: 'notice',
      code: 'WORKBOOK_OPEN',
      message: 'ingestion_config.xlsx is open in Excel (by Ann); what was saved last is read.',
    },
  ]);
});

test("a sync client's second version is named, not read", async () => {
  await using folder = await temporaryFolder();
  const copy = "ingestion_config (Ann's conflicted copy 2024-01-31).xlsx";
  await write(folder.path, { 'ingestion_config.xlsx': await workbook(), '.dlt/config.toml': '', [copy]: 'x' });
  expect((await readProjectFiles(folder.path)).findings).toMatchObject([
    {
      severity: 'warning',
      code: 'WORKBOOK_CONFLICT',
      message: `A sync client has kept a second version of ingestion_config.xlsx: ${copy}.`,
    },
  ]);
});

test('files that may not be read', async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, {
    'ingestion_config.xlsx': await workbook(),
    '.dlt/config.toml/x': 'a folder in its place',
    '.dlt/secrets.toml': 'a = 1',
  });
  const file = path.join(folder.path, 'ingestion_config.xlsx');
  await chmod(file, 0);
  // Root and Windows may read it all the same.
  const readable = await readFile(file).then(
    () => true,
    () => false,
  );
  const { findings, jobs } = await readProjectFiles(folder.path);
  if (readable) expect(jobs).not.toBeNull();
  else
    expect(findings).toMatchObject([
      {
        code: 'WORKBOOK_LOCKED',
        message: expect.stringContaining('EACCES'),
        hint: expect.stringContaining('Close it in Excel'),
      },
      {},
    ]);
  expect(findings.at(-1)).toMatchObject({
    code: 'TOML_NOT_READABLE',
    sheet: '.dlt/config.toml',
    message: expect.stringContaining('EISDIR'),
  });
});
