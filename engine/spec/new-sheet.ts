import { CHECK_COLUMN_NAMES } from './check.ts';
import { JOB_COLUMN_NAMES } from './job-columns.ts';

/** Sheets that can be made in a workbook that lacks them; the third one, `Pipeline`, only says what has a default anyway. */
export const NEW_SHEETS = ['SourceConfig', 'DataQuality'] as const;
export type NewSheet = (typeof NEW_SHEETS)[number];

/** The headers of a sheet that is made, all of the product's columns in the order of a new workbook; they stand in row 1. */
export function newSheetHeaders(sheet: NewSheet): readonly string[] {
  return sheet === 'SourceConfig' ? JOB_COLUMN_NAMES : CHECK_COLUMN_NAMES;
}
