import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProjectDocument } from '../../engine/contract.ts';
import type { Finding } from '../../engine/spec/finding.ts';
import { JOB_COLUMN_NAMES } from '../../engine/spec/job-columns.ts';
import type { GridEdit } from '../../renderer/grid/grid-types.ts';
import { createProjectStore, type ProjectStore } from '../../renderer/stores/project-store.ts';
import { newRowId } from '../../renderer/stores/sheet-model.ts';
import { JOB, projectDocument } from './project-document.ts';

const SHEET = 'SourceConfig';

/** Validates when asked only. */
function openStore(document: ProjectDocument = projectDocument()): ProjectStore {
  const store = createProjectStore({ schedule: () => () => undefined });
  store.open(document);
  return store;
}

const JOB_FINDING: Finding = {
  severity: 'error',
  code: 'SHEET_NOT_FOUND',
  sheet: SHEET,
  row: null,
  column: null,
  value: null,
  message: 'no sheet',
  hint: 'make it',
  fix: null,
};

/** Everything that would be saved. */
function contents(store: ProjectStore) {
  return {
    headers: [...store.headers(SHEET)],
    rows: store.rowIds(SHEET).map((id) => [id, store.rowValues(SHEET, id)]),
  };
}

const set = (rowId: string, columnId: string, value: string): GridEdit => ({
  label: 'Change',
  operations: [{ type: 'set', cells: [{ rowId, columnId, value }] }],
});

describe('history', () => {
  /** A random edit of rows that are there, in terms that still mean something after other edits. */
  const edit = fc.oneof(
    fc.record({
      kind: fc.constant('set'),
      at: fc.nat(),
      column: fc.constantFrom(...JOB_COLUMN_NAMES, 'note'),
      text: fc.constantFrom('', 'a', 'FULL', 'x\ny'),
    }),
    fc.record({
      kind: fc.constant('insert'),
      at: fc.nat(),
      count: fc.integer({ min: 1, max: 3 }),
      text: fc.constantFrom('', 'new'),
    }),
    fc.record({ kind: fc.constant('duplicate'), at: fc.nat() }),
    fc.record({ kind: fc.constant('delete'), at: fc.nat(), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('move'), at: fc.nat(), to: fc.nat(), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('header'), at: fc.nat(), text: fc.constantFrom('owner', 'tags') }),
  );

  function make(store: ProjectStore, step: Record<string, unknown>): void {
    const ids = store.rowIds(SHEET);
    const at = ids.length === 0 ? 0 : (step['at'] as number) % ids.length;
    const some = ids.slice(at, at + ((step['count'] as number) ?? 1));
    const before = ids[at] ?? null;
    switch (step['kind']) {
      case 'set':
        if (before !== null) store.edit(SHEET, set(before, step['column'] as string, step['text'] as string));
        break;
      case 'insert': {
        const rows = some.map(() => ({ id: newRowId(), values: { table_name: step['text'] as string } }));
        store.edit(SHEET, { label: 'Insert', operations: [{ type: 'insert', rows, before }] });
        break;
      }
      case 'duplicate':
        if (before !== null) {
          const rows = [{ id: newRowId(), values: { enabled: 'N' }, copyOf: before }];
          store.edit(SHEET, { label: 'Duplicate', operations: [{ type: 'insert', rows, before }] });
        }
        break;
      case 'delete':
        store.edit(SHEET, { label: 'Delete', operations: [{ type: 'delete', rowIds: some }] });
        break;
      case 'move': {
        const others = ids.filter((id) => !some.includes(id));
        const target = others.length === 0 ? null : (others[(step['to'] as number) % (others.length + 1)] ?? null);
        store.edit(SHEET, { label: 'Move', operations: [{ type: 'move', rowIds: some, before: target }] });
        break;
      }
      default:
        store.renameHeader(SHEET, (step['at'] as number) % store.headers(SHEET).length, step['text'] as string);
    }
  }

  test('undoing all gives the workbook as it was opened, redoing all what was edited', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (steps) => {
        const store = openStore();
        const original = contents(store);
        const states = [original];
        for (const step of steps) {
          const { length } = store.getState().undo;
          make(store, step);
          if (store.getState().undo.length > length) states.push(contents(store));
        }
        for (const state of states.slice(0, -1).toReversed()) {
          store.undo();
          expect(contents(store)).toEqual(state);
        }
        expect(store.getState()).toMatchObject({ unsaved: 0, undo: [] });
        expect(store.edits()).toEqual([]);
        for (const state of states.slice(1)) {
          store.redo();
          expect(contents(store)).toEqual(state);
        }
        expect(store.getState().redo).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('what is saved, and where, is what another window restores from the kept edits', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 20 }), (steps) => {
        const store = openStore();
        for (const step of steps) make(store, step);
        const other = openStore();
        other.restore(store.edits());
        // Rows that are new and blank are not saved.
        const said = (of: ProjectStore) =>
          of
            .rowIds(SHEET)
            .map((id) => of.rowValues(SHEET, id))
            .filter((row) => Object.keys(row).length > 0);
        expect(said(other)).toEqual(said(store));
        expect(other.edits().length > 0).toBe(store.edits().length > 0);
      }),
      { numRuns: 200 },
    );
  });

  test('letters typed into one field are one step', () => {
    const store = openStore();
    const [first] = store.rowIds(SHEET) as [string];
    for (const text of ['o', 'or', 'ord']) store.setCell(SHEET, first, 'table_name', text, { mergeKey: 'field' });
    store.endMerge();
    store.setCell(SHEET, first, 'table_name', 'orde', { mergeKey: 'field' });
    expect(store.getState().undo).toHaveLength(2);
    store.undo();
    expect(store.cell(SHEET, first, 'table_name')).toBe('ord');
    store.undo();
    expect(store.cell(SHEET, first, 'table_name')).toBe('orders');
    expect(store.getState().unsaved).toBe(0);
  });

  test('an edit that changes nothing is no step', () => {
    const store = openStore();
    const [first] = store.rowIds(SHEET) as [string];
    store.edit(SHEET, set(first, 'table_name', 'orders'));
    store.edit(SHEET, set('gone', 'table_name', 'x'));
    store.edit(SHEET, { label: 'Delete', operations: [{ type: 'delete', rowIds: ['gone'] }] });
    expect(store.getState()).toMatchObject({ undo: [], unsaved: 0 });
  });

  test('a text in a column that the workbook does not have adds the column', () => {
    const store = openStore(projectDocument({ headers: ['source_type', 'source_name', 'table_name', 'load_type'] }));
    const [first] = store.rowIds(SHEET) as [string];
    store.edit(SHEET, set(first, 'tags', 'daily'));
    expect(store.edits()).toEqual([
      { kind: 'set', sheet: SHEET, row: 1, column: 4, text: 'tags' },
      { kind: 'set', sheet: SHEET, row: 2, column: 4, text: 'daily' },
    ]);
    store.undo();
    expect(store.headers(SHEET)).not.toContain('tags');
  });
});

describe('what is saved', () => {
  const edited = () => {
    const store = openStore();
    const [one, two, three] = store.rowIds(SHEET) as [string, string, string];
    return { store, one, two, three };
  };

  test('cells, rows in between, rows at the end and rows that go, in the workbook’s own rows', () => {
    const { store, one, two, three } = edited();
    const column = JOB_COLUMN_NAMES.indexOf('load_type');
    const table = JOB_COLUMN_NAMES.indexOf('table_name');
    store.edit(SHEET, set(one, 'load_type', 'FULL'));
    store.edit(SHEET, {
      label: 'Insert',
      operations: [{ type: 'insert', rows: [{ id: 'n1', values: { table_name: 'between' } }], before: two }],
    });
    store.edit(SHEET, {
      label: 'Insert',
      operations: [{ type: 'insert', rows: [{ id: 'n2', values: { table_name: 'last' } }], before: null }],
    });
    store.edit(SHEET, { label: 'Delete', operations: [{ type: 'delete', rowIds: [three] }] });
    const edits = store.edits();
    expect(edits.map(({ kind }) => kind)).toEqual(['delete', 'set', 'insert', 'append']);
    expect(edits[0]).toMatchObject({ row: 4 });
    expect(edits[1]).toMatchObject({ row: 2, column, text: 'FULL' });
    expect(edits[2]).toMatchObject({ before: 3, cells: expect.objectContaining({ [table]: 'between' }) });
    expect(edits[3]).toMatchObject({ cells: expect.objectContaining({ [table]: 'last' }) });
    expect(['n1', two, 'n2'].map((id) => store.rowNumber(SHEET, id))).toEqual([3, 4, 5]);
  });

  test('as few rows as possible move', () => {
    const { store, one, two, three } = edited();
    store.edit(SHEET, { label: 'Move', operations: [{ type: 'move', rowIds: [one], before: null }] });
    expect(store.rowIds(SHEET)).toEqual([two, three, one]);
    expect(store.edits().map(({ kind }) => kind)).toEqual(['delete', 'append']);
    expect(store.getState().unsaved).toBe(1);
    expect([two, three, one].map((id) => store.rowNumber(SHEET, id))).toEqual([2, 3, 4]);
  });

  test('a new row that says nothing is neither saved nor judged', () => {
    const { store } = edited();
    store.edit(SHEET, {
      label: 'Insert',
      operations: [{ type: 'insert', rows: [{ id: 'blank', values: {} }], before: null }],
    });
    store.validate();
    expect(store.edits()).toEqual([]);
    expect(store.getState()).toMatchObject({ unsaved: 0, errors: 0 });
    expect(store.rowNumber(SHEET, 'blank')).toBeNull();
  });

  test('after saving, what was edited meanwhile is still unsaved and the history goes on', () => {
    const { store, one, two } = edited();
    store.edit(SHEET, set(one, 'load_type', 'FULL'));
    const { edits, finish } = store.beginSave();
    expect(edits).toHaveLength(1);
    store.edit(SHEET, set(two, 'description', 'meanwhile'));
    finish({
      ...projectDocument({ first: { load_type: 'FULL', watermark_column: 'updated_at' } }),
      fingerprint: 'after',
    });
    expect(store.getState()).toMatchObject({ unsaved: 1, document: { fingerprint: 'after' } });
    expect(store.edits()).toMatchObject([{ kind: 'set', row: 3, text: 'meanwhile' }]);
    store.undo();
    expect(store.getState().unsaved).toBe(0);
    store.undo();
    expect(store.cell(SHEET, one, 'load_type')).toBe('INCREMENTAL');
    expect(store.edits()).toMatchObject([{ kind: 'set', row: 2, text: 'INCREMENTAL' }]);
  });

  test('a connection that was saved leaves the edits alone', () => {
    const { store, one } = edited();
    store.edit(SHEET, set(one, 'load_type', 'FULL'));
    const other = projectDocument();
    expect(store.adopt({ ...other, config: { ...other.config, note: 1 } })).toBe(true);
    expect(store.getState()).toMatchObject({ unsaved: 1, undo: [expect.anything()] });
    expect(store.adopt({ ...other, fingerprint: 'another' })).toBe(false);
  });
});

describe('a sheet that the workbook lacks', () => {
  const CHECKS = 'DataQuality';
  const row = (table: string): GridEdit => ({
    label: 'Add check',
    operations: [{ type: 'insert', rows: [{ id: newRowId(), values: { table, type: 'row_count' } }], before: null }],
  });
  const missing = () => {
    const document = projectDocument();
    return { ...document, sheets: { ...document.sheets, DataQuality: null } };
  };
  /** What the engine reads once the sheet is saved. */
  const saved = (store: ProjectStore) => {
    const document = missing();
    return { ...document, sheets: { ...document.sheets, DataQuality: store.rawSheet(CHECKS) } };
  };

  test('is made by its first row, as one step that undo takes back and another window restores', () => {
    const store = openStore(missing());
    store.edit(CHECKS, row('orders'));
    expect([store.hasSheet(CHECKS), store.getState().unsaved, store.getState().undo.length]).toEqual([true, 2, 1]);
    const edits = store.edits();
    expect(edits).toEqual([
      { kind: 'create', sheet: CHECKS },
      { kind: 'append', sheet: CHECKS, cells: ['orders', 'row_count'] },
    ]);
    store.undo();
    expect([store.hasSheet(CHECKS), store.getState().unsaved, store.edits()]).toEqual([false, 0, []]);
    store.redo();
    expect(store.edits()).toEqual(edits);
    const other = openStore(missing());
    other.restore(edits);
    expect([other.edits(), other.getState().undo.length]).toEqual([edits, 1]);
    other.undo();
    expect(other.hasSheet(CHECKS)).toBe(false);
  });

  test('stays once it is saved; only its rows are undone then', () => {
    const store = openStore(missing());
    store.createSheet(CHECKS);
    store.edit(CHECKS, row('orders'));
    const { finish } = store.beginSave();
    finish(saved(store));
    expect([store.edits(), store.getState().unsaved, store.getState().undo.length]).toEqual([[], 0, 1]);
    store.undo();
    expect(store.hasSheet(CHECKS)).toBe(true);
    expect(store.edits()).toEqual([{ kind: 'delete', sheet: CHECKS, row: 2 }]);
  });

  test('whose making is undone while it is saved is there all the same', () => {
    const store = openStore(missing());
    store.createSheet(CHECKS);
    const { finish } = store.beginSave();
    const document = saved(store);
    store.undo();
    finish(document);
    expect([store.hasSheet(CHECKS), store.edits(), store.getState().redo]).toEqual([true, [], []]);
  });

  test('is not made where there are two of them, and of jobs it ends the finding that it is missing', () => {
    const about = { ...JOB_FINDING, sheet: CHECKS, code: 'SHEET_DUPLICATE' };
    const store = openStore({ ...missing(), fileFindings: [about] });
    store.createSheet(CHECKS);
    store.edit(CHECKS, row('orders'));
    expect([store.canCreate(CHECKS), store.hasSheet(CHECKS)]).toEqual([false, false]);
    const none = { ...missing(), fileFindings: [JOB_FINDING] };
    const empty = openStore({ ...none, sheets: { ...none.sheets, SourceConfig: null } });
    expect(empty.getState().findings.map(({ code }) => code)).toContain('SHEET_NOT_FOUND');
    empty.createSheet(SHEET);
    empty.validate();
    expect(empty.getState().findings.map(({ code }) => code)).not.toContain('SHEET_NOT_FOUND');
    expect(empty.headers(SHEET)).toEqual(JOB_COLUMN_NAMES);
  });
});

describe('findings', () => {
  test('belong to rows by id, also after rows above them came and went', () => {
    const store = openStore();
    const [one, two] = store.rowIds(SHEET) as [string, string];
    store.edit(SHEET, set(two, 'load_type', 'INCREMENT'));
    store.validate();
    expect(store.rowFindings(SHEET, two)).toMatchObject([{ column: 'load_type', row: 3, fix: 'INCREMENTAL' }]);
    expect(store.job(two)).toBeNull();
    store.edit(SHEET, { label: 'Delete', operations: [{ type: 'delete', rowIds: [one] }] });
    store.validate();
    expect(store.rowFindings(SHEET, two)).toMatchObject([{ row: 2 }]);
    expect(store.getState()).toMatchObject({ errors: 1 });
    store.undo();
    store.undo();
    store.validate();
    expect(store.getState().errors).toBe(0);
    expect(store.job(two)?.load_type).toBe('INCREMENTAL');
  });

  test('validating again with what is remembered says the same as validating afresh', () => {
    const column = fc.constantFrom(
      'source_type',
      'source_name',
      'table_name',
      'load_type',
      'primary_key',
      'target_table',
      'write_disposition',
    );
    const text = fc.constantFrom(
      '',
      'postgresql',
      'shop',
      'nobody',
      'orders',
      'customers',
      'FULL',
      'INCREMENTAL',
      'merge',
      'id',
      '"',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), column, text), { minLength: 1, maxLength: 15 }), (steps) => {
        const store = openStore();
        for (const [at, columnId, value] of steps) {
          const ids = store.rowIds(SHEET);
          store.edit(SHEET, set(ids[at % ids.length] as string, columnId, value));
          store.validate();
        }
        const fresh = openStore();
        fresh.restore(store.edits());
        fresh.validate();
        expect(store.getState().findings).toEqual(fresh.getState().findings);
      }),
      { numRuns: 100 },
    );
  });

  test('one change of 10,000 rows is judged within a frame', () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ({ ...JOB, table_name: `table_${index}` }));
    const store = openStore(projectDocument({ rows }));
    const id = store.rowIds(SHEET)[5000] as string;
    let fresh = 0;
    const times = ['FULL', 'INCREMENT', 'FULL', 'INCREMENTAL', 'FULL'].map((value) => {
      store.edit(SHEET, set(id, 'load_type', value));
      const before = store.getState().validation?.project.jobs;
      const start = performance.now();
      store.validate();
      const time = performance.now() - start;
      const known = new Set(before);
      fresh = store.getState().validation?.project.jobs.filter((job) => !known.has(job)).length ?? 0;
      return time;
    });
    console.info(`10,000 rows, one change: ${times.map((time) => time.toFixed(1)).join(', ')} ms`);
    // Not the clock, which other programs move, but the work: every other row is the very job that it was.
    expect(fresh).toBeLessThanOrEqual(1);
  });
});
