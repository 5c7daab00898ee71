import { type ClipboardEvent, type KeyboardEvent, type RefObject, useLayoutEffect } from 'react';
import { useStore } from 'zustand';
import type { GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { columnWidth, type Layout, ROW_HEIGHT } from './geometry.ts';
import { editorCommand, gridCommand } from './keyboard.ts';
import { textWidth } from './text-width.ts';
import { clipboardCells, formatHtmlTable, formatTsv } from './tsv.ts';

/** An edited text grows up to this, then it scrolls. */
const MAX_WIDTH = 480;
const MAX_HEIGHT = 264;
/** Texts longer than this are not measured: the editor takes its full size. */
const MEASURED_LENGTH = 4000;

export interface CellInputProps {
  gridId: string;
  label: string;
  controller: GridController;
  layout: Layout;
  inputRef: RefObject<HTMLTextAreaElement | null>;
  scrollerRef: RefObject<HTMLDivElement | null>;
}

/**
 * The grid's one text field. It always has the focus, so that typing, dead keys, input methods, emoji pickers and dictation go into it as into any field;
 * the first text that arrives turns it into the editor of the active cell. Where it stands, and which cell it names, is the painter's to say.
 */
export function CellInput({ gridId, label, controller, layout, inputRef, scrollerRef }: CellInputProps) {
  const editing = useStore(controller.state, (state) => state.editing);
  const { columns, props } = controller.context();
  const column = editing === null ? -1 : columns.findIndex(({ id }) => id === editing.columnId);

  useLayoutEffect(() => {
    const field = inputRef.current;
    const scroller = scrollerRef.current;
    if (field === null || scroller === null) return;
    if (editing === null || column < 0) {
      Object.assign(field.style, { width: '1px', height: '16px' });
      delete field.dataset['scroll'];
      return;
    }
    const least = columnWidth(layout, column) + 1;
    const start = layout.lefts[column] as number;
    const shownAt = column < layout.frozen ? start : start - scroller.scrollLeft;
    const room = Math.max(least, Math.min(MAX_WIDTH, scroller.clientWidth - shownAt - 8));
    const long = editing.text.length > MEASURED_LENGTH;
    const width = long ? room : Math.max(least, Math.min(room, textWidth(editing.text, field) + 24));
    field.style.width = `${width}px`;
    field.style.height = `${ROW_HEIGHT + 1}px`;
    const wanted = long ? MAX_HEIGHT : Math.max(ROW_HEIGHT + 1, field.scrollHeight + 4);
    field.style.height = `${Math.min(MAX_HEIGHT, wanted)}px`;
    field.toggleAttribute('data-scroll', wanted > MAX_HEIGHT);
  }, [editing, column, layout, inputRef, scrollerRef]);

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    // Keys of an input method are its own, also the Enter that ends a composition.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    const { editing: current, selection } = controller.state.getState();
    if (current === null) {
      const command = gridCommand(event);
      if (command === null) return;
      const active = controller.context().columns[selection.active.column];
      if (command.type === 'toggle' && active?.editor?.kind !== 'flag') return;
      if (command.type === 'cycle' && command.by === 'tab' && leaves(command.backwards)) return;
      event.preventDefault();
      controller.run(command);
      return;
    }
    // Undo, select all and the like are the text's while it is edited.
    event.stopPropagation();
    if (current.listOpen && (event.key === 'ArrowDown' || event.key === 'ArrowUp') && !event.altKey) {
      if (controller.moveOption(event.key === 'ArrowDown' ? 1 : -1)) return event.preventDefault();
    }
    const command = editorCommand(event, current.typing);
    if (command === null) return;
    event.preventDefault();
    controller.runEditor(command);
  }

  /** Tab at the very last cell, and Shift+Tab at the first, go on to what stands behind the grid: nobody is trapped. */
  function leaves(backwards: boolean): boolean {
    const { anchor, head, active } = controller.state.getState().selection;
    const { rows, columns: count } = controller.extent();
    if (anchor !== head && (anchor.row !== head.row || anchor.column !== head.column)) return false;
    return backwards ? active.row === 0 && active.column === 0 : active.row >= rows - 1 && active.column >= count - 1;
  }

  function onCopy(event: ClipboardEvent, cut: boolean) {
    if (controller.state.getState().editing !== null) return;
    event.preventDefault();
    const texts = controller.copied();
    if (texts === null) return;
    event.clipboardData.setData('text/plain', formatTsv(texts));
    event.clipboardData.setData('text/html', formatHtmlTable(texts));
    if (cut) controller.run({ type: 'clear' });
  }

  function onPaste(event: ClipboardEvent) {
    if (controller.state.getState().editing !== null) return;
    event.preventDefault();
    const { clipboardData } = event;
    controller.paste(clipboardCells(clipboardData.getData('text/plain'), clipboardData.getData('text/html')));
  }

  const listed = editing?.listOpen === true;
  return (
    <div className={classes['inputHost']} data-editing={editing !== null || undefined}>
      <textarea
        ref={inputRef}
        className={classes['input']}
        rows={1}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        readOnly={props.readOnly}
        aria-label={editing === null ? label : `${editing.columnId}, row ${props.store.rowMark(editing.rowId).number}`}
        aria-controls={listed ? `${gridId}-options` : gridId}
        aria-autocomplete={listed ? 'list' : undefined}
        aria-haspopup={listed ? 'listbox' : undefined}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          const { inputType } = event.nativeEvent as InputEvent;
          if (controller.state.getState().editing === null && inputType.startsWith('history')) {
            event.currentTarget.value = '';
          } else controller.typed(event.currentTarget.value);
        }}
        onCompositionStart={() => {
          // The field must be seen before the first candidate: the input method puts its window there.
          if (controller.state.getState().editing === null) controller.startComposing();
        }}
        onCopy={(event) => onCopy(event, false)}
        onCut={(event) => onCopy(event, true)}
        onPaste={onPaste}
        onBlur={() => {
          // A window that loses the focus keeps its active element, and the edit.
          if (document.activeElement !== inputRef.current) controller.commit();
        }}
      />
    </div>
  );
}
