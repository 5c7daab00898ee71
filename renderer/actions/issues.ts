import type { Finding } from '../../engine/spec/finding.ts';
import { headerName } from '../../engine/spec/sheet.ts';
import { CONFIG_FILE } from '../../engine/spec/toml-table.ts';
import type { GridView } from '../grid/grid-types.ts';
import type { AppStores } from '../stores/app-stores.ts';
import { connectionKey } from '../stores/connection-store.ts';
import { SHEETS, type SheetName } from '../stores/edited-sheet.ts';

/** The edited sheet that a finding is about; null for the configuration and for sheets that are missing. */
export function sheetOf({ project }: AppStores, finding: Finding): SheetName | null {
  return SHEETS.find((name) => project.hasSheet(name) && project.sheetTitle(name) === finding.sheet) ?? null;
}

/** The column of a sheet that a finding names; null where it names the whole row. */
export function columnOf({ project }: AppStores, sheet: SheetName, finding: Finding): string | null {
  if (finding.column === null) return null;
  const id = headerName(finding.column);
  return project.columns(sheet).includes(id) || sheet !== 'Pipeline' ? id : null;
}

/** What the button of a finding's fix says; null where there is no fix that can be made here. */
export function fixLabel(stores: AppStores, finding: Finding): string | null {
  const { fix, row, code } = finding;
  if (code === 'SECRET_MISSING' && connectionOf(finding) !== null) return 'Enter it';
  const sheet = sheetOf(stores, finding);
  if (fix === null || sheet === null || row === null || finding.column === null) return null;
  if (code === 'HEADER_UNKNOWN') return `Rename to ${fix}`;
  if (stores.project.rowOfNumber(sheet, row) === null) return null;
  const shown = fix.length > 32 ? `${fix.slice(0, 32)}…` : fix;
  return finding.value === null || finding.value === '' ? `Use ${shown}` : `Change to ${shown}`;
}

/** The form that a finding of the configuration is about, as the screen of connections names it; null for other findings. */
function connectionOf({ sheet, column }: Finding): string | null {
  const [section, name] = sheet === CONFIG_FILE ? (column ?? '').split('.') : [];
  if (name === undefined) return null;
  if (section === 'sources') return connectionKey('sources', name);
  return section === 'destinations' || section === 'destination' ? connectionKey('destinations', name) : null;
}

/** Makes the change that settles a finding, as one step of undo; a secret is asked for in its form. False where there is none. */
export function applyFix(stores: AppStores, finding: Finding): boolean {
  const { project } = stores;
  const sheet = sheetOf(stores, finding);
  const { fix, row } = finding;
  if (finding.code === 'SECRET_MISSING') return showFinding(stores, finding);
  if (fixLabel(stores, finding) === null || sheet === null || fix === null || row === null) return false;
  if (finding.code === 'HEADER_UNKNOWN') {
    const position = project.headers(sheet).findIndex((header) => header.trim() === finding.column);
    if (position < 0) return false;
    project.renameHeader(sheet, position, fix);
    return true;
  }
  const rowId = project.rowOfNumber(sheet, row);
  const columnId = columnOf(stores, sheet, finding);
  if (rowId === null || columnId === null) return false;
  project.setCell(sheet, rowId, columnId, fix);
  return true;
}

/** The sheet whose grid is at hand, and the grid. */
function gridSheet({ window, jobsView, checksView }: AppStores) {
  return window.getState().screen === 'quality'
    ? ({ sheet: 'DataQuality', grid: checksView.grid() } as const)
    : ({ sheet: 'SourceConfig', grid: jobsView.grid() } as const);
}

/** The finding that F8 shows: the first one of the sheet at hand behind the active cell, round and round. */
export function nextFinding(stores: AppStores, backwards = false): Finding | null {
  const { project } = stores;
  const { sheet, grid } = gridSheet(stores);
  const findings = project
    .getState()
    .findings.filter(
      (finding) =>
        sheetOf(stores, finding) === sheet && finding.row !== null && project.rowOfNumber(sheet, finding.row) !== null,
    );
  if (findings.length === 0) return null;
  const active = grid?.selection().active ?? null;
  const columns = project.columns(sheet);
  const placeOf = (row: number, columnId: string | null) =>
    row * 1000 + (columnId === null ? 0 : columns.indexOf(columnId));
  const here = active === null ? -1 : placeOf(project.rowNumber(sheet, active.rowId) ?? 0, active.columnId);
  const placed = findings
    .map((finding) => ({ finding, at: placeOf(finding.row ?? 0, columnOf(stores, sheet, finding)) }))
    .sort((a, b) => a.at - b.at);
  const next = backwards ? placed.findLast(({ at }) => at < here) : placed.find(({ at }) => at > here);
  return (next ?? (backwards ? placed.at(-1) : placed[0]))?.finding ?? null;
}

/** Goes to the cell of a finding, wherever it is. False where it has no cell. */
export function showFinding(stores: AppStores, finding: Finding): boolean {
  const { project, window, jobsView, checksView } = stores;
  const sheet = sheetOf(stores, finding);
  if (sheet === null) {
    const connection = connectionOf(finding);
    if (connection !== null) window.go('connections', connection);
    return connection !== null;
  }
  const ofChecks = sheet !== 'SourceConfig';
  const screen = ofChecks ? 'quality' : 'jobs';
  const rowId = finding.row === null ? null : project.rowOfNumber(sheet, finding.row);
  if (window.getState().screen !== screen && (rowId !== null || ofChecks)) window.go(screen);
  if (rowId === null) return ofChecks;
  const columnId = columnOf(stores, sheet, finding) ?? undefined;
  const gridOf = () => (ofChecks ? checksView.grid() : jobsView.grid());
  const show = () => {
    const grid = gridOf();
    if (grid === null) return false;
    if (grid.select(rowId, columnId)) return true;
    // A filter hides the row, or a choice of columns the cell.
    const shownAgain = (view: GridView): GridView => ({
      ...view,
      filters: {},
      hidden: view.hidden.filter((id) => id !== columnId),
    });
    if (ofChecks) checksView.setState(({ view }) => ({ view: shownAgain(view) }));
    else {
      jobsView.setState(({ view, shown }) => ({
        search: '',
        chips: [],
        shown: columnId === undefined || shown.includes(columnId) ? shown : [...shown, columnId],
        view: shownAgain(view),
      }));
    }
    setTimeout(() => {
      gridOf()?.select(rowId, columnId);
      gridOf()?.focus();
    }, 50);
    return true;
  };
  if (show()) gridOf()?.focus();
  else setTimeout(() => show() && gridOf()?.focus(), 50);
  return true;
}

/** All findings as text, for a message to somebody. */
export function findingsText(findings: readonly Finding[]): string {
  return findings
    .map(({ severity, message, hint }) => `${severity}: ${message}${hint === null ? '' : `\n  ${hint}`}`)
    .join('\n');
}
