import type { ProjectDocument } from '../../engine/contract.ts';
import type { NewSheet } from '../../engine/spec/new-sheet.ts';
import type { ConfigStep } from './config-step.ts';
import type { SheetName } from './edited-sheet.ts';
import { type SheetDiff, squashDiffs } from './sheet-model.ts';

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

/** Where something was changed by undo, redo or a fix, so that a screen can show it. */
export interface Touched {
  sheet: SheetName;
  rowIds: readonly string[];
  columnId: string | null;
}

/** The step without the sheets that are in the workbook by now; none where it did nothing else. */
export function withoutCreated(batch: Batch, { sheets: inWorkbook }: ProjectDocument): Batch[] {
  if (batch.creates === undefined || batch.creates.length === 0) return [batch];
  const creates = batch.creates.filter((name) => inWorkbook[name] === null);
  const isNothing = creates.length === 0 && Object.keys(batch.diffs).length === 0 && batch.config === null;
  return isNothing ? [] : [{ ...batch, creates }];
}

/** One step that does what `first` and then `second` do. */
export function squashBatches(first: Batch, second: Batch): Batch {
  const diffs = { ...first.diffs };
  for (const [name, diff] of Object.entries(second.diffs) as [SheetName, SheetDiff][]) {
    const known = diffs[name];
    diffs[name] = known === undefined ? diff : squashDiffs(known, diff);
  }
  const creates = [...(first.creates ?? []), ...(second.creates ?? [])];
  return { label: second.label, diffs, mergeKey: second.mergeKey, config: null, creates };
}

/** The first rows and the column that a batch is about. */
export function touchedBy({ diffs }: Batch, columnsOf: (name: SheetName) => readonly string[]): Touched | null {
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
