import { createStore } from 'zustand/vanilla';
import type { ProjectDocument } from '../../engine/contract.ts';
import type { Finding } from '../../engine/spec/finding.ts';
import type { Job } from '../../engine/spec/job.ts';
import { NEW_SHEETS, type NewSheet } from '../../engine/spec/new-sheet.ts';
import type { RawProject, Validation } from '../../engine/spec/project.ts';
import { createRowCache } from '../../engine/spec/validate-jobs.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';
import type { GridEdit } from '../grid/grid-types.ts';
import { type Batch, squashBatches, type Touched, touchedBy, withoutCreated } from './batch.ts';
import type { ConfigStep } from './config-step.ts';
import {
  assignFindings,
  changeSheet,
  type EditedSheet,
  editedSheet,
  judgeDirty,
  placeSheet,
  SHEETS,
  type SheetName,
  unsavedIn,
} from './edited-sheet.ts';
import { createKeyedEmitter } from './emitter.ts';
import { emptySheet, replayEdits, savedSheet, type WorkbookEdit, workbookEdits } from './saved-sheet.ts';
import {
  type Cells,
  columnIds,
  diffOfEdit,
  isBlank,
  isEmptyDiff,
  newRowId,
  type RowChange,
  reverseDiff,
  type SheetDiff,
  sheetModel,
  spliceBetween,
} from './sheet-model.ts';
import { sheetReader } from './sheet-reader.ts';

export interface EditOptions {
  /** See {@link Batch.mergeKey}. */
  mergeKey?: string;
  /** See {@link Batch.config}; written already. */
  config?: ConfigStep | null;
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

export type ProjectStore = ReturnType<typeof createProjectStore>;

/**
 * The open project as it is edited: sheets by row id, history, differences from the files, and what is wrong.
 * Knows neither React nor the engine: what is opened comes in, what is to be saved goes out.
 */
export function createProjectStore({ schedule = afterFrame, keychain = () => true }: ProjectStoreOptions = {}) {
  const store = createStore<ProjectState>(() => EMPTY);
  const rowListeners = createKeyedEmitter<string>();
  const orderListeners = createKeyedEmitter<SheetName>();
  let sheets: Partial<Record<SheetName, EditedSheet>> = {};
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

  const reader = sheetReader((name) => sheets[name]);
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
    return SHEETS.reduce((sum, name) => sum + (sheets[name] === undefined ? 0 : unsavedIn(sheets[name])), 0);
  }

  // Changing

  function apply(name: SheetName, diff: SheetDiff): void {
    const sheet = sheets[name];
    if (sheet === undefined) return;
    const orderBefore = sheet.model.order;
    touchRows(name, changeSheet(sheet, diff));
    if (diff.headers === null) touchRows(name, diff.rows.keys());
    else touchAllRows();
    if (sheet.model.order !== orderBefore) orderListeners.emit(name);
  }

  function create(name: NewSheet): void {
    const sheet = editedSheet(name, emptySheet(name));
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

  function rawProject(document: ProjectDocument): RawProject {
    return {
      jobs: reader.rawSheet('SourceConfig'),
      checks: reader.rawSheet('DataQuality'),
      settings: reader.rawSheet('Pipeline'),
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
    for (const name of SHEETS) {
      const sheet = sheets[name];
      if (sheet !== undefined) touchRows(name, assignFindings(sheet, findings));
    }
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
      if (sheet !== null) sheets[name] = editedSheet(name, sheet);
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
        sheets[name] = editedSheet(name, raw);
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
      touchRows(name, placeSheet(sheet));
    }
    const { undo, redo } = store.getState();
    store.setState({ document });
    touchAllRows();
    const steps = (batches: readonly Batch[]) => batches.flatMap((batch) => withoutCreated(batch, document));
    changed({ undo: steps(undo), redo: gone ? [] : steps(redo) });
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
      changed({ undo: undo.slice(0, -1), redo: [...redo, batch], touched: touchedBy(batch, reader.columns) });
    },

    redo(): void {
      const { undo, redo } = store.getState();
      const batch = redo.at(-1);
      if (batch === undefined) return;
      for (const name of batch.creates ?? []) create(name);
      for (const [name, diff] of Object.entries(batch.diffs) as [SheetName, SheetDiff][]) apply(name, diff);
      changed({ undo: [...undo, batch], redo: redo.slice(0, -1), touched: touchedBy(batch, reader.columns) });
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
        const sheet = made === undefined ? sheets[name] : editedSheet(name, emptySheet(made));
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

    ...reader,
    canCreate,
    /** The job of a row, with everything that its connection gives it; null where the row has an error. */
    job: (rowId: string): Job | null => jobs[sheets.SourceConfig?.numbers.get(rowId) ?? 0] ?? null,
    rowVersion: (name: SheetName, rowId: string): number => epoch * 1e9 + (sheets[name]?.versions.get(rowId) ?? 0),
    onOrder: (name: SheetName, listener: () => void) => orderListeners.on(name, listener),
    onRow: (name: SheetName, rowId: string, listener: () => void) =>
      rowListeners.on(rowListenerKey(name, rowId), listener),
    touchRows,
  };
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
