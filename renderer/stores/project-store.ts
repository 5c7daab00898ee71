import { createStore } from 'zustand/vanilla';
import type { ProjectDocument } from '../../engine/contract.ts';
import type { Finding } from '../../engine/spec/finding.ts';
import type { Job } from '../../engine/spec/job.ts';
import { NEW_SHEETS, type NewSheet } from '../../engine/spec/new-sheet.ts';
import type { RawProject, RawSheet, Validation } from '../../engine/spec/project.ts';
import { createRowCache } from '../../engine/spec/validate-jobs.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';
import type { GridEdit } from '../grid/grid-types.ts';
import type { ConfigStep } from './config-step.ts';
import { createKeyedEmitter } from './emitter.ts';
import {
  emptySheet,
  placeRows,
  rawSheetOf,
  replayEdits,
  rowDifference,
  type SavedSheet,
  savedSheet,
  type WorkbookEdit,
  workbookEdits,
} from './saved-sheet.ts';
import {
  applyDiff,
  type Cells,
  columnIds,
  diffOfEdit,
  isBlank,
  isEmptyDiff,
  newRowId,
  type RowChange,
  reverseDiff,
  type SheetDiff,
  type SheetModel,
  sheetModel,
  spliceBetween,
  squashDiffs,
} from './sheet-model.ts';

/** Sheets of the workbook that are edited here. */
export const SHEETS = ['SourceConfig', 'DataQuality', 'Pipeline'] as const;
export type SheetName = (typeof SHEETS)[number];

/** One step of undo. */
export interface Batch {
  label: string;
  diffs: Partial<Record<SheetName, SheetDiff>>;
  /** Batches in a row with the same key are one step: the letters of a form's field. */
  mergeKey: string | null;
  /** What it has changed in config.toml beside its sheets; who undoes it writes that back first. */
  config: ConfigStep | null;
  /** Sheets that it has made, until they are in the workbook: a save does not take back what it has written. */
  creates?: readonly NewSheet[];
}

export interface EditOptions {
  /** See {@link Batch.mergeKey}. */
  mergeKey?: string;
  /** See {@link Batch.config}; written already. */
  config?: ConfigStep | null;
}

/** Where something was changed by undo, redo or a fix, so that a screen can show it. */
export interface Touched {
  sheet: SheetName;
  rowIds: readonly string[];
  columnId: string | null;
}

export interface ProjectState {
  /** Null: no project is open. */
  document: ProjectDocument | null;
  /** Grows with each change of any sheet. */
  revision: number;
  undo: readonly Batch[];
  redo: readonly Batch[];
  /** Rows that differ from the workbook, of all sheets; rows that are gone count too. */
  unsaved: number;
  /** Of the files and of the values, in reading order; rows are those after saving. Without notices. */
  findings: readonly Finding[];
  errors: number;
  warnings: number;
  validation: Validation | null;
  /** Revision that {@link findings} speak of; less than `revision` while they are being found. */
  validatedRevision: number;
  touched: Touched | null;
}

/** A sheet and all that is known of it, by row id. */
interface Sheet {
  /** Its key; `model.name` is as the workbook spells it. */
  name: SheetName;
  model: SheetModel;
  saved: SavedSheet;
  /** Row ids → findings that are no notices. */
  findings: ReadonlyMap<string, readonly Finding[]>;
  kept: ReadonlySet<string>;
  numbers: ReadonlyMap<string, number>;
  idOfNumber: ReadonlyMap<number, string>;
  moved: ReadonlySet<string>;
  dirty: Set<string>;
  /** Rows of the workbook that are no more. */
  deleted: number;
  columns: readonly string[];
  versions: Map<string, number>;
}

export interface ProjectStoreOptions {
  /** Runs a task soon, after what the person did is on the screen; gives back the way to call it off. Default: after the next frame. */
  schedule?: (task: () => void) => () => void;
  /** Whether what is typed into a connection's form can be kept; asked with each validation. Default: it can. */
  keychain?: () => boolean;
}

const EMPTY: ProjectState = {
  document: null,
  revision: 0,
  undo: [],
  redo: [],
  unsaved: 0,
  findings: [],
  errors: 0,
  warnings: 0,
  validation: null,
  validatedRevision: 0,
  touched: null,
};

/** Steps of undo that are kept. */
const HISTORY = 1000;

const NO_FINDINGS: readonly Finding[] = [];

export type ProjectStore = ReturnType<typeof createProjectStore>;

/**
 * The open project as it is edited: sheets by row id, history, differences from the files, and what is wrong.
 * Knows neither React nor the engine: what is opened comes in, what is to be saved goes out.
 */
export function createProjectStore({ schedule = afterFrame, keychain = () => true }: ProjectStoreOptions = {}) {
  const store = createStore<ProjectState>(() => EMPTY);
  const rowListeners = createKeyedEmitter<string>();
  const orderListeners = createKeyedEmitter<SheetName>();
  let sheets: Partial<Record<SheetName, Sheet>> = {};
  /** By row after saving; rows with an error have none. */
  let jobs: readonly (Job | undefined)[] = [];
  let cache = createRowCache();
  /** Of the document: one identity, so that the cache holds. */
  let secretPaths: ReadonlySet<string> = new Set();
  let deferredPaths: ReadonlySet<string> = new Set();
  let cancelValidation: (() => void) | null = null;
  /** Makes every row's version another one. */
  let epoch = 0;

  // Reading

  const rowListenerKey = (name: SheetName, rowId: string) => `${name} ${rowId}`;

  function touchRows(name: SheetName, rowIds: Iterable<string>): void {
    const versions = sheets[name]?.versions;
    if (versions === undefined) return;
    for (const id of rowIds) {
      versions.set(id, (versions.get(id) ?? 0) + 1);
      rowListeners.emit(rowListenerKey(name, id));
    }
  }

  function touchAllRows(): void {
    epoch += 1;
    for (const key of rowListeners.keys()) rowListeners.emit(key);
  }

  function countUnsaved(): number {
    let count = 0;
    for (const name of SHEETS) {
      const sheet = sheets[name];
      if (sheet === undefined) continue;
      count += sheet.dirty.size + sheet.deleted + (sheet.saved.isNew ? 1 : 0);
      for (const id of sheet.moved) if (!sheet.dirty.has(id)) count += 1;
      if (sheet.model.headers !== sheet.saved.headers) count += headerChanges(sheet).length;
    }
    return count;
  }

  function headerChanges({ model, saved }: Sheet): number[] {
    return model.headers.flatMap((header, position) => (header === (saved.headers[position] ?? '') ? [] : [position]));
  }

  // Changing

  function place(sheet: Sheet): void {
    const { kept, moved, numbers } = placeRows(sheet.model, sheet.saved);
    const before = sheet.numbers;
    Object.assign(sheet, { kept, moved, numbers });
    sheet.idOfNumber = new Map([...numbers].map(([id, number]) => [number, id]));
    sheet.deleted = 0;
    for (const id of sheet.saved.rows.keys()) if (!sheet.model.rows.has(id)) sheet.deleted += 1;
    const renumbered: string[] = [];
    for (const [id, number] of numbers) if (before.get(id) !== number) renumbered.push(id);
    for (const id of before.keys()) if (!numbers.has(id)) renumbered.push(id);
    touchRows(sheet.name, renumbered);
  }

  function judgeDirty(sheet: Sheet, ids: Iterable<string>): void {
    for (const id of ids) {
      const cells = sheet.model.rows.get(id);
      if (cells !== undefined && rowDifference(sheet.saved, id, cells) !== null) sheet.dirty.add(id);
      else sheet.dirty.delete(id);
    }
  }

  function apply(name: SheetName, diff: SheetDiff): void {
    const sheet = sheets[name];
    if (sheet === undefined) return;
    const orderBefore = sheet.model.order;
    applyDiff(sheet.model, diff);
    if (diff.headers !== null) sheet.columns = columnIds(sheet.model.headers);
    judgeDirty(sheet, diff.rows.keys());
    const structural = diff.order.length > 0 || [...diff.rows].some(([id, change]) => turnsBlank(sheet, id, change));
    if (structural) place(sheet);
    if (diff.headers === null) touchRows(name, diff.rows.keys());
    else touchAllRows();
    if (sheet.model.order !== orderBefore) orderListeners.emit(name);
  }

  function create(name: NewSheet): void {
    const sheet = read(name, emptySheet(name));
    sheet.saved = { ...sheet.saved, isNew: true };
    sheets[name] = sheet;
    touchAllRows();
    orderListeners.emit(name);
  }

  function remove(name: NewSheet): void {
    if (sheets[name]?.saved.isNew !== true) return;
    delete sheets[name];
    touchAllRows();
    orderListeners.emit(name);
  }

  /** A sheet that the workbook lacks and could have; where the workbook cannot be read, or has two of them, that is to be settled first. */
  function canCreate(name: SheetName): name is NewSheet {
    const { document } = store.getState();
    if (document === null || sheets[name] !== undefined || !NEW_SHEETS.some((known) => known === name)) return false;
    return !document.fileFindings.some(
      ({ code, sheet }) => code.startsWith('WORKBOOK_') || (code === 'SHEET_DUPLICATE' && sheet === name),
    );
  }

  /** A row that is not in the workbook yet begins or ceases to say something: it gets or loses its number. */
  function turnsBlank(sheet: Sheet, id: string, { before, after }: RowChange): boolean {
    return !sheet.saved.rows.has(id) && (before === null || isBlank(before)) !== (after === null || isBlank(after));
  }

  function changed(changes: Partial<ProjectState>): void {
    const { revision } = store.getState();
    store.setState({ ...changes, revision: revision + 1, unsaved: countUnsaved() });
    cancelValidation ??= schedule(() => {
      cancelValidation = null;
      validate();
    });
  }

  function commit(batch: Batch): void {
    for (const name of batch.creates ?? []) create(name);
    for (const [name, diff] of Object.entries(batch.diffs) as [SheetName, SheetDiff][]) apply(name, diff);
    const { undo } = store.getState();
    const last = undo.at(-1);
    const joined = last !== undefined && batch.mergeKey !== null && last.mergeKey === batch.mergeKey;
    const next = joined ? [...undo.slice(0, -1), squashBatches(last, batch)] : [...undo, batch].slice(-HISTORY);
    changed({ undo: next, redo: [] });
  }

  // Validating

  function rawOf(name: SheetName): RawSheet | null {
    const sheet = sheets[name];
    return sheet === undefined ? null : rawSheetOf(sheet.model, sheet.numbers);
  }

  function rawProject(document: ProjectDocument): RawProject {
    return {
      jobs: rawOf('SourceConfig'),
      checks: rawOf('DataQuality'),
      settings: rawOf('Pipeline'),
      config: document.config,
      secretPaths,
      deferredPaths,
    };
  }

  function validate(): void {
    const { document, revision } = store.getState();
    if (document === null) return;
    const validation = validateProject(rawProject(document), { cache, keychain: keychain() });
    const findings = document.fileFindings.concat(validation.findings).filter((finding) => !isSettled(finding));
    for (const name of SHEETS) assignFindings(name, findings);
    assignJobs(validation.project.jobs);
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    store.setState({
      findings,
      errors,
      warnings: findings.length - errors,
      validation,
      validatedRevision: revision,
    });
  }

  /** No finding of now: a notice, or that a sheet is missing that is made by now. */
  function isSettled({ severity, code, sheet }: Finding): boolean {
    return (
      severity === 'notice' || (code === 'SHEET_NOT_FOUND' && SHEETS.some((name) => name === sheet && sheets[name]))
    );
  }

  function assignFindings(name: SheetName, findings: readonly Finding[]): void {
    const sheet = sheets[name];
    if (sheet === undefined) return;
    const byRow = new Map<string, Finding[]>();
    for (const finding of findings) {
      const id =
        finding.sheet === sheet.model.name && finding.row !== null ? sheet.idOfNumber.get(finding.row) : undefined;
      if (id === undefined) continue;
      const list = byRow.get(id);
      if (list === undefined) byRow.set(id, [finding]);
      else list.push(finding);
    }
    const before = sheet.findings;
    sheet.findings = byRow;
    const other: string[] = [];
    for (const [id, list] of byRow) {
      const was = before.get(id);
      if (was?.length !== list.length || was.some((finding, index) => finding !== list[index])) other.push(id);
    }
    for (const id of before.keys()) if (!byRow.has(id)) other.push(id);
    touchRows(name, other);
  }

  function assignJobs(list: readonly Job[]): void {
    const before = jobs;
    const next: Job[] = [];
    for (const job of list) next[job.row] = job;
    jobs = next;
    const other: string[] = [];
    const length = Math.max(before.length, next.length);
    for (let row = 0; row < length; row++) {
      if (before[row] === next[row]) continue;
      const id = sheets.SourceConfig?.idOfNumber.get(row);
      if (id !== undefined) other.push(id);
    }
    touchRows('SourceConfig', other);
  }

  // Files

  function read(name: SheetName, sheet: RawSheet): Sheet {
    const model = sheetModel(sheet);
    const read: Sheet = {
      name,
      model,
      saved: savedSheet(sheet, model.order),
      findings: new Map(),
      kept: new Set(),
      numbers: new Map(),
      idOfNumber: new Map(),
      moved: new Set(),
      dirty: new Set(),
      deleted: 0,
      columns: columnIds(model.headers),
      versions: new Map(),
    };
    place(read);
    return read;
  }

  function takeDocument(document: ProjectDocument): void {
    secretPaths = new Set(document.secretPaths);
    deferredPaths = new Set(document.deferredPaths);
    cache = createRowCache();
  }

  function open(document: ProjectDocument): void {
    takeDocument(document);
    sheets = {};
    jobs = [];
    for (const name of SHEETS) {
      const sheet = document.sheets[name];
      if (sheet !== null) sheets[name] = read(name, sheet);
    }
    cancelValidation?.();
    cancelValidation = null;
    const { revision } = store.getState();
    store.setState({ ...EMPTY, document, revision: revision + 1 });
    validate();
    touchAllRows();
    for (const name of SHEETS) orderListeners.emit(name);
  }

  function close(): void {
    cancelValidation?.();
    cancelValidation = null;
    sheets = {};
    jobs = [];
    store.setState({ ...EMPTY, revision: store.getState().revision + 1 });
    for (const name of SHEETS) orderListeners.emit(name);
  }

  /** What a save sends, and what it makes of its answer; edits that are made meanwhile stay edits. */
  function beginSave(): { edits: WorkbookEdit[]; finish(document: ProjectDocument): void } {
    const sent = SHEETS.flatMap((name) => {
      const sheet = sheets[name];
      if (sheet === undefined) return [];
      const { model } = sheet;
      const ids = model.order.filter((id) => !isBlank(model.rows.get(id) ?? []));
      return [{ name, ids, cells: new Map(ids.map((id) => [id, model.rows.get(id) as Cells])) }];
    });
    return { edits: edits(), finish: (document) => finishSave(document, sent) };
  }

  function finishSave(
    document: ProjectDocument,
    sent: readonly { name: SheetName; ids: readonly string[]; cells: ReadonlyMap<string, Cells> }[],
  ): void {
    const fits = sent.every(({ name, ids }) => document.sheets[name]?.rows.length === ids.length);
    if (!fits) {
      open(document);
      return;
    }
    takeDocument(document);
    let gone = false;
    for (const { name, ids, cells } of sent) {
      const sheet = sheets[name];
      const raw = document.sheets[name];
      if (raw === null) continue;
      if (sheet === undefined) {
        // Its making was undone while it was written: it is in the workbook now.
        sheets[name] = read(name, raw);
        orderListeners.emit(name);
        gone = true;
        continue;
      }
      sheet.saved = savedSheet(raw, ids);
      for (const [index, id] of ids.entries()) {
        // The workbook may spell what was written in its own way; a row that was edited meanwhile is left alone.
        if (sheet.model.rows.get(id) === cells.get(id)) sheet.model.rows.set(id, raw.rows[index]?.cells as Cells);
      }
      if (sheet.model.headers.length <= raw.headers.length) sheet.model.headers = raw.headers;
      sheet.columns = columnIds(sheet.model.headers);
      sheet.dirty.clear();
      judgeDirty(sheet, sheet.model.order);
      place(sheet);
    }
    const { undo, redo } = store.getState();
    store.setState({ document });
    touchAllRows();
    const steps = (batches: readonly Batch[]) => batches.flatMap((batch) => withoutCreated(batch, document));
    changed({ undo: steps(undo), redo: gone ? [] : steps(redo) });
  }

  /** The step without the sheets that are in the workbook by now; none where it did nothing else. */
  function withoutCreated(batch: Batch, { sheets: inWorkbook }: ProjectDocument): Batch[] {
    if (batch.creates === undefined || batch.creates.length === 0) return [batch];
    const creates = batch.creates.filter((name) => inWorkbook[name] === null);
    const isNothing = creates.length === 0 && Object.keys(batch.diffs).length === 0 && batch.config === null;
    return isNothing ? [] : [{ ...batch, creates }];
  }

  /** The difference from the workbook as its writer wants it. */
  function edits(): WorkbookEdit[] {
    return SHEETS.flatMap((name) => {
      const sheet = sheets[name];
      return sheet === undefined ? [] : workbookEdits(sheet.model, sheet.saved);
    });
  }

  return {
    ...store,
    open,
    close,
    beginSave,
    edits,
    validate,

    /**
     * Takes a document whose workbook is the one that is open and whose configuration may be another: after a connection was saved.
     * False, and nothing is done, where the workbook is another one.
     */
    adopt(document: ProjectDocument): boolean {
      const { document: now, revision } = store.getState();
      if (now === null || now.directory !== document.directory || now.fingerprint !== document.fingerprint)
        return false;
      takeDocument(document);
      store.setState({ document: { ...document, recovery: now.recovery }, revision: revision + 1 });
      validate();
      touchAllRows();
      return true;
    },

    /** Changes what the document says beside its sheets: read-only, opened elsewhere. */
    patchDocument(patch: Partial<Pick<ProjectDocument, 'readOnly' | 'openElsewhere' | 'recovery'>>): void {
      const { document } = store.getState();
      if (document !== null) store.setState({ document: { ...document, ...patch } });
    },

    /**
     * Makes a change: one step of undo. Nothing happens where it changes nothing. Rows for a sheet that the workbook lacks make the sheet
     * in the same step.
     */
    edit(name: SheetName, edit: GridEdit, { mergeKey, config = null }: EditOptions = {}): void {
      const made = canCreate(name) ? name : null;
      const model = made === null ? sheets[name]?.model : sheetModel(emptySheet(made));
      if (model === undefined) return;
      const diff = diffOfEdit(model, edit);
      const isEmpty = isEmptyDiff(diff);
      if (isEmpty && config === null) return;
      const creates = made === null || isEmpty ? [] : [made];
      commit({
        label: edit.label,
        diffs: isEmpty ? {} : { [name]: diff },
        mergeKey: mergeKey ?? null,
        config,
        creates,
      });
    },

    /** Makes a sheet that the workbook lacks, with its headers: one step of undo. */
    createSheet(name: NewSheet): void {
      if (!canCreate(name)) return;
      commit({ label: `Create sheet ${name}`, diffs: {}, mergeKey: null, config: null, creates: [name] });
    },

    /** A step that changed the configuration only; it is written already. */
    recordConfig(label: string, config: ConfigStep): void {
      commit({ label, diffs: {}, mergeKey: null, config });
    },

    /** Writes one text. */
    setCell(name: SheetName, rowId: string, columnId: string, value: string, options?: EditOptions): void {
      const label = `Change ${columnId}`;
      this.edit(name, { label, operations: [{ type: 'set', cells: [{ rowId, columnId, value }] }] }, options);
    },

    renameHeader(name: SheetName, position: number, header: string): void {
      const { model } = sheets[name] ?? {};
      if (model === undefined || model.headers[position] === header) return;
      const headers = { before: model.headers, after: model.headers.with(position, header) };
      const diff: SheetDiff = { rows: new Map(), order: [], headers };
      commit({ label: 'Rename header', diffs: { [name]: diff }, mergeKey: null, config: null });
    },

    /** Takes the last step back in the sheets; see {@link Batch.config} for the rest of it. */
    undo(): void {
      const { undo, redo } = store.getState();
      const batch = undo.at(-1);
      if (batch === undefined) return;
      for (const [name, diff] of Object.entries(batch.diffs) as [SheetName, SheetDiff][]) {
        apply(name, reverseDiff(diff));
      }
      for (const name of batch.creates ?? []) remove(name);
      changed({ undo: undo.slice(0, -1), redo: [...redo, batch], touched: touchedBy(batch, columnsOf) });
    },

    redo(): void {
      const { undo, redo } = store.getState();
      const batch = redo.at(-1);
      if (batch === undefined) return;
      for (const name of batch.creates ?? []) create(name);
      for (const [name, diff] of Object.entries(batch.diffs) as [SheetName, SheetDiff][]) apply(name, diff);
      changed({ undo: [...undo, batch], redo: redo.slice(0, -1), touched: touchedBy(batch, columnsOf) });
    },

    /** The next letter typed into the same field is another step of undo. */
    endMerge(): void {
      const { undo } = store.getState();
      const last = undo.at(-1);
      if (last !== undefined && last.mergeKey !== null) {
        store.setState({ undo: [...undo.slice(0, -1), { ...last, mergeKey: null }] });
      }
    },

    /** Edits that were kept for a window that was lost, as one step of undo. */
    restore(kept: readonly WorkbookEdit[]): void {
      const diffs: Batch['diffs'] = {};
      const creates = NEW_SHEETS.filter(
        (name) => canCreate(name) && kept.some(({ kind, sheet }) => kind === 'create' && sheet === name),
      );
      for (const name of SHEETS) {
        const made = creates.find((one) => one === name);
        const sheet = made === undefined ? sheets[name] : read(name, emptySheet(made));
        if (sheet === undefined) continue;
        const { rows, headers, order } = replayEdits(sheet.model, sheet.saved, kept, newRowId);
        const changes = new Map<string, RowChange>();
        for (const [id, after] of rows) changes.set(id, { before: sheet.model.rows.get(id) ?? null, after });
        const diff: SheetDiff = {
          rows: changes,
          order: spliceBetween(sheet.model.order, order),
          headers: headers === sheet.model.headers ? null : { before: sheet.model.headers, after: headers },
        };
        if (!isEmptyDiff(diff)) diffs[name] = diff;
      }
      if (Object.keys(diffs).length > 0 || creates.length > 0) {
        commit({ label: 'Restore unsaved changes', diffs, mergeKey: null, config: null, creates });
      }
    },

    // Reading, by row id; cheap enough to be called while drawing

    /** As findings and the workbook spell it. */
    sheetTitle: (name: SheetName): string => sheets[name]?.model.name ?? name,
    canCreate,
    hasSheet: (name: SheetName): boolean => sheets[name] !== undefined,
    headers: (name: SheetName): readonly string[] => sheets[name]?.model.headers ?? NO_IDS,
    /** Ids of the columns by position. */
    columns: (name: SheetName): readonly string[] => columnsOf(name),
    rowIds: (name: SheetName): readonly string[] => sheets[name]?.model.order ?? NO_IDS,
    cell(name: SheetName, rowId: string, columnId: string): string {
      const sheet = sheets[name];
      const position = sheet?.columns.indexOf(columnId) ?? -1;
      return position < 0 ? '' : (sheet?.model.rows.get(rowId)?.[position] ?? '');
    },
    /** Texts by position. */
    rowCells: (name: SheetName, rowId: string): Cells => sheets[name]?.model.rows.get(rowId) ?? NO_IDS,
    /** Column id → text, without blanks. */
    rowValues(name: SheetName, rowId: string): Record<string, string> {
      const sheet = sheets[name];
      const values: Record<string, string> = {};
      for (const [position, text] of (sheet?.model.rows.get(rowId) ?? []).entries()) {
        const id = sheet?.columns[position];
        if (text !== '' && id !== undefined) values[id] = text;
      }
      return values;
    },
    /** The workbook's text of a cell; null where the row is not in the workbook. */
    savedCell(name: SheetName, rowId: string, columnId: string): string | null {
      const sheet = sheets[name];
      const row = sheet?.saved.rows.get(rowId);
      return row === undefined ? null : (row.cells[sheet?.columns.indexOf(columnId) ?? -1] ?? '');
    },
    /** Row of the workbook as it is saved now; null for a row that is new. */
    savedRow: (name: SheetName, rowId: string): number | null => sheets[name]?.saved.rows.get(rowId)?.row ?? null,
    savedSheet: (name: SheetName): SavedSheet | null => sheets[name]?.saved ?? null,
    /** Row after saving; null for one that is blank and new. */
    rowNumber: (name: SheetName, rowId: string): number | null => sheets[name]?.numbers.get(rowId) ?? null,
    rowOfNumber: (name: SheetName, row: number): string | null => sheets[name]?.idOfNumber.get(row) ?? null,
    isDirty: (name: SheetName, rowId: string): boolean =>
      sheets[name]?.dirty.has(rowId) === true || sheets[name]?.moved.has(rowId) === true,
    /** Findings of a row that are no notices. */
    rowFindings: (name: SheetName, rowId: string): readonly Finding[] =>
      sheets[name]?.findings.get(rowId) ?? NO_FINDINGS,
    /** The job of a row, with everything that its connection gives it; null where the row has an error. */
    job: (rowId: string): Job | null => jobs[sheets.SourceConfig?.numbers.get(rowId) ?? 0] ?? null,
    rawSheet: rawOf,
    rowVersion: (name: SheetName, rowId: string): number => epoch * 1e9 + (sheets[name]?.versions.get(rowId) ?? 0),
    onOrder: (name: SheetName, listener: () => void) => orderListeners.on(name, listener),
    onRow: (name: SheetName, rowId: string, listener: () => void) =>
      rowListeners.on(rowListenerKey(name, rowId), listener),
    touchRows,
  };

  function columnsOf(name: SheetName): readonly string[] {
    return sheets[name]?.columns ?? NO_IDS;
  }
}

const NO_IDS: readonly string[] = [];

function squashBatches(first: Batch, second: Batch): Batch {
  const diffs = { ...first.diffs };
  for (const [name, diff] of Object.entries(second.diffs) as [SheetName, SheetDiff][]) {
    const known = diffs[name];
    diffs[name] = known === undefined ? diff : squashDiffs(known, diff);
  }
  const creates = [...(first.creates ?? []), ...(second.creates ?? [])];
  return { label: second.label, diffs, mergeKey: second.mergeKey, config: null, creates };
}

/** The first rows and the column that a batch is about. */
function touchedBy({ diffs }: Batch, columnsOf: (name: SheetName) => readonly string[]): Touched | null {
  for (const [sheet, { rows, order }] of Object.entries(diffs) as [SheetName, SheetDiff][]) {
    const [first] = rows;
    if (first === undefined) {
      const rowIds = order.flatMap(({ inserted }) => inserted);
      return rowIds.length === 0 ? null : { sheet, rowIds, columnId: null };
    }
    const [, { before, after }] = first;
    const length = Math.max(before?.length ?? 0, after?.length ?? 0);
    let position = 0;
    while (position < length && (before?.[position] ?? '') === (after?.[position] ?? '')) position += 1;
    const whole = before === null || after === null;
    return { sheet, rowIds: [...rows.keys()], columnId: whole ? null : (columnsOf(sheet)[position] ?? null) };
  }
  return null;
}

/** Lets the window draw first. A window in the background draws no frames: there a timer does. */
function afterFrame(task: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const run = () => {
    cancel();
    task();
  };
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    timer = setTimeout(run);
  });
  timer = setTimeout(run, 250);
  const cancel = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
  return cancel;
}
