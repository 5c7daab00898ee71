import { Button, Checkbox, Popover, TextInput, UnstyledButton } from '@mantine/core';
import {
  IconArrowAutofitWidth,
  IconEyeOff,
  IconFilterOff,
  IconPin,
  IconPinnedOff,
  IconSortAscending,
  IconSortDescending,
  IconX,
} from '@tabler/icons-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useStore } from 'zustand';
import classes from './column-menu.module.css';
import type { GridController } from './controller.ts';
import gridClasses from './data-grid.module.css';
import type { ColumnFilter, GridColumn, GridView } from './grid-types.ts';
import { distinctValues, sortOf, withFilter, withHidden, withSort } from './view.ts';

/** A column may hold thousands of texts: this many are listed, a search finds the others. */
const LISTED_VALUES = 200;

export interface ColumnMenuProps {
  controller: GridController;
  columns: readonly GridColumn[];
  view: GridView;
  onViewChange(view: GridView): void;
  onAutoFit(columnId: string): void;
}

/** Sort, filter and arrange one column; opened from its header or by Ctrl+Shift+L. */
export function ColumnMenu(props: ColumnMenuProps) {
  const { controller, columns } = props;
  const menu = useStore(controller.state, (state) => state.columnMenu);
  const column = columns.find(({ id }) => id === menu?.columnId);
  if (menu === null || column === undefined) return null;
  const close = () => {
    controller.state.setState({ columnMenu: null });
    controller.focus();
  };
  return (
    <Popover
      opened
      onChange={(opened) => {
        if (!opened) close();
      }}
      position="bottom-start"
      offset={4}
      width={264}
      trapFocus
      withRoles={false}
      shadow="md"
    >
      <Popover.Target>
        <div className={gridClasses['fixedAnchor']} style={{ left: menu.x, top: menu.y }} />
      </Popover.Target>
      <Popover.Dropdown
        p={0}
        role="dialog"
        aria-label={`Column ${column.header ?? column.id}`}
        onKeyDownCapture={(event) => {
          if (event.key === 'Escape') close();
        }}
      >
        <Panel key={column.id} {...props} column={column} close={close} />
      </Popover.Dropdown>
    </Popover>
  );
}

interface PanelProps extends ColumnMenuProps {
  column: GridColumn;
  close(): void;
}

function Panel({ controller, column, view, onViewChange, onAutoFit, close }: PanelProps) {
  const sorted = sortOf(view, column.id);
  const change = (next: GridView) => {
    onViewChange(next);
    close();
  };
  const others = view.sort.some(({ columnId }) => columnId !== column.id);
  const pinned = view.frozenThrough === column.id;
  const sort = (direction: 'ascending' | 'descending', add: boolean) => () =>
    change(withSort(view, column.id, sorted === direction && !add ? null : direction, add));
  return (
    <>
      <div className={classes['commands']}>
        <Command
          icon={<IconSortAscending size={14} />}
          pressed={sorted === 'ascending'}
          onClick={sort('ascending', false)}
        >
          {column.numeric === true ? 'Sort smallest first' : 'Sort A to Z'}
        </Command>
        <Command
          icon={<IconSortDescending size={14} />}
          pressed={sorted === 'descending'}
          onClick={sort('descending', false)}
        >
          {column.numeric === true ? 'Sort largest first' : 'Sort Z to A'}
        </Command>
        {others ? (
          <Command icon={<IconSortAscending size={14} />} onClick={sort('ascending', true)}>
            Then sort by this column
          </Command>
        ) : null}
        {view.sort.length > 0 ? (
          <Command icon={<IconX size={14} />} onClick={() => change({ ...view, sort: [] })}>
            Back to the saved order
          </Command>
        ) : null}
      </div>
      <div className={classes['commands']}>
        <Command
          icon={pinned ? <IconPinnedOff size={14} /> : <IconPin size={14} />}
          onClick={() => change({ ...view, frozenThrough: pinned ? null : column.id })}
        >
          {pinned ? 'Unfreeze columns' : 'Freeze up to this column'}
        </Command>
        <Command
          icon={<IconArrowAutofitWidth size={14} />}
          onClick={() => {
            onAutoFit(column.id);
            close();
          }}
        >
          Fit to contents
        </Command>
        <Command icon={<IconEyeOff size={14} />} onClick={() => change(withHidden(view, column.id, true))}>
          Hide column
        </Command>
        {view.hidden.length > 0 ? (
          <Command icon={<IconEyeOff size={14} />} onClick={() => change({ ...view, hidden: [] })}>
            Show {view.hidden.length} hidden {view.hidden.length === 1 ? 'column' : 'columns'}
          </Command>
        ) : null}
      </div>
      <FilterForm
        {...{ controller, column, view }}
        onChange={(filter) => change(withFilter(view, column.id, filter))}
      />
    </>
  );
}

interface CommandProps {
  icon: ReactNode;
  pressed?: boolean;
  onClick(): void;
  children: ReactNode;
}

function Command({ icon, pressed, onClick, children }: CommandProps) {
  return (
    <UnstyledButton className={classes['command']} aria-pressed={pressed} onClick={onClick}>
      {icon}
      <span>{children}</span>
    </UnstyledButton>
  );
}

interface FilterFormProps {
  controller: GridController;
  column: GridColumn;
  view: GridView;
  onChange(filter: ColumnFilter | null): void;
}

/** Ticks are kept as the set of texts that are shown; the search both narrows the list and, where nothing is unticked, filters by itself. */
function FilterForm({ controller, column, view, onChange }: FilterFormProps) {
  const { store } = controller.context().props;
  const filter = view.filters[column.id];
  const all = useMemo(() => distinctValues(store.rowIds(), store.cell, column.id), [store, column.id]);
  const [text, setText] = useState(filter?.text ?? '');
  const [kept, setKept] = useState<ReadonlySet<string>>(() => new Set(filter?.values ?? all.map(({ value }) => value)));
  const wanted = text.toLocaleLowerCase();
  const matching = wanted === '' ? all : all.filter(({ value }) => value.toLocaleLowerCase().includes(wanted));
  const ticked = matching.filter(({ value }) => kept.has(value)).length;
  const everything = all.every(({ value }) => kept.has(value));
  const set = (values: readonly string[], on: boolean) => {
    const next = new Set(kept);
    for (const value of values) {
      if (on) next.add(value);
      else next.delete(value);
    }
    setKept(next);
  };
  return (
    <form
      className={classes['filter']}
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ values: everything ? null : [...kept], text });
      }}
    >
      <TextInput
        size="xs"
        data-autofocus
        value={text}
        placeholder="Contains…"
        aria-label={`${column.header ?? column.id} contains`}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div className={classes['values']} tabIndex={0} role="group" aria-label="Values">
        <Checkbox
          label={`All ${matching.length.toLocaleString('en-US')}`}
          checked={ticked === matching.length && matching.length > 0}
          indeterminate={ticked > 0 && ticked < matching.length}
          onChange={(event) =>
            set(
              matching.map(({ value }) => value),
              event.currentTarget.checked,
            )
          }
        />
        {matching.slice(0, LISTED_VALUES).map(({ value, count }) => (
          <Checkbox
            key={value}
            label={
              <span className={classes['value']}>
                <span className={value === '' ? classes['blank'] : undefined}>
                  {value === '' ? 'Blank' : value.slice(0, 80)}
                </span>
                <span className={classes['count']}>{count.toLocaleString('en-US')}</span>
              </span>
            }
            checked={kept.has(value)}
            onChange={(event) => set([value], event.currentTarget.checked)}
          />
        ))}
        {matching.length > LISTED_VALUES ? (
          <p className={classes['rest']}>{(matching.length - LISTED_VALUES).toLocaleString('en-US')} more: search</p>
        ) : null}
      </div>
      <div className={classes['buttons']}>
        <Button
          size="xs"
          variant="subtle"
          disabled={filter === undefined}
          leftSection={<IconFilterOff size={14} />}
          onClick={() => onChange(null)}
        >
          Clear
        </Button>
        <Button size="xs" type="submit" disabled={ticked === 0}>
          Filter
        </Button>
      </div>
    </form>
  );
}
