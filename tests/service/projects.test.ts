import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Excel from 'exceljs';
import { describe, expect, test } from 'vitest';
import { editWorkbook } from '../../engine/bundle/edit-workbook.ts';
import { readFingerprinted } from '../../engine/bundle/fingerprint.ts';
import { checkProjectFile } from '../../engine/bundle/project-file.ts';
import { readZip, unpackBudget, unpackPart } from '../../engine/bundle/zip.ts';
import type { Input, ProjectDocument, WireError } from '../../engine/contract.ts';
import { CHECK_COLUMN_NAMES } from '../../engine/spec/check.ts';
import { SECRET_PLACEHOLDER } from '../../engine/spec/secret-placeholder.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';
import { writeProject } from '../helpers/project.ts';
import { startService } from './service-harness.ts';

const WORKBOOK = 'ingestion_config.xlsx';
const open = (directory: string) => ({ directory, env: null });

function cellOf(document: ProjectDocument, row: number, header: string): { column: number; text: string | undefined } {
  const sheet = document.sheets.SourceConfig!;
  const column = sheet.headers.indexOf(header);
  return { column, text: sheet.rows.find((one) => one.row === row)?.cells[column] };
}

function describing(document: ProjectDocument, row: number, text: string) {
  return {
    kind: 'set' as const,
    sheet: 'SourceConfig',
    row,
    column: cellOf(document, row, 'description').column,
    text,
  };
}

function saving(document: ProjectDocument, edits: ReturnType<typeof describing>[]) {
  const { directory, env, fingerprint, configFingerprint } = document;
  return { directory, env, fingerprint, configFingerprint, edits, config: [] };
}

/** Somebody else's edit, as another program makes it. */
async function changeOutside(directory: string, row: number, column: number, text: string): Promise<void> {
  const file = path.join(directory, WORKBOOK);
  const { fingerprint } = await readFingerprinted(file);
  await editWorkbook(file, [{ kind: 'set', sheet: 'SourceConfig', row, column, text }], { expected: fingerprint });
}

async function partsOf(workbook: Buffer): Promise<Map<string, Buffer>> {
  const budget = unpackBudget();
  const parts = await readZip(workbook, WORKBOOK);
  return new Map(parts.map((part) => [part.name, unpackPart(part, budget, WORKBOOK)]));
}

describe('open', () => {
  test('the sample is copied into a new folder each time, without its scripts, and is valid', async () => {
    await using studio = await startService();
    const first = await studio.call('project.open_sample', undefined);
    const second = await studio.call('project.open_sample', undefined);
    expect(first.name).toBe('Ingest Studio sample');
    expect(second.name).toBe('Ingest Studio sample 2');
    expect((await readdir(first.directory)).filter((name) => name.endsWith('.ts') || name === 'next-day')).toEqual([]);
    expect(first.sheets.SourceConfig!.rows.length).toBeGreaterThan(3);
    const { findings } = validateProject({
      jobs: first.sheets.SourceConfig,
      checks: first.sheets.DataQuality,
      settings: first.sheets.Pipeline,
      config: first.config,
      secretPaths: new Set(first.secretPaths),
      deferredPaths: new Set(first.deferredPaths),
    });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(first).toMatchObject({ readOnly: null, recovery: null, fileFindings: [] });
    expect((await studio.call('project.recent', undefined)).map(({ name, exists }) => [name, exists])).toEqual([
      ['Ingest Studio sample 2', true],
      ['Ingest Studio sample', true],
    ]);
  });

  test('a new project has a file for the system to open it with, which is looked at', async () => {
    await using studio = await startService();
    const directory = path.join(os.tmpdir(), `ingest-file-${process.pid}`);
    try {
      await studio.call('project.create', { directory, name: 'Sales: 2026/27.' });
      const file = path.join(directory, 'Sales_ 2026_27.ingest');
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ format: 'ingest-studio-project', version: 1 });
      expect((await studio.call('project.open', open(file))).directory).toBe(directory);
      for (const [text, code] of [
        ['{"format":"ingest-studio-project","version":2}', 'PROJECT_FILE_NEWER'],
        ['{"format":"another","version":1}', 'PROJECT_FILE_INVALID'],
        ['no JSON', 'PROJECT_FILE_INVALID'],
      ]) {
        await writeFile(file, text!);
        await expect(studio.call('project.open', open(file))).rejects.toMatchObject({ error: { code } });
      }
      await rm(file);
      await expect(checkProjectFile(file)).rejects.toMatchObject({ code: 'PROJECT_NOT_READABLE' });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    const sample = await studio.call('project.open_sample', undefined);
    expect(await readdir(sample.directory)).toContain('Ingest Studio sample.ingest');
  });

  test('the workbook itself names its project; what is no project is explained', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    expect((await studio.call('project.open', open(path.join(directory, WORKBOOK)))).directory).toBe(directory);
    const other = path.join(directory, 'other.xlsx');
    await writeFile(other, '');
    expect(await studio.failure('project.open', open(other))).toMatchObject({ code: 'WORKBOOK_NAME' });
    expect(await studio.failure('project.open', open(studio.folder))).toMatchObject({ code: 'PROJECT_NOT_FOUND' });
    expect(await studio.failure('project.open', open(path.join(directory, 'gone')))).toMatchObject({
      code: 'PROJECT_NOT_FOUND',
      hint: expect.any(String),
    });
  });

  test('a new project is valid, is never laid over another one, and keeps what the folder holds', async () => {
    await using studio = await startService();
    const directory = path.join(studio.folder, 'new', 'Shop & Söhne');
    const created = await studio.call('project.create', { directory, name: 'Shop & Söhne' });
    expect(created.sheets.SourceConfig!.rows).toEqual([]);
    expect(created.sheets.Pipeline!.rows[0]!.cells.slice(0, 2)).toEqual(['name', 'Shop & Söhne']);
    expect(created.config).toMatchObject({ destinations: { duckdb: { type: 'duckdb' } } });
    expect(created.fileFindings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(await studio.failure('project.create', { directory, name: 'x' })).toMatchObject({ code: 'PROJECT_EXISTS' });
    expect(await readFile(path.join(directory, '.gitignore'), 'utf8')).toContain('.dlt/secrets.toml');
  });

  test('a project that is gone stays in the list, told apart, until it is forgotten', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    await studio.call('project.open', open(directory));
    await rm(directory, { recursive: true });
    expect(await studio.call('project.recent', undefined)).toMatchObject([{ directory, exists: false }]);
    await studio.call('project.forget', { directory });
    expect(await studio.call('project.recent', undefined)).toEqual([]);
  });
});

describe('save', () => {
  test('edits are in the workbook, the rest of it is untouched, and the document says how it stands', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    const saved = await studio.call('project.save', saving(document, [describing(document, row, 'ünïcode ✓')]));
    expect(cellOf(saved, row, 'description').text).toBe('ünïcode ✓');
    expect(saved.fingerprint).not.toBe(document.fingerprint);
    const again = await studio.call('project.save', saving(saved, [describing(saved, row, 'twice')]));
    expect(cellOf(again, row, 'description').text).toBe('twice');
  });

  test('a sheet that the workbook lacks is made, kept for a lost window meanwhile, and every other part stays', async () => {
    await using studio = await startService();
    const directory = path.join(studio.folder, 'no checks');
    await writeProject(directory, {
      jobs: [{ source_type: 'api', source_name: 'x', table_name: 't', load_type: 'FULL' }],
    });
    const document = await studio.call('project.open', open(directory));
    expect(document.sheets.DataQuality).toBeNull();
    const before = await partsOf(await readFile(path.join(directory, WORKBOOK)));
    const edits: Input<'project.save'>['edits'] = [
      { kind: 'create', sheet: 'DataQuality' },
      { kind: 'append', sheet: 'DataQuality', cells: ['t', 'row_count', '', '', '1'] },
    ];
    const { fingerprint } = document;
    await studio.call('project.keep_recovery', { directory, fingerprint, edits });
    expect((await studio.call('project.open', open(directory))).recovery?.edits).toEqual(edits);
    expect(await studio.call('project.save_warnings', { directory, edits })).toEqual([]);
    const saved = await studio.call('project.save', { ...saving(document, []), edits });
    expect(saved.sheets.DataQuality).toEqual({
      name: 'DataQuality',
      headerRow: 1,
      headers: CHECK_COLUMN_NAMES,
      rows: [
        {
          row: 2,
          cells: CHECK_COLUMN_NAMES.map(
            (name) => ({ table: 't', type: 'row_count', min_rows: '1' })[name as 'table'] ?? '',
          ),
        },
      ],
    });
    const after = await partsOf(await readFile(path.join(directory, WORKBOOK)));
    const same = [...before.keys()].filter((name) => after.get(name)?.equals(before.get(name) as Buffer) === true);
    expect([...after.keys()].filter((name) => !same.includes(name)).sort()).toEqual([
      '[Content_Types].xml',
      'xl/_rels/workbook.xml.rels',
      'xl/workbook.xml',
      'xl/worksheets/sheet2.xml',
    ]);
    const book = new Excel.Workbook();
    await book.xlsx.readFile(path.join(directory, WORKBOOK));
    expect(book.getWorksheet('DataQuality')?.getCell('E2').value).toBe(1);
    expect(book.getWorksheet('SourceConfig')?.getCell('C2').value).toBe('t');
  });

  test('a workbook that was changed from outside is not written; both versions are safe', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const { directory } = document;
    const [first, second] = document.sheets.SourceConfig!.rows.map(({ row }) => row) as [number, number];
    await changeOutside(directory, second, cellOf(document, second, 'description').column, 'theirs');
    const theirs = await readFile(path.join(directory, WORKBOOK));
    const edits = [describing(document, first, 'mine')];
    await studio.call('project.keep_recovery', { directory, fingerprint: document.fingerprint, edits });
    expect(await studio.failure('project.save', saving(document, edits))).toMatchObject({ code: 'WORKBOOK_CHANGED' });
    expect(await readFile(path.join(directory, WORKBOOK))).toEqual(theirs);
    const reloaded = await studio.call('project.open', open(directory));
    expect(cellOf(reloaded, second, 'description').text).toBe('theirs');
    // The edits are still there, and known not to fit the workbook as it is by now.
    expect(reloaded.recovery).toMatchObject({ fits: false, edits });
  });

  test('a copy is the workbook as it was read, with the edits and all that the window does not show; no secret is written', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    const config = path.join(directory, '.dlt/config.toml');
    await writeFile(
      config,
      `${await readFile(config, 'utf8')}\n[sources.crm]\ntype = "postgresql"\npassword = "in-clear-text-77"\n`,
    );
    await studio.call('connection.save', {
      directory,
      env: null,
      section: 'sources',
      connection: { name: 'kept', type: 'postgresql', values: { host: 'db' }, secrets: { password: 'in-keychain-88' } },
      previous_name: null,
    });
    const document = await studio.call('project.open', open(directory));
    const read = await readFile(path.join(directory, WORKBOOK));
    const [first, second] = document.sheets.SourceConfig!.rows.map(({ row }) => row) as [number, number];
    await changeOutside(directory, second, cellOf(document, second, 'description').column, 'theirs');
    const theirs = await readFile(path.join(directory, WORKBOOK));
    const target = path.join(path.dirname(directory), 'copy');
    const edits = [describing(document, first, 'mine')];
    const { fingerprint } = document;
    const copy = await studio.call('project.save_copy', { directory, fingerprint, target, edits, config: [] });
    expect(copy.directory).toBe(target);
    expect(cellOf(copy, first, 'description').text).toBe('mine');
    expect(cellOf(copy, second, 'description').text).toBe(cellOf(document, second, 'description').text);
    // Sheets that the window does not show, formats, everything: byte by byte.
    const [before, after] = await Promise.all([partsOf(read), partsOf(await readFile(path.join(target, WORKBOOK)))]);
    const changed = [...before.keys()].filter((name) => !after.get(name)?.equals(before.get(name) as Buffer));
    expect(changed.filter((name) => !/sheet1\.xml/.test(name))).toEqual([]);
    expect(await readFile(path.join(directory, WORKBOOK))).toEqual(theirs);
    const written = await readFile(path.join(target, '.dlt/config.toml'), 'utf8');
    expect(written).toContain('[sources.crm]');
    expect(written).not.toContain('in-clear-text-77');
    expect(copy.secretPaths).toContain('sources.kept.password');
    expect(await readFile(path.join(target, '.gitignore'), 'utf8')).toContain('secrets.toml');
    // Never over another project, and not from a version that nobody knows.
    const again = { directory, fingerprint, target, edits, config: [] };
    expect(await studio.failure('project.save_copy', again)).toMatchObject({ code: 'PROJECT_EXISTS' });
    const elsewhere = { ...again, target: `${target} 2`, fingerprint: '1-0' };
    expect(await studio.failure('project.save_copy', elsewhere)).toMatchObject({ code: 'WORKBOOK_CHANGED' });
    // A project whose folder vanished is saved elsewhere all the same.
    await rm(directory, { recursive: true });
    const lost = { ...again, target: `${target} 3`, config: [{ path: ['sources', 'shop', 'type'], value: 'api' }] };
    const rescued = await studio.call('project.save_copy', lost);
    expect(cellOf(rescued, first, 'description').text).toBe('mine');
    expect(rescued.config).toMatchObject({ sources: { shop: { type: 'api' } } });
  });

  test('a configuration that was changed from outside stops the workbook, too', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const config = path.join(document.directory, '.dlt/config.toml');
    await writeFile(config, `${await readFile(config, 'utf8')}\n# theirs\n`);
    const before = await readFile(path.join(document.directory, WORKBOOK));
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    const input = {
      ...saving(document, [describing(document, row, 'mine')]),
      config: [{ path: ['sources', 'shop', 'timeout'], value: 60 }],
    };
    expect(await studio.failure('project.save', input)).toMatchObject({ code: 'TOML_CHANGED' });
    expect(await readFile(path.join(document.directory, WORKBOOK))).toEqual(before);
  });

  test('where the configuration cannot be written, the workbook is put back as it was', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const before = await readFile(path.join(document.directory, WORKBOOK));
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    const input = {
      ...saving(document, [describing(document, row, 'mine')]),
      // A value stands where a table would have to be.
      config: [{ path: ['sources', 'shop', 'base_url', 'x'], value: 1 }],
    };
    expect(await studio.failure('project.save', input)).toMatchObject({ code: 'TOML_EDIT_REFUSED' });
    expect(await readFile(path.join(document.directory, WORKBOOK))).toEqual(before);
  });

  test('a key of the overlay is changed in the overlay, all others in config.toml; comments stay', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    const overlay = path.join(directory, '.dlt/config.prod.toml');
    await writeFile(overlay, '# production\n[sources.warehouse]\nhost = "prod.example.com" # here\n');
    const document = await studio.call('project.open', { directory, env: 'prod' });
    expect(document.environments).toEqual(['prod']);
    expect(document.config).toMatchObject({ sources: { warehouse: { host: 'prod.example.com', port: 5432 } } });
    const saved = await studio.call('project.save', {
      ...saving(document, []),
      config: [
        { path: ['sources', 'warehouse', 'host'], value: 'new.example.com' },
        { path: ['sources', 'warehouse', 'port'], value: 6000 },
      ],
    });
    expect(saved.config).toMatchObject({ sources: { warehouse: { host: 'new.example.com', port: 6000 } } });
    expect(await readFile(overlay, 'utf8')).toBe(
      '# production\n[sources.warehouse]\nhost = "new.example.com" # here\n',
    );
    const base = await readFile(path.join(directory, '.dlt/config.toml'), 'utf8');
    expect(base).toContain('port = 6000');
    expect(base).toContain('host = "db.example.com"');
    expect(base).toContain('# Files that lie beside the workbook.');
  });

  test('a workbook that is open in Excel is not written, and the document says so beforehand', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    await writeFile(
      path.join(directory, `~$${WORKBOOK}`),
      Buffer.concat([Buffer.from([3]), Buffer.from('Ada'.padEnd(54))]),
    );
    const document = await studio.call('project.open', open(directory));
    expect(document.readOnly).toContain('Excel (by Ada)');
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    const error = await studio.failure('project.save', saving(document, [describing(document, row, 'x')]));
    expect(error).toMatchObject({ code: 'WORKBOOK_LOCKED' });
    expect(error.hint).toContain('Close it there');
  });

  test('a folder that vanished is explained; nothing is made anew', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    await rm(document.directory, { recursive: true });
    expect(await studio.failure('project.save', saving(document, [describing(document, row, 'x')]))).toMatchObject({
      code: 'PROJECT_NOT_FOUND',
    });
    await expect(stat(document.directory)).rejects.toThrow('ENOENT');
  });

  test.runIf(process.platform !== 'win32')('a read-only folder is told beforehand and left as it is', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    const before = await readFile(path.join(directory, WORKBOOK));
    await chmod(studio.folder, 0o755);
    await chmod(directory, 0o555);
    // To root nothing is read-only.
    const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const script = path.join(import.meta.dirname, 'save-in-child.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, directory], { ...user, cwd: os.tmpdir() });
    const { readOnly, error } = JSON.parse(stdout) as { readOnly: string; error: WireError };
    expect(readOnly).toMatch(/read-only|write-protected/);
    expect(error).toMatchObject({ code: 'FILE_NOT_WRITABLE', hint: expect.any(String) });
    expect(await readFile(path.join(directory, WORKBOOK))).toEqual(before);
    await chmod(directory, 0o755);
  });

  test('dots that stand for a secret are never written', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const input = {
      ...saving(document, []),
      config: [{ path: ['sources', 'shop', 'headers'], value: { 'x-team': SECRET_PLACEHOLDER } }],
    };
    expect(await studio.failure('project.save', input)).toMatchObject({ code: 'SECRET_PLACEHOLDER' });
  });
});

describe('recovery', () => {
  test('edits of a killed window come back with the workbook that they belong to, and go once they are saved', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const { directory, fingerprint } = document;
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    const edits = [describing(document, row, 'unsaved')];
    await studio.call('project.keep_recovery', { directory, fingerprint, edits });
    const reopened = await studio.call('project.open', open(directory));
    expect(reopened.recovery).toMatchObject({ fits: true, edits });
    expect((await studio.call('project.save', saving(reopened, edits))).recovery).toBeNull();
    await studio.call('project.keep_recovery', { directory, fingerprint, edits });
    await studio.call('project.drop_recovery', { directory });
    expect((await studio.call('project.open', open(directory))).recovery).toBeNull();
  });

  test('a secret that somebody typed into a cell is not written down', async () => {
    await using studio = await startService({ environment: { SOURCES__WAREHOUSE__PASSWORD: 'hunter2-and-more' } });
    const document = await studio.call('project.open', open(await studio.project()));
    const { directory, fingerprint } = document;
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    const edits = [describing(document, row, 'ask for hunter2-and-more'), describing(document, row + 1, 'harmless')];
    await studio.call('project.keep_recovery', { directory, fingerprint, edits });
    const [name] = await readdir(path.join(studio.userDataDirectory, 'recovery'));
    const text = await readFile(path.join(studio.userDataDirectory, 'recovery', name!), 'utf8');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('harmless');
  });
});

describe('other programs and windows', () => {
  test('a change from outside is told, whoever made it', async () => {
    await using studio = await startService();
    const document = await studio.call('project.open', open(await studio.project()));
    const row = document.sheets.SourceConfig!.rows[0]!.row;
    await changeOutside(document.directory, row, cellOf(document, row, 'description').column, 'theirs');
    await expect.poll(() => studio.heard('project.changed_on_disk'), { timeout: 10_000 }).toHaveLength(1);
    const [told] = studio.heard('project.changed_on_disk');
    const now = await studio.call('project.open', open(document.directory));
    expect(told).toEqual({
      directory: document.directory,
      file: WORKBOOK,
      fingerprint: now.fingerprint,
      configFingerprint: document.configFingerprint,
    });
    await writeFile(path.join(document.directory, '.dlt/config.toml'), '# nothing\n');
    await expect
      .poll(() => studio.heard('project.changed_on_disk').at(-1)?.file, { timeout: 10_000 })
      .toBe('.dlt/config.toml');
    await rm(document.directory, { recursive: true });
    await expect
      .poll(() => studio.heard('project.changed_on_disk').at(-1)?.fingerprint, { timeout: 10_000 })
      .toBeNull();
  });

  test('two windows on one project are told of each other, and the second save finds the first', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    const first = await studio.call('project.open', open(directory), 'one');
    const second = await studio.call('project.open', open(directory), 'two');
    expect([first.openElsewhere, second.openElsewhere]).toEqual([null, 'another window']);
    await expect.poll(() => studio.heard('project.opened_elsewhere')).toEqual([{ directory, by: 'another window' }]);
    const row = first.sheets.SourceConfig!.rows[0]!.row;
    await studio.call('project.save', saving(first, [describing(first, row, 'first')]), 'one');
    expect(
      await studio.failure('project.save', saving(second, [describing(second, row, 'second')]), 'two'),
    ).toMatchObject({ code: 'WORKBOOK_CHANGED' });
    await studio.service.closeClient('two');
    await expect.poll(() => studio.heard('project.opened_elsewhere').at(-1)).toEqual({ directory, by: null });
  });

  test('another process is told of, and one that died is not', async () => {
    await using studio = await startService();
    const directory = await studio.project();
    await studio.call('project.open', open(directory));
    const folder = path.join(studio.userDataDirectory, 'open');
    const [own] = await readdir(folder);
    const [project] = own!.split('-');
    await writeFile(path.join(folder, `${project}-4194304-dead`), 'desktop');
    expect((await studio.call('project.open', open(directory))).openElsewhere).toBeNull();
    await writeFile(path.join(folder, `${project}-${process.ppid}-alive`), 'desktop');
    expect((await studio.call('project.open', open(directory))).openElsewhere).toBe('another Ingest Studio window');
  });
});

test('folders are listed for hosts without dialogs', async () => {
  await using studio = await startService();
  const directory = await studio.project('a project');
  await mkdir(path.join(studio.folder, 'B empty'));
  const listed = await studio.call('folder.list', { directory: studio.folder });
  expect(listed).toMatchObject({ directory: studio.folder, parent: path.dirname(studio.folder) });
  expect(listed.folders).toEqual([
    { name: 'a project', is_project: true },
    { name: 'B empty', is_project: false },
  ]);
  expect(await studio.failure('folder.list', { directory: path.join(directory, 'gone') })).toMatchObject({
    code: 'FOLDER_NOT_READABLE',
  });
});
