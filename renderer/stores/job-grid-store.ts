import type { CellMark, GridStore, RowMark, RowStatus } from '../grid/grid-types.ts';
import type { AppStores } from './app-stores.ts';
import { cellApplies, effectiveText, findingAt, flagOf, isMissing } from './job-cells.ts';
import type { JobResult, LiveStatus } from './run-store.ts';
import { newRowId } from './sheet-model.ts';

const SHEET = 'SourceConfig';

const ROW_STATUS: Readonly<Record<LiveStatus, RowStatus>> = {
  queued: 'queued',
  running: 'running',
  ok: 'ok',
  failed: 'failed',
  skipped: 'none',
  cancelled: 'cancelled',
};

const RESULT_STATUS = { SUCCESS: 'ok', FAILED: 'failed', SKIPPED: 'none', CANCELLED: 'cancelled' } as const;

/** A table that was made is no change; one that is another than the source was before is a warning in its row. */
function succeeded(rows: string, result: JobResult | null): Pick<RowMark, 'status' | 'statusLabel'> {
  const changes = (result?.schema_changes ?? []).filter((change) => !/: created with \d+ columns/.test(change));
  const said = `Last run succeeded: ${rows} rows`;
  if (changes.length === 0) return { status: 'ok', statusLabel: said };
  return { status: 'warning', statusLabel: `${said}; the schema changed: ${changes.join('; ')}` };
}

/** The jobs as the grid shows them: texts and differences of the project, what is wrong, how each one's run goes. */
export function createJobGridStore({ project, runs, jobsView }: AppStores): GridStore & { stop(): void } {
  /** Rows whose mark depends on a run. */
  const jobKey = (rowId: string) =>
    `${project.cell(SHEET, rowId, 'source_name').trim()}.${project.cell(SHEET, rowId, 'table_name').trim()}`;

  function runMark(rowId: string): Pick<RowMark, 'status' | 'statusLabel'> | null {
    const { live, lastResults } = runs.getState();
    const key = jobKey(rowId);
    const job = live?.jobs.get(key);
    if (job !== undefined && (live?.status === 'RUNNING' || job.result !== null)) {
      const rows = job.rows.toLocaleString('en');
      if (job.status === 'running')
        return { status: 'running', statusLabel: `Running: ${job.stage ?? 'begins'}, ${rows} rows` };
      if (job.status === 'failed')
        return { status: 'failed', statusLabel: `Last run failed: ${job.result?.error?.message ?? ''}` };
      if (job.status === 'ok') return succeeded(rows, job.result);
      return { status: ROW_STATUS[job.status] };
    }
    const result = lastResults.get(key);
    if (result === undefined) return null;
    if (result.status === 'SUCCESS') return succeeded(result.rows_processed.toLocaleString('en'), result);
    const said = result.status === 'FAILED' ? `Last run failed: ${result.error?.message ?? ''}` : undefined;
    return { status: RESULT_STATUS[result.status], statusLabel: said };
  }

  // A run's news touch the rows of its jobs only.
  const stopRuns = runs.subscribe((state, before) => {
    const changed = new Set<string>();
    for (const [name, job] of state.live?.jobs ?? []) if (before.live?.jobs.get(name) !== job) changed.add(name);
    for (const name of before.live?.jobs.keys() ?? []) if (!state.live?.jobs.has(name)) changed.add(name);
    for (const [name, result] of state.lastResults) if (before.lastResults.get(name) !== result) changed.add(name);
    const ended = before.live?.status !== state.live?.status;
    if (changed.size === 0 && !ended) return;
    project.touchRows(
      SHEET,
      project.rowIds(SHEET).filter((rowId) => ended || changed.has(jobKey(rowId))),
    );
  });
  const stopView = jobsView.subscribe((state, before) => {
    if (state.openRow === before.openRow) return;
    project.touchRows(
      SHEET,
      [state.openRow, before.openRow].filter((id) => id !== null),
    );
  });

  return {
    stop(): void {
      stopRuns();
      stopView();
    },
    newRowId,
    rowIds: () => project.rowIds(SHEET),
    cell: (rowId, columnId) => project.cell(SHEET, rowId, columnId),
    rowVersion: (rowId) => project.rowVersion(SHEET, rowId),
    subscribe: (listener) => project.onOrder(SHEET, listener),
    subscribeRow: (rowId, listener) => project.onRow(SHEET, rowId, listener),

    cellMark(rowId, columnId): CellMark {
      const text = project.cell(SHEET, rowId, columnId);
      const finding = findingAt(project, rowId, columnId);
      const mark: CellMark = {};
      if (finding !== null) {
        mark.severity = finding.severity === 'error' ? 'error' : 'warning';
        mark.message = finding.message;
      }
      const saved = project.savedCell(SHEET, rowId, columnId);
      if ((saved ?? '') !== text) mark.dirty = true;
      if (!cellApplies(project, rowId, columnId) && finding === null) mark.hatched = true;
      if (text !== '') return mark;
      const blankRow = project.rowNumber(SHEET, rowId) === null;
      if (isMissing(finding)) mark.missing = 'required';
      else if (!blankRow) {
        const effective = effectiveText(project, rowId, columnId);
        if (effective !== '') mark.placeholder = effective;
      }
      return mark;
    },

    rowMark(rowId): RowMark {
      const number = project.rowNumber(SHEET, rowId);
      const findings = project.rowFindings(SHEET, rowId);
      const off = flagOf(project.cell(SHEET, rowId, 'enabled')) === false;
      const base: RowMark = {
        number: number === null ? '' : String(number),
        dirty: project.isDirty(SHEET, rowId),
        dimmed: off,
        highlighted: jobsView.getState().openRow === rowId,
      };
      if (number === null) return { ...base, status: 'none' };
      const run = runMark(rowId);
      if (run?.status === 'running' || run?.status === 'queued') return { ...base, ...run };
      const error = findings.find(({ severity }) => severity === 'error');
      if (error !== undefined) return { ...base, status: 'invalid', statusLabel: `Invalid: ${error.message}` };
      if (off) return { ...base, status: 'off', statusLabel: 'Off' };
      const [warning] = findings;
      if (run?.status === 'failed') return { ...base, ...run };
      if (warning !== undefined) return { ...base, status: 'warning', statusLabel: `Warning: ${warning.message}` };
      return { ...base, status: run?.status ?? 'none', statusLabel: run?.statusLabel ?? 'Never run' };
    },
  };
}
