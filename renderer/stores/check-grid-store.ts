import type { CellMark, GridStore, RowMark } from '../grid/grid-types.ts';
import type { AppStores } from './app-stores.ts';
import { checkCellApplies, checkEffectiveText, checkFindingAt, checkOfRow, historyOf, isOff } from './check-cells.ts';
import type { CheckHistory } from './checks-view-store.ts';
import { isMissing } from './job-cells.ts';
import { newRowId } from './sheet-model.ts';

const SHEET = 'DataQuality';
/** A column of the grid that no sheet has: what the check found last. */
export const LAST_RESULT = 'last result';

type Point = CheckHistory['points'][number];

/** The checks as the grid shows them: texts and differences of the project, what is wrong, what each one found last. */
export function createCheckGridStore({ project, checksView }: AppStores): GridStore & { stop(): void } {
  const touchAll = () => project.touchRows(SHEET, project.rowIds(SHEET));
  const stops = [
    checksView.subscribe((state, before) => {
      if (state.histories !== before.histories) touchAll();
    }),
    // A check is known by what all its cells say together.
    project.subscribe((state, before) => {
      if (state.validation !== before.validation) touchAll();
    }),
  ];

  function lastPoint(rowId: string): Point | null {
    const check = checkOfRow(project, rowId);
    const histories = checksView.getState().histories ?? [];
    return check === null ? null : (historyOf(check, histories)?.points.at(-1) ?? null);
  }

  return {
    stop(): void {
      for (const stop of stops) stop();
    },
    newRowId,
    rowIds: () => project.rowIds(SHEET),
    cell: (rowId, columnId) =>
      columnId === LAST_RESULT ? (lastPoint(rowId)?.result.message ?? '') : project.cell(SHEET, rowId, columnId),
    rowVersion: (rowId) => project.rowVersion(SHEET, rowId),
    subscribe: (listener) => project.onOrder(SHEET, listener),
    subscribeRow: (rowId, listener) => project.onRow(SHEET, rowId, listener),

    cellMark(rowId, columnId): CellMark {
      if (columnId === LAST_RESULT) return {};
      const text = project.cell(SHEET, rowId, columnId);
      const finding = checkFindingAt(project, rowId, columnId);
      const mark: CellMark = {};
      if (finding !== null) {
        mark.severity = finding.severity === 'error' ? 'error' : 'warning';
        mark.message = finding.message;
      }
      if ((project.savedCell(SHEET, rowId, columnId) ?? '') !== text) mark.dirty = true;
      if (!checkCellApplies(project, rowId, columnId) && finding === null) mark.hatched = true;
      if (text !== '') return mark;
      if (isMissing(finding)) mark.missing = 'required';
      else if (project.rowNumber(SHEET, rowId) !== null) {
        const effective = checkEffectiveText(project, rowId, columnId);
        if (effective !== '') mark.placeholder = effective;
      }
      return mark;
    },

    rowMark(rowId): RowMark {
      const number = project.rowNumber(SHEET, rowId);
      const off = isOff(project, rowId);
      const base: RowMark = {
        number: number === null ? '' : String(number),
        dirty: project.isDirty(SHEET, rowId),
        dimmed: off,
      };
      if (number === null) return { ...base, status: 'none' };
      const findings = project.rowFindings(SHEET, rowId);
      const error = findings.find(({ severity }) => severity === 'error');
      if (error !== undefined) return { ...base, status: 'invalid', statusLabel: `Invalid: ${error.message}` };
      if (off) return { ...base, status: 'off', statusLabel: 'Off' };
      const last = lastPoint(rowId);
      if (last !== null) return { ...base, ...resultMark(last) };
      const [warning] = findings;
      if (warning !== undefined) return { ...base, status: 'warning', statusLabel: `Warning: ${warning.message}` };
      return { ...base, status: 'none', statusLabel: 'Never run' };
    },
  };
}

function resultMark({ result }: Point): Pick<RowMark, 'status' | 'statusLabel'> {
  switch (result.status) {
    case 'passed':
      return { status: 'ok', statusLabel: `Passed: ${result.message}` };
    case 'failed':
      return result.severity === 'warning'
        ? { status: 'warning', statusLabel: `Failed as a warning: ${result.message}` }
        : { status: 'failed', statusLabel: `Failed (${result.severity}): ${result.message}` };
    case 'skipped':
      return { status: 'none', statusLabel: `Skipped: ${result.message}` };
    default:
      return result.status satisfies never;
  }
}
