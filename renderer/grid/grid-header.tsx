import { IconChevronDown, IconFilterFilled, IconSortAscending, IconSortDescending } from '@tabler/icons-react';
import { memo, type Ref } from 'react';
import { useStore } from 'zustand';
import type { GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { columnWidth, GUTTER_WIDTH, type Layout } from './geometry.ts';
import type { GridColumn, GridView } from './grid-types.ts';
import { groupSpans, sortOf } from './view.ts';

export interface GridHeaderProps {
  ref?: Ref<HTMLDivElement>;
  controller: GridController;
  columns: readonly GridColumn[];
  layout: Layout;
  view: GridView;
  grouped: boolean;
}

/** The group row and the row of names. Columns, not rows: all are drawn. Which are selected is the painter's to mark. */
export const GridHeader = memo(function GridHeader({
  ref,
  controller,
  columns,
  layout,
  view,
  grouped,
}: GridHeaderProps) {
  return (
    <div ref={ref} role="rowgroup" className={classes['head']}>
      {grouped ? <GroupRow columns={columns} layout={layout} /> : null}
      <div role="row" aria-rowindex={grouped ? 2 : 1} className={classes['headRow']}>
        <div
          role="columnheader"
          aria-colindex={1}
          className={classes['corner']}
          data-corner
          style={{ width: GUTTER_WIDTH, height: 24 }}
        >
          <span className={classes['hidden']}>Status and row</span>
        </div>
        {columns.map((column, index) => (
          <Name key={column.id} {...{ controller, columns, layout, view, column, index }} />
        ))}
      </div>
    </div>
  );
});

function GroupRow({ columns, layout }: { columns: readonly GridColumn[]; layout: Layout }) {
  const spans = groupSpans(columns, layout.frozen);
  return (
    <div role="row" aria-rowindex={1} className={classes['headRow']}>
      <div
        role="columnheader"
        aria-colindex={1}
        className={classes['corner']}
        data-corner
        style={{ width: GUTTER_WIDTH, height: 22 }}
      >
        <span className={classes['hidden']}>Row</span>
      </div>
      {spans.map(({ group, start, count, frozen, continued }, index) => {
        const left = layout.lefts[start] as number;
        return (
          <div
            key={start}
            role="columnheader"
            aria-colindex={start + 2}
            aria-colspan={count}
            className={classes['group']}
            data-frozen={frozen || undefined}
            data-edge={(frozen && start + count === layout.frozen) || undefined}
            data-joined={(spans[index + 1]?.continued === true && !frozen) || undefined}
            style={{ width: (layout.lefts[start + count] as number) - left, left: frozen ? left : undefined }}
          >
            {continued ? <span className={classes['hidden']}>{group}, continued</span> : group}
          </div>
        );
      })}
    </div>
  );
}

interface NameProps extends Omit<GridHeaderProps, 'grouped' | 'ref'> {
  column: GridColumn;
  index: number;
}

function Name({ controller, columns, layout, view, column, index }: NameProps) {
  const { state } = controller;
  const opened = useStore(state, ({ columnMenu }) => columnMenu?.columnId === column.id);
  const sorted = sortOf(view, column.id);
  const filtered = view.filters[column.id] !== undefined;
  const frozen = index < layout.frozen;
  const next = columns[index + 1];
  const width = columnWidth(layout, index);
  const name = column.header ?? column.id;
  const SortIcon = sorted === 'descending' ? IconSortDescending : IconSortAscending;
  return (
    <div
      role="columnheader"
      aria-colindex={index + 2}
      aria-sort={sorted ?? undefined}
      className={classes['name']}
      data-header={index}
      data-align={column.align}
      data-frozen={frozen || undefined}
      data-edge={(frozen && index === layout.frozen - 1) || undefined}
      data-group-end={(next !== undefined && next.group !== column.group) || undefined}
      data-narrow={width < 56 || undefined}
      title={column.description}
      style={{ width, left: frozen ? layout.lefts[index] : undefined }}
    >
      {column.headerIcon === undefined ? (
        <span className={classes['nameText']}>{name}</span>
      ) : (
        <>
          {column.headerIcon}
          <span className={classes['hidden']}>{name}</span>
        </>
      )}
      {sorted === null ? null : (
        <span className={classes['sortMark']}>
          <SortIcon size={12} aria-hidden />
          {view.sort.length > 1 ? view.sort.findIndex(({ columnId }) => columnId === column.id) + 1 : null}
        </span>
      )}
      {filtered ? (
        <span className={classes['sortMark']}>
          <IconFilterFilled size={10} aria-hidden />
          <span className={classes['hidden']}>filtered</span>
        </span>
      ) : null}
      <button
        type="button"
        tabIndex={-1}
        className={classes['menuButton']}
        data-active={opened || undefined}
        data-column-menu
        aria-label={`Sort, filter and arrange ${name}`}
        aria-haspopup="dialog"
        aria-expanded={opened}
        onClick={(event) => {
          const { left, bottom } = event.currentTarget.getBoundingClientRect();
          state.setState({ columnMenu: opened ? null : { columnId: column.id, x: left, y: bottom } });
        }}
      >
        <IconChevronDown size={12} aria-hidden />
      </button>
      <span className={classes['resize']} data-resize={index} aria-hidden />
    </div>
  );
}
