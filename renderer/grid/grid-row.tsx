import { IconCheck, IconChevronDown } from '@tabler/icons-react';
import { memo, type ReactNode, useCallback, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import classes from './data-grid.module.css';
import { columnWidth, type Layout, ROW_HEIGHT } from './geometry.ts';
import type { GridState, GridStateStore } from './grid-state.ts';
import type { CellMark, GridColumn, GridStore } from './grid-types.ts';
import { RowStatus, statusWord } from './row-status.tsx';
import { rectangle } from './selection.ts';

export interface GridRowProps {
  gridId: string;
  store: GridStore;
  state: GridStateStore;
  rowId: string;
  /** As it is shown, from 0. */
  index: number;
  columns: readonly GridColumn[];
  layout: Layout;
  /** The columns that scroll and are near enough to be drawn, as indexes: from and up to. */
  from: number;
  to: number;
  /** Header rows, counted before it by screen readers. */
  headerRows: number;
  readOnly: boolean;
}

/** What of the selection concerns a row: `left:right:active column:whole`, or nothing. A row that is not in it does not render when it changes. */
function rowSelection({ selection }: GridState, index: number): string {
  const { top, bottom, left, right } = rectangle(selection);
  if (index < top || index > bottom) return '';
  const active = selection.active.row === index ? selection.active.column : -1;
  return `${left}:${right}:${active}:${selection.whole === 'rows' ? 1 : 0}`;
}

export const GridRow = memo(function GridRow(props: GridRowProps) {
  const { gridId, store, state, rowId, index, columns, layout, from, to, headerRows } = props;
  const subscribe = useCallback((listener: () => void) => store.subscribeRow(rowId, listener), [store, rowId]);
  useSyncExternalStore(subscribe, () => store.rowVersion(rowId));
  const chosen = useStore(state, (current) => rowSelection(current, index));
  const [left, right, active, whole] =
    chosen === '' ? [-1, -2, -1, 0] : (chosen.split(':').map(Number) as [number, number, number, number]);
  const mark = store.rowMark(rowId);
  const cells = [];
  for (let column = 0; column < columns.length; column += 1) {
    if (column >= layout.frozen && (column < from || column >= to)) continue;
    cells.push(
      <Cell
        key={(columns[column] as GridColumn).id}
        row={props}
        column={column}
        text={store.cell(rowId, (columns[column] as GridColumn).id)}
        mark={store.cellMark(rowId, (columns[column] as GridColumn).id)}
        selected={column >= left && column <= right}
        active={column === active}
      />,
    );
  }
  const status = mark.status ?? 'none';
  const word = mark.statusLabel ?? statusWord(status);
  return (
    <div
      role="row"
      aria-rowindex={index + headerRows + 1}
      aria-selected={whole === 1}
      className={classes['row']}
      data-row-id={rowId}
      data-dimmed={mark.dimmed || undefined}
      data-highlighted={mark.highlighted || undefined}
      style={{ top: index * ROW_HEIGHT }}
    >
      <div
        role="rowheader"
        id={`${gridId}-${index}-row`}
        aria-colindex={1}
        className={classes['gutter']}
        data-gutter
        data-dirty={mark.dirty || undefined}
        data-marked={left >= 0 || undefined}
        data-whole={whole === 1 || undefined}
        title={status === 'none' ? undefined : word}
        aria-label={`${word}${mark.dirty === true ? ', not saved' : ''}, ${mark.number}`}
      >
        <RowStatus status={status} />
        {mark.number}
      </div>
      {cells}
    </div>
  );
});

interface CellProps {
  row: GridRowProps;
  column: number;
  text: string;
  mark: CellMark;
  selected: boolean;
  active: boolean;
}

/**
 * One element a cell wherever that is enough, its text directly in it: hundreds are drawn a frame while somebody scrolls,
 * and the browser's layout is what they cost.
 */
function Cell({ row: { gridId, columns, layout, index, readOnly }, column, text, mark, selected, active }: CellProps) {
  const spec = columns[column] as GridColumn;
  const frozen = column < layout.frozen;
  const next = columns[column + 1];
  const id = `${gridId}-${index}-${spec.id}`;
  const messageId = mark.message === undefined ? undefined : `${id}-m`;
  const { content, label, look } = contentOf(spec, text, mark);
  const opens = active && !readOnly && (spec.editor?.kind === 'choice' || spec.editor?.kind === 'suggest');
  return (
    <div
      role="gridcell"
      id={id}
      aria-colindex={column + 2}
      aria-selected={selected}
      aria-invalid={mark.severity === 'error' || undefined}
      aria-describedby={messageId}
      aria-label={label}
      aria-readonly={readOnly || spec.readOnly === true || undefined}
      className={classes['cell']}
      data-column={spec.id}
      data-align={spec.align}
      data-look={look}
      data-frozen={frozen || undefined}
      data-edge={(frozen && column === layout.frozen - 1) || undefined}
      data-group-end={(next !== undefined && next.group !== spec.group) || undefined}
      data-severity={mark.severity}
      data-dirty={mark.dirty || undefined}
      style={{ width: columnWidth(layout, column), left: layout.lefts[column] }}
    >
      {content}
      {opens ? <IconChevronDown size={12} className={classes['open']} data-open-options aria-hidden /> : null}
      {messageId === undefined ? null : (
        <span id={messageId} hidden>
          {mark.message}
        </span>
      )}
    </div>
  );
}

/** What a cell shows, how it looks, and its name where that is not its text. */
function contentOf(
  { editor }: GridColumn,
  text: string,
  mark: CellMark,
): { content: ReactNode; label?: string; look?: 'hatched' | 'missing' | 'ghost' } {
  if (editor?.kind === 'flag') {
    const checked = editor.checked(text);
    if (checked !== null || text === '') {
      return { content: <Check checked={checked} />, label: checked === null ? 'blank' : checked ? 'on' : 'off' };
    }
  }
  // Cells show one line: the rest of a long text would only cost layout.
  if (text !== '') return { content: text.length > SHOWN_LENGTH ? text.slice(0, SHOWN_LENGTH) : text };
  if (mark.hatched === true) return { content: null, label: 'does not apply', look: 'hatched' };
  if (mark.missing !== undefined) return { content: mark.missing, look: 'missing' };
  if (mark.placeholder !== undefined) return { content: mark.placeholder, look: 'ghost' };
  return { content: null };
}

const SHOWN_LENGTH = 300;

function Check({ checked }: { checked: boolean | null }) {
  return (
    <span
      className={classes['check']}
      data-check
      data-on={checked === true || undefined}
      data-blank={checked === null || undefined}
    >
      {checked === false ? null : <IconCheck size={11} stroke={3} aria-hidden />}
    </span>
  );
}
