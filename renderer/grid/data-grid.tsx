import {
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { useStore } from 'zustand';
import { CellInput } from './cell-input.tsx';
import { CellMenu } from './cell-menu.tsx';
import { CellPopover } from './cell-popover.tsx';
import { ColumnMenu } from './column-menu.tsx';
import { createGridController, type GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { FindBar } from './find-bar.tsx';
import {
  contentWidth,
  GROUP_HEIGHT,
  type Layout,
  layoutOf,
  MAX_COLUMN_WIDTH,
  MIN_COLUMN_WIDTH,
  ROW_HEIGHT,
} from './geometry.ts';
import { GridHeader } from './grid-header.tsx';
import { GridIcons } from './grid-icons.tsx';
import { createGridPainter, type GridPainter, type PaintedNodes } from './grid-painter.ts';
import { createGridState } from './grid-state.ts';
import type { DataGridProps, GridHandle } from './grid-types.ts';
import { OptionList } from './option-list.tsx';
import { createRowOrder } from './row-order.ts';
import type { PaneName } from './selection-overlay.ts';
import { widestOf } from './text-width.ts';
import { usePointer } from './use-pointer.ts';
import { frozenCount, visibleColumns, withWidth } from './view.ts';

/**
 * A spreadsheet over the caller's rows: an ARIA grid that draws only the rows and columns in view, with one text field for all typing.
 * See {@link DataGridProps}; what the caller may do to it is its handle, {@link GridHandle}.
 */
export function DataGrid({ ref, ...props }: DataGridProps & { ref?: Ref<GridHandle> }) {
  const { store, view, rowFilter, onViewChange } = props;
  const gridId = useId();
  const [state] = useState(createGridState);
  const [orderRows] = useState(createRowOrder);
  const [applied, setApplied] = useState(0);
  const savedIds = useSyncExternalStore(store.subscribe, store.rowIds);
  const rowIds = orderRows({
    rowIds: savedIds,
    cell: store.cell,
    sort: view.sort,
    filters: view.filters,
    rowFilter,
    applied,
  });
  const columns = useMemo(() => visibleColumns(props.columns, view), [props.columns, view]);
  const grouped = columns.some(({ group }) => group !== undefined);
  const layout = useMemo(() => {
    const widths = columns.map(({ id, width }) => view.widths[id] ?? width);
    return layoutOf(widths, frozenCount(props.columns, view), (grouped ? GROUP_HEIGHT : 0) + ROW_HEIGHT);
  }, [columns, props.columns, view, grouped]);

  const context = { props, rowIds, columns, layout };
  const [controller] = useState(() => createGridController(state, context));
  const scrollerRef = useRef<HTMLDivElement>(null);
  const inputRef = useRef<HTMLTextAreaElement>(null);
  const headRef = useRef<HTMLDivElement>(null);
  const bodyRef = useRef<HTMLDivElement>(null);
  const scrollingPaneRef = useRef<HTMLDivElement>(null);
  const frozenPaneRef = useRef<HTMLDivElement>(null);
  const iconsRef = useRef<HTMLDivElement>(null);
  const painter = useRef<GridPainter>(null);
  useLayoutEffect(() => {
    controller.attach({ scroller: scrollerRef.current, input: inputRef.current });
    const nodes: { [Name in keyof PaintedNodes]: PaintedNodes[Name] | null } = {
      scroller: scrollerRef.current,
      head: headRef.current,
      body: bodyRef.current,
      scrollingPane: scrollingPaneRef.current,
      frozenPane: frozenPaneRef.current,
      input: inputRef.current,
      icons: iconsRef.current,
    };
    const created = createGridPainter(controller, nodes as PaintedNodes, gridId);
    painter.current = created;
    return () => created.stop();
  }, [controller, gridId]);
  useLayoutEffect(() => {
    controller.update(context);
    painter.current?.update();
  });
  // What was typed is kept when the grid goes away.
  useEffect(() => () => controller.commit(), [controller]);
  useSelectionReport(controller, props, rowIds, columns);
  useImperativeHandle(ref, () => handleOf(controller, () => setApplied((count) => count + 1)), [controller]);

  function autoFit(columnId: string): void {
    const column = props.columns.find(({ id }) => id === columnId);
    const scroller = scrollerRef.current;
    if (column === undefined || scroller === null) return;
    const texts = rowIds.map((id) => store.cell(id, columnId) || (store.cellMark(id, columnId).placeholder ?? ''));
    const room = column.headerIcon === undefined ? widestOf([column.header ?? columnId], scroller) + 12 : 0;
    const width = Math.max(room, widestOf(texts, scroller)) + 14;
    onViewChange(withWidth(view, columnId, Math.min(MAX_COLUMN_WIDTH, Math.max(MIN_COLUMN_WIDTH, width))));
  }

  const pointer = usePointer({
    controller,
    scrollerRef,
    onResize: (columnId, width) => onViewChange(withWidth(view, columnId, width)),
    onAutoFit: autoFit,
  });
  const readOnly = props.readOnly === true;
  const headerRows = grouped ? 2 : 1;
  return (
    <div className={classes['root']}>
      <FindBar controller={controller} readOnly={readOnly} />
      <div ref={scrollerRef} className={classes['viewport']} data-grid-viewport {...pointer}>
        <div className={classes['content']} style={{ width: contentWidth(layout) }}>
          <div
            role="grid"
            id={gridId}
            aria-label={props.label}
            aria-rowcount={rowIds.length + headerRows}
            aria-colcount={columns.length + 1}
            aria-multiselectable
            aria-readonly={readOnly || undefined}
          >
            <GridHeader ref={headRef} {...{ controller, columns, layout, view, grouped }} />
            <div
              ref={bodyRef}
              role="rowgroup"
              className={classes['body']}
              style={{ height: rowIds.length * ROW_HEIGHT }}
            />
          </div>
          <div ref={scrollingPaneRef} className={classes['layer']} style={{ top: layout.headerHeight }}>
            <Pane {...{ gridId, controller, layout }} pane="scrolling" />
          </div>
          <div className={classes['overlays']} style={{ top: layout.headerHeight }}>
            <div ref={frozenPaneRef} className={classes['frozenLayer']}>
              <Pane {...{ gridId, controller, layout }} pane="frozen" />
            </div>
            <CellInput
              {...{ gridId, controller, layout, inputRef, scrollerRef }}
              label={`${props.label}: keys go to the selected cell`}
            />
          </div>
          {rowIds.length === 0 ? (
            <div className={classes['empty']} style={{ width: 'min(100%, 640px)' }}>
              {savedIds.length > 0 ? 'No row matches the filters.' : props.empty}
            </div>
          ) : null}
        </div>
      </div>
      <ColumnMenu {...{ controller, view, onViewChange }} columns={props.columns} onAutoFit={autoFit} />
      <CellMenu controller={controller} readOnly={readOnly} />
      <Announcement controller={controller} />
      <GridIcons ref={iconsRef} />
    </div>
  );
}

interface PaneProps {
  gridId: string;
  controller: GridController;
  layout: Layout;
  pane: PaneName;
}

/** What floats at a cell; the selection is drawn beside it. */
function Pane({ controller, gridId, layout, pane }: PaneProps) {
  const edited = useStore(controller.state, (state) => state.editing?.columnId);
  const column = edited === undefined ? -1 : controller.context().columns.findIndex(({ id }) => id === edited);
  const here = column >= 0 && column < layout.frozen === (pane === 'frozen');
  return (
    <>
      {here ? <OptionList gridId={gridId} controller={controller} layout={layout} /> : null}
      <CellPopover controller={controller} layout={layout} pane={pane} />
    </>
  );
}

function Announcement({ controller }: { controller: GridController }) {
  const message = useStore(controller.state, (state) => state.message);
  return (
    <div role="status" className={classes['hidden']}>
      {message}
    </div>
  );
}

/** Tells the caller what is selected, once it is drawn. */
function useSelectionReport(
  controller: GridController,
  { onSelectionChange }: DataGridProps,
  rowIds: readonly string[],
  columns: readonly unknown[],
): void {
  const report = useRef(onSelectionChange);
  useLayoutEffect(() => {
    report.current = onSelectionChange;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows or columns under the same selection are another one
  useEffect(() => {
    report.current?.(controller.describe());
  }, [controller, rowIds, columns]);
  useEffect(
    () =>
      controller.state.subscribe((now, before) => {
        if (now.selection !== before.selection) report.current?.(controller.describe());
      }),
    [controller],
  );
}

function handleOf(controller: GridController, reapplyView: () => void): GridHandle {
  return {
    focus: controller.focus,
    select: controller.selectById,
    selectRows: controller.selectRowsById,
    selection: controller.describe,
    visibleRowIds: () => controller.context().rowIds,
    insertRows: controller.insert,
    duplicateRows: controller.duplicate,
    deleteRows: controller.removeRows,
    moveRows: (direction) => controller.run({ type: 'move-rows', direction }),
    fill: (direction) => controller.run({ type: 'fill', direction }),
    clear: () => controller.run({ type: 'clear' }),
    openFind: (mode = 'find') => controller.run({ type: 'find', mode }),
    commit: () => controller.commit(),
    reapplyView,
  };
}
