import { parseFlag } from '../../engine/spec/cells.ts';
import {
  CHECK_COLUMNS,
  type Check,
  type CheckColumn,
  type CheckColumnName,
  DEFAULT_CHECK_SEVERITY,
} from '../../engine/spec/check.ts';
import type { Finding } from '../../engine/spec/finding.ts';
import { CHECK_TYPES, type CheckType } from '../../engine/spec/kinds.ts';
import type { CheckHistory } from './checks-view-store.ts';
import type { ProjectStore } from './project-store.ts';

/** What a check's cells mean: which apply, what a blank one stands for, what is wrong with it, what it found. */

const SHEET = 'DataQuality';

const COLUMNS = new Map<string, CheckColumn>(CHECK_COLUMNS.map((column) => [column.name, column]));

/** The product's column of a column id, or null. */
export function checkColumnOfId(columnId: string): CheckColumn | null {
  return COLUMNS.get(columnId) ?? null;
}

export function checkTypeOfRow(project: ProjectStore, rowId: string): CheckType | null {
  const text = project.cell(SHEET, rowId, 'type').trim().toLowerCase();
  return CHECK_TYPES.find((type) => type === text) ?? null;
}

/** False where the cell has no effect in its row, whatever it says. */
export function checkCellApplies(project: ProjectStore, rowId: string, columnId: string): boolean {
  const column = checkColumnOfId(columnId);
  const type = checkTypeOfRow(project, rowId);
  return column === null || type === null || column.appliesTo.includes(type);
}

/** The check of a row; null where the row has an error. */
export function checkOfRow(project: ProjectStore, rowId: string): Check | null {
  const row = project.rowNumber(SHEET, rowId);
  const checks = project.getState().validation?.project.checks ?? [];
  return row === null ? null : (checks.find((check) => check.row === row) ?? null);
}

/** What a blank cell stands for; '' where it means nothing set. */
export function checkEffectiveText(project: ProjectStore, rowId: string, columnId: string): string {
  const column = checkColumnOfId(columnId);
  if (column === null || !checkCellApplies(project, rowId, columnId)) return '';
  const check = checkOfRow(project, rowId);
  if (check !== null && (column.name === 'name' || column.name === 'severity' || column.name === 'scope'))
    return check[column.name];
  if (column.name === 'severity') {
    const type = checkTypeOfRow(project, rowId);
    return type === null ? '' : DEFAULT_CHECK_SEVERITY[type];
  }
  return column.default ?? '';
}

/** The worst finding of a cell of any sheet. */
export function checkFindingAt(project: ProjectStore, rowId: string, columnId: string): Finding | null {
  const here = project.rowFindings(SHEET, rowId).filter(({ column }) => column?.toLowerCase() === columnId);
  return here.find(({ severity }) => severity === 'error') ?? here[0] ?? null;
}

/** The results of a check, those of the real table before those of samples; null where it never ran. */
export function historyOf(check: Check, histories: readonly CheckHistory[]): CheckHistory | null {
  const schema = check.target_schema;
  const mine = histories.filter(
    ({ name, type, table }) =>
      name === check.name &&
      type === check.type &&
      (schema === null ? table.endsWith(`.${check.target_table}`) : table === `${schema}.${check.target_table}`),
  );
  return mine.find(({ table }) => !/_sample\./.test(table)) ?? mine[0] ?? null;
}

/** True where a row says that it is off. */
export function isOff(project: ProjectStore, rowId: string): boolean {
  const flag = parseFlag(project.cell(SHEET, rowId, 'enabled'));
  return flag.ok && flag.value === false;
}

export function checkColumnIds(): readonly CheckColumnName[] {
  return CHECK_COLUMNS.map(({ name }) => name);
}
