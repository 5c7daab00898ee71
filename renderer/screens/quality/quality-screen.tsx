import { Button } from '@mantine/core';
import { IconPlayerPlayFilled, IconPlayerStopFilled, IconPlus, IconShieldCheck } from '@tabler/icons-react';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { runAction } from '../../actions/actions.ts';
import { useApp, useChecksView, useProject, useRuns, useWindow } from '../../app.ts';
import { call, isCancelled } from '../../client.ts';
import { DataGrid } from '../../grid/data-grid.tsx';
import type { GridHandle } from '../../grid/grid-types.ts';
import { MissingSheet } from '../../shell/missing-sheet.tsx';
import { UndoButtons } from '../../shell/undo-buttons.tsx';
import { checkFindingAt, checkOfRow, historyOf } from '../../stores/check-cells.ts';
import { createCheckGridStore } from '../../stores/check-grid-store.ts';
import { newRowId } from '../../stores/sheet-model.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { plural } from '../../ui/number-text.ts';
import { Toolbar, ToolbarDivider } from '../../ui/panel.tsx';
import { CellNote } from '../jobs/cell-note.tsx';
import { placeOf } from '../jobs/jobs-screen.tsx';
import { useAsked } from '../results/use-results.ts';
import { shownError } from '../runs/use-run.ts';
import { checkGridColumns } from './check-grid-columns.tsx';
import { CheckResults } from './check-results.tsx';
import classes from './quality-screen.module.css';
import { keyOf, type Suggestion, Suggestions } from './suggestions.tsx';

const SHEET = 'DataQuality';

/** Data quality: the checks as a spreadsheet, what they found, and which ones suit the data. */
export function QualityScreen() {
  const directory = useProject((state) => state.document?.directory);
  return directory === undefined ? null : <Checks key={directory} directory={directory} />;
}

function Checks({ directory }: { directory: string }) {
  const app = useApp();
  const { project, checksView } = app;
  const env = useProject((state) => state.document?.env ?? null);
  const hasSheet = useProject(() => project.hasSheet(SHEET));
  const headers = useProject(() => project.headers(SHEET));
  const revision = useProject((state) => state.validatedRevision);
  const view = useChecksView((state) => state.view);
  const selection = useChecksView((state) => state.selection);
  const histories = useChecksView((state) => state.histories);
  // A run that ends has checked and loaded something.
  const runsEnded = useRuns(({ live }) => (live?.status === 'RUNNING' ? 0 : (live?.endedAt ?? 0)));
  const [round, setRound] = useState(0);
  const running = useChecking(() => setRound((now) => now + 1));

  const store = useMemo(() => createCheckGridStore(app), [app]);
  useEffect(() => () => store.stop(), [store]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read from the stores; the headers say when they are others
  const columns = useMemo(() => checkGridColumns(app), [app, headers]);
  const grid = useRef<GridHandle>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a sheet that is made has a grid, one whose making is undone has none
  useEffect(() => {
    checksView.setGrid(grid.current);
    grid.current?.focus();
    const { selection: before } = checksView.getState();
    if (before?.active != null) grid.current?.select(before.active.rowId, before.active.columnId);
    return () => checksView.setGrid(null);
  }, [checksView, hasSheet]);
  useTouched();

  const history = useAsked(JSON.stringify([directory, round, runsEnded]), (signal) =>
    call('quality.history', { directory }, { signal }),
  );
  useEffect(() => {
    if (history.value !== null) checksView.setState({ histories: history.value });
  }, [checksView, history.value]);
  const asked = useAsked<Suggestion[]>(
    JSON.stringify([directory, env, round, runsEnded]),
    (signal) => call('quality.suggest', { directory, env, destination: null }, { signal }),
    { keep: true },
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the checks are read from the store; the revision says when they are others
  const suggestions = useMemo(() => {
    const checks = project.getState().validation?.project.checks ?? [];
    const known = new Set(
      checks.flatMap((check) => {
        const named = 'columns' in check ? check.columns : 'column' in check ? [check.column] : [];
        return [check.table, check.target_table].map((table) => JSON.stringify([table, check.type, named]));
      }),
    );
    return (asked.value ?? []).filter((suggestion) => !known.has(keyOf(suggestion)));
  }, [asked.value, project, revision]);

  function add(list: readonly Suggestion[]): void {
    const rows = list.map(({ values }) => ({ id: newRowId(), values: { enabled: 'Y', ...values } }));
    const label = list.length === 1 ? 'Add check' : `Add ${list.length} checks`;
    project.edit(SHEET, { label, operations: [{ type: 'insert', rows, before: null }] });
    app.window.announce(`${plural(list.length, 'check')} added. Save to keep them.`);
    const [first] = rows;
    // The grid draws the rows first.
    if (first !== undefined) setTimeout(() => checksView.grid()?.select(first.id));
  }

  const activeRow = selection?.active?.rowId ?? null;
  const check = activeRow === null ? null : checkOfRow(project, activeRow);
  const covered = useWindow((state) => state.dialog !== null || state.paletteOpen);

  function note(rowId: string, columnId: string): ReactNode {
    const finding = checkFindingAt(project, rowId, columnId);
    return finding === null ? null : <CellNote finding={finding} onFixed={() => checksView.grid()?.focus()} />;
  }

  return (
    <div className={`${classes['screen']} scroll`}>
      <QualityToolbar running={running} selected={selection?.rowIds ?? []} />
      {running.error === null ? null : (
        <div className={classes['error']}>
          <ErrorCard
            title={
              running.error.code === 'LOCKED' ? 'A run has the destination to itself' : 'The checks could not be run'
            }
            error={running.error}
          />
        </div>
      )}
      <div className={classes['work']}>
        {hasSheet ? (
          <DataGrid
            ref={grid}
            label="Checks"
            columns={columns}
            store={store}
            view={view}
            onViewChange={(next) => checksView.setState({ view: next })}
            onEdit={(edit) => project.edit(SHEET, edit)}
            onSelectionChange={(next) => {
              checksView.setState({ selection: next });
              app.window.setState({ place: placeOf(next, (id) => project.rowNumber(SHEET, id)) });
            }}
            renderPopover={covered ? undefined : note}
            onMessage={(text) => app.window.announce(text)}
            empty={
              <EmptyState
                icon={<IconShieldCheck size={24} />}
                title="No checks yet"
                actions={
                  <Button
                    variant="default"
                    leftSection={<IconPlus size={14} />}
                    onClick={() => runAction(app.actions, 'check.add')}
                  >
                    Add check
                  </Button>
                }
              >
                A row is something that must hold of a table. Add one, paste rows from Excel, or take a suggestion
                below.
              </EmptyState>
            }
          />
        ) : (
          <MissingSheet sheet={SHEET} icon={<IconShieldCheck size={24} />}>
            Checks are rows of that sheet. It is made with your next save, at the end of the workbook; a suggestion that
            you add makes it, too.
          </MissingSheet>
        )}
      </div>
      <div className={classes['below']}>
        <CheckResults name={check?.name ?? null} history={check === null ? null : historyOf(check, histories ?? [])} />
        <Suggestions asked={asked} suggestions={suggestions} onAdd={add} onAgain={() => setRound(round + 1)} />
      </div>
    </div>
  );
}

interface Checking {
  busy: boolean;
  error: ShownError | null;
  /** Rows of the grid; null runs all enabled checks. */
  start(rowIds: readonly string[] | null): Promise<void>;
  cancel(): void;
}

/** Checks that run on demand. */
function useChecking(onEnd: () => void): Checking {
  const app = useApp();
  const { project, checksView, commands } = app;
  const [controller, setController] = useState<AbortController | null>(null);
  const [error, setError] = useState<ShownError | null>(null);

  async function start(rowIds: readonly string[] | null): Promise<void> {
    checksView.grid()?.commit();
    // The engine checks what is in the files.
    if (project.getState().unsaved > 0 && !(await commands.save())) return;
    const { document } = project.getState();
    if (document === null) return;
    const rows = rowIds === null ? null : rowIds.flatMap((id) => project.savedRow(SHEET, id) ?? []);
    const own = new AbortController();
    setController(own);
    setError(null);
    try {
      const { directory, env } = document;
      const { document: found } = await call(
        'quality.run',
        { directory, env, rows, destination: null },
        { signal: own.signal },
      );
      const results = found.reports.flatMap(({ checks }) => checks);
      const failed = results.filter(({ status }) => status === 'failed').length;
      app.window.toast(
        failed === 0
          ? { tone: 'ok', title: `${plural(results.length, 'check')}: none failed` }
          : { tone: 'warn', title: `${failed} of ${plural(results.length, 'check')} failed` },
      );
    } catch (thrown) {
      if (!isCancelled(thrown)) setError(shownError(thrown));
    } finally {
      setController(null);
      onEnd();
    }
  }
  return { busy: controller !== null, error, start, cancel: () => controller?.abort() };
}

function QualityToolbar({ running, selected }: { running: Checking; selected: readonly string[] }) {
  const app = useApp();
  useProject((state) => state.revision);
  const hasSheet = app.project.hasSheet(SHEET);
  const count = app.project.rowIds(SHEET).filter((id) => app.project.rowNumber(SHEET, id) !== null).length;
  return (
    <Toolbar label="Data quality">
      <h1>Data quality</h1>
      <span className="faint small num" data-drop>
        {plural(count, 'check')}
      </span>
      <span className="grow" />
      <UndoButtons />
      <ToolbarDivider />
      <Button
        variant="default"
        data-fold="narrow"
        disabled={!hasSheet}
        title="Add check"
        leftSection={<IconPlus size={14} />}
        onClick={() => runAction(app.actions, 'check.add')}
      >
        Add check
      </Button>
      {running.busy ? (
        <Button variant="default" leftSection={<IconPlayerStopFilled size={12} />} onClick={running.cancel}>
          Cancel checks
        </Button>
      ) : (
        <>
          <Button
            variant="default"
            data-fold="narrow"
            title="Run selected"
            disabled={selected.length === 0}
            leftSection={<IconPlayerPlayFilled size={12} />}
            onClick={() => void running.start(selected)}
          >
            Run selected
          </Button>
          <Button
            leftSection={<IconPlayerPlayFilled size={12} />}
            disabled={count === 0}
            onClick={() => void running.start(null)}
          >
            Run all checks
          </Button>
        </>
      )}
    </Toolbar>
  );
}

/** Shows what undo and redo changed. */
function useTouched(): void {
  const { checksView, project } = useApp();
  const touched = useProject((state) => state.touched);
  useEffect(() => {
    const grid = checksView.grid();
    if (touched === null || touched.sheet !== SHEET || grid === null) return;
    project.setState({ touched: null });
    const rowIds = touched.rowIds.filter((id) => project.rowIds(SHEET).includes(id));
    if (rowIds.length === 0) return;
    if (touched.columnId === null) grid.selectRows(rowIds);
    else grid.select(rowIds[0] as string, touched.columnId);
  }, [touched, checksView, project]);
}
