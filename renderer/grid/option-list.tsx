import { Combobox, useCombobox } from '@mantine/core';
import { useEffect } from 'react';
import { useStore } from 'zustand';
import type { GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { columnWidth, type Layout, ROW_HEIGHT } from './geometry.ts';
import { listValues, SHOWN_OPTIONS } from './options.ts';

/** The drop-down of the cell that is edited. Its keys are handled by the text field, which keeps the focus. */
export function OptionList({
  gridId,
  controller,
  layout,
}: {
  gridId: string;
  controller: GridController;
  layout: Layout;
}) {
  const editing = useStore(controller.state, (state) => state.editing);
  const combobox = useCombobox({ opened: true });
  const options = controller.shownOptions();
  const option = editing?.option ?? -1;
  useEffect(() => {
    if (option >= 0) document.getElementById(`${gridId}-option-${option}`)?.scrollIntoView({ block: 'nearest' });
  }, [gridId, option]);
  if (editing?.listOpen !== true || options.length === 0) return null;
  const { rowIds, columns } = controller.context();
  const row = rowIds.indexOf(editing.rowId);
  const column = columns.findIndex(({ id }) => id === editing.columnId);
  if (row < 0 || column < 0) return null;
  const editor = columns[column]?.editor;
  const note = editor !== undefined && 'note' in editor ? (editor.note?.(editing.rowId) ?? null) : null;
  const taken = editor?.kind === 'list' ? listValues(editing.text) : null;
  const shown = options.slice(0, Math.max(SHOWN_OPTIONS, option + 1));
  return (
    <Combobox
      store={combobox}
      position="bottom-start"
      offset={2}
      width={Math.max(taken === null ? 176 : 260, columnWidth(layout, column) + 1)}
      onOptionSubmit={(value) => {
        controller.pick(value);
        controller.focus();
      }}
    >
      <Combobox.DropdownTarget>
        <div
          className={classes['anchor']}
          style={{
            left: layout.lefts[column],
            top: row * ROW_HEIGHT,
            width: columnWidth(layout, column),
            height: ROW_HEIGHT,
          }}
        />
      </Combobox.DropdownTarget>
      <Combobox.Dropdown onMouseDown={(event) => event.preventDefault()}>
        <Combobox.Options
          id={`${gridId}-options`}
          aria-label={editing.columnId}
          mah={264}
          style={{ overflowY: 'auto' }}
        >
          {shown.map(({ value, detail }, index) => (
            <Combobox.Option
              key={value}
              value={value}
              id={`${gridId}-option-${index}`}
              selected={index === option}
              active={index === option}
              data-combobox-selected={index === option || undefined}
            >
              {taken === null ? null : <Taken taken={taken.includes(value)} />}
              <span className={classes['optionText']}>{value}</span>
              {detail === undefined ? null : <span className={classes['detail']}>{detail}</span>}
            </Combobox.Option>
          ))}
        </Combobox.Options>
        {shown.length < options.length ? (
          <div className={classes['more']}>{options.length - shown.length} more: type to narrow them down</div>
        ) : null}
        {note === null ? null : <div className={classes['more']}>{note}</div>}
      </Combobox.Dropdown>
    </Combobox>
  );
}

/** Whether a value is in the list already. */
function Taken({ taken }: { taken: boolean }) {
  return (
    <span className={classes['taken']} role="img" aria-label={taken ? 'taken' : 'not taken'}>
      {taken ? '✓' : ''}
    </span>
  );
}
