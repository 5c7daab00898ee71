import { IconCheck, IconChevronDown } from '@tabler/icons-react';
import { type CSSProperties, memo, useCallback, useSyncExternalStore } from 'react';
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
      >
        <RowStatus status={status} />
        <span className={classes['hidden']}>
          {word}
          {mark.dirty === true ? ', not saved' : ''},{' '}
        </span>
        <span>{mark.number}</span>
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

/** Called as a component so that React keys it; cheap on purpose: it is drawn hundreds of times a scroll. */
function Cell({ row: { gridId, columns, layout, index, readOnly }, column, text, mark, selected, active }: CellProps) {
  const spec = columns[column] as GridColumn;
  const frozen = column < layout.frozen;
  const next = columns[column + 1];
  const style: CSSProperties = { width: columnWidth(layout, column), left: layout.lefts[column] };
  const id = `${gridId}-${index}-${spec.id}`;
  const messageId = mark.message === undefined ? undefined : `${id}-m`;
  const opens = spec.editor?.kind === 'choice' || spec.editor?.kind === 'suggest';
  return (
    <div
      role="gridcell"
      id={id}
      aria-colindex={column + 2}
      aria-selected={selected}
      aria-invalid={mark.severity === 'error' || undefined}
      aria-describedby={messageId}
      aria-readonly={readOnly || spec.readOnly === true || undefined}
      className={classes['cell']}
      data-column={spec.id}
      data-align={spec.align}
      data-frozen={frozen || undefined}
      data-edge={(frozen && column === layout.frozen - 1) || undefined}
      data-group-end={(next !== undefined && next.group !== spec.group) || undefined}
      data-hatched={(mark.hatched === true && text === '') || undefined}
      data-severity={mark.severity}
      data-dirty={mark.dirty || undefined}
      style={style}
    >
      <Content spec={spec} text={text} mark={mark} />
      {active && opens && !readOnly ? (
        <IconChevronDown size={12} className={classes['open']} data-open-options aria-hidden />
      ) : null}
      {mark.message === undefined ? null : (
        <span id={messageId} hidden>
          {mark.message}
        </span>
      )}
    </div>
  );
}

function Content({ spec, text, mark }: { spec: GridColumn; text: string; mark: CellMark }) {
  if (spec.editor?.kind === 'flag') {
    const checked = spec.editor.checked(text);
    if (checked !== null || text === '') return <Check checked={checked} />;
  }
  if (text !== '') return <span className={classes['text']}>{text.length > 300 ? firstLine(text) : text}</span>;
  if (mark.hatched === true) return <span className={classes['hidden']}>does not apply</span>;
  if (mark.missing !== undefined) return <span className={classes['missing']}>{mark.missing}</span>;
  if (mark.placeholder !== undefined) return <span className={classes['ghost']}>{mark.placeholder}</span>;
  return null;
}

function Check({ checked }: { checked: boolean | null }) {
  const word = checked === null ? 'blank' : checked ? 'on' : 'off';
  return (
    <span
      className={classes['check']}
      data-check
      data-on={checked === true || undefined}
      data-blank={checked === null || undefined}
    >
      {checked === false ? null : <IconCheck size={11} stroke={3} aria-hidden />}
      <span className={classes['hidden']}>{word}</span>
    </span>
  );
}

/** Cells show one line: the rest of a long text would only cost layout. */
function firstLine(text: string): string {
  return text.slice(0, 300);
}
