import { Button } from '@mantine/core';
import { IconPlus, IconTable } from '@tabler/icons-react';
import { lazy, type ReactNode, Suspense, useDeferredValue, useEffect, useMemo, useRef } from 'react';
import { runAction } from '../../actions/actions.ts';
import { useApp, useConnections, useJobsView, useProject, useWindow } from '../../app.ts';
import { DataGrid } from '../../grid/data-grid.tsx';
import type { GridHandle, GridSelection, GridView } from '../../grid/grid-types.ts';
import { MissingSheet } from '../../shell/missing-sheet.tsx';
import { findingAt } from '../../stores/job-cells.ts';
import { createJobGridStore } from '../../stores/job-grid-store.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { CellNote } from './cell-note.tsx';
import { rowFilterOf } from './job-filter.ts';
import { jobGridColumns, quietColumns } from './job-grid-columns.tsx';
import classes from './jobs-screen.module.css';
import { JobsToolbar } from './jobs-toolbar.tsx';

const JobDrawer = lazy(async () => ({ default: (await import('./job-drawer.tsx')).JobDrawer }));

const SHEET = 'SourceConfig';

/** The jobs as a spreadsheet: the workbook's rows, with all that is known of them. */
export function JobsScreen() {
  const app = useApp();
  const { project, jobsView } = app;
  const directory = useProject((state) => state.document?.directory);
  const columnOrder = useJobsView((state) => state.columnOrder);
  const openRow = useJobsView((state) => state.openRow);
  const discovered = useConnections((state) => state.discovered);
  const headers = useProject(() => project.headers(SHEET));
  const hasSheet = useProject(() => project.hasSheet(SHEET));
  const view = useJobsView((state) => state.view);
  const search = useDeferredValue(useJobsView((state) => state.search));
  const chips = useJobsView((state) => state.chips);

  const store = useMemo(() => createJobGridStore(app), [app]);
  useEffect(() => () => store.stop(), [store]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read from the stores; these say when they are others
  const columns = useMemo(() => jobGridColumns(app, columnOrder), [app, columnOrder, headers, discovered, directory]);
  const formOpen = openRow !== null;
  // Not with each change: a column that is cleared would vanish under the hands.
  // biome-ignore lint/correctness/useExhaustiveDependencies: read from the stores; these say when they are others
  const quiet = useMemo(() => quietColumns(app), [app, headers, directory, formOpen]);
  const shown = useJobsView((state) => state.shown);
  const shownView = useMemo(() => {
    const hidden = [...view.hidden, ...quiet.filter((id) => !shown.includes(id) && !view.hidden.includes(id))];
    return hidden.length === view.hidden.length ? view : { ...view, hidden };
  }, [view, quiet, shown]);

  /** What the grid hides and shows by its own menu. */
  function onViewChange(next: GridView): void {
    const hidden = next.hidden.filter((id) => !quiet.includes(id) || view.hidden.includes(id));
    const asked = quiet.filter((id) => !next.hidden.includes(id));
    jobsView.setState(({ shown: before }) => ({
      view: { ...next, hidden },
      shown: [...before.filter((id) => !quiet.includes(id)), ...asked],
    }));
  }
  const rowFilter = useMemo(() => rowFilterOf(app, search, chips), [app, search, chips]);
  const grid = useRef<GridHandle>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another project is another grid
  useEffect(() => {
    jobsView.setGrid(grid.current);
    grid.current?.focus();
    const { selection } = jobsView.getState();
    if (selection?.active != null) grid.current?.select(selection.active.rowId, selection.active.columnId);
    return () => jobsView.setGrid(null);
  }, [jobsView, directory, hasSheet]);
  // The form explains its fields itself; a dialog lies above everything.
  const covered = useWindow((state) => state.dialog !== null || state.paletteOpen) || formOpen;
  useTouched();

  function onSelectionChange(selection: GridSelection): void {
    jobsView.setState(({ openRow: row }) => ({
      selection,
      openRow: row === null ? null : (selection.active?.rowId ?? row),
    }));
    app.window.setState({ place: placeOf(selection, (id) => project.rowNumber(SHEET, id)) });
  }

  if (!hasSheet) {
    return (
      <MissingSheet sheet={SHEET} icon={<IconTable size={24} />}>
        Jobs are rows of that sheet. It is made with your next save, at the end of the workbook. Where your jobs stand
        in a sheet of another name, rename that one in Excel instead.
      </MissingSheet>
    );
  }
  return (
    <div className={classes['screen']}>
      <JobsToolbar columns={columns} quiet={quiet} hidden={shownView.hidden} />
      <div className={classes['work']}>
        <DataGrid
          key={directory}
          ref={grid}
          label="Jobs"
          columns={columns}
          store={store}
          view={shownView}
          onViewChange={onViewChange}
          onEdit={(edit) => project.edit(SHEET, edit)}
          rowFilter={rowFilter}
          onSelectionChange={onSelectionChange}
          onOpenRow={(rowId) => jobsView.setState({ openRow: rowId })}
          renderPopover={covered ? undefined : note}
          onMessage={(text) => app.window.announce(text)}
          empty={
            <EmptyState
              icon={<IconTable size={24} />}
              title="No jobs yet"
              actions={
                <Button leftSection={<IconPlus size={14} />} onClick={() => runAction(app.actions, 'row.add')}>
                  Add job
                </Button>
              }
            >
              A row is a table to load. Add one, paste rows from Excel, or discover the tables of a connection.
            </EmptyState>
          }
        />
        {openRow === null ? null : (
          <Suspense fallback={null}>
            <JobDrawer rowId={openRow} />
          </Suspense>
        )}
      </div>
    </div>
  );

  function note(rowId: string, columnId: string): ReactNode {
    const finding = findingAt(project, rowId, columnId);
    return finding === null ? null : <CellNote finding={finding} onFixed={() => jobsView.grid()?.focus()} />;
  }
}

/** Shows what undo and redo changed. */
function useTouched(): void {
  const { jobsView, project } = useApp();
  const touched = useProject((state) => state.touched);
  useEffect(() => {
    const grid = jobsView.grid();
    if (touched === null || touched.sheet !== SHEET || grid === null) return;
    project.setState({ touched: null });
    const rowIds = touched.rowIds.filter((id) => project.rowIds(SHEET).includes(id));
    if (rowIds.length === 0) return;
    if (touched.columnId === null) grid.selectRows(rowIds);
    else grid.select(rowIds[0] as string, touched.columnId);
  }, [touched, jobsView, project]);
}

/** `Row 7`, `Rows 15–18 · 8 cells`. */
export function placeOf({ rowIds, columnIds }: GridSelection, numberOf: (id: string) => number | null): string {
  const [first] = rowIds;
  const last = rowIds.at(-1);
  if (first === undefined || last === undefined) return '';
  const cells = rowIds.length * columnIds.length;
  const name = (id: string) => numberOf(id) ?? 'new';
  const rows = rowIds.length === 1 ? `Row ${name(first)}` : `Rows ${name(first)}–${name(last)}`;
  return cells === 1 ? `${rows} · ${columnIds[0]}` : `${rows} · ${cells.toLocaleString('en')} cells`;
}
