import type { DataValidation } from 'exceljs';
import { CHECK_COLUMNS } from '../spec/check.ts';
import { JOB_COLUMN_NAMES, jobColumn } from '../spec/job-columns.ts';
import type { NewSheet } from '../spec/new-sheet.ts';

/** What a new sheet needs to know of a column. */
export interface SheetColumn {
  header: string;
  help: string;
  width: number;
  required: boolean;
  /** Choices of a drop-down. */
  values?: readonly string[];
  /** Whole numbers within these bounds. */
  range?: { min: number; max: number };
  /** Cells are text whatever is typed: `007`, `1-2` and `TRUE` stay as they are. */
  text: boolean;
}

const FLAGS = ['Y', 'N'];

/** Rows that drop-downs are made for; Excel carries them on as rows are added to the table. */
export const VALIDATED_ROWS = 1_000;

/** The columns of a new sheet, in their order. */
export function sheetColumns(sheet: NewSheet): SheetColumn[] {
  if (sheet === 'SourceConfig') {
    return JOB_COLUMN_NAMES.map((name): SheetColumn => {
      const { help, kind, required, values, min, max } = jobColumn(name);
      return {
        header: name,
        help,
        required,
        width: kind === 'text' || kind === 'list' || kind === 'types' ? 22 : 16,
        values: kind === 'flag' ? FLAGS : values,
        range: kind === 'integer' && min !== undefined && max !== undefined ? { min, max } : undefined,
        text: kind !== 'integer',
      };
    });
  }
  return CHECK_COLUMNS.map(
    ({ name, help, kind, required, values }): SheetColumn => ({
      header: name,
      help,
      required,
      width: kind === 'text' || kind === 'list' ? 22 : 14,
      values: kind === 'flag' ? FLAGS : values,
      text: kind !== 'number',
    }),
  );
}

/** What Excel offers and refuses in a column's cells; null where anything goes. */
export function validationOf({ header, help, values, range }: SheetColumn): DataValidation | null {
  const shared = {
    allowBlank: true,
    showInputMessage: true,
    showErrorMessage: true,
    promptTitle: header,
    prompt: help.slice(0, 255),
  };
  if (values) {
    // Any case is read, and a person may know better than the list: a warning, not a wall.
    return {
      ...shared,
      type: 'list',
      formulae: [`"${values.join(',')}"`],
      errorStyle: 'warning',
      error: `Use ${values.join(', ')}.`.slice(0, 225),
    };
  }
  if (range) {
    return {
      ...shared,
      type: 'whole',
      operator: 'between',
      formulae: [range.min, range.max],
      error: `A whole number from ${range.min} to ${range.max}.`,
    };
  }
  return null;
}
