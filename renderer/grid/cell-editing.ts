import { editCell, setRange } from './edits.ts';
import type { GridCore } from './grid-core.ts';
import type { GridColumn } from './grid-types.ts';
import type { EditorCommand, GridCommand } from './keyboard.ts';
import { filterOptions, optionsOf, proposedOption, searchOf, withListValue } from './options.ts';

/** The edit of one cell from its first letter until its text is kept or let go. `leave` moves the selection on once it is kept. */
export function createCellEditing(core: GridCore, leave: (command: GridCommand) => void) {
  const { state } = core;

  function columnOf(columnId: string): GridColumn | undefined {
    return core.context().columns.find(({ id }) => id === columnId);
  }

  function start(typing: boolean, text: string, openList: boolean) {
    const { row, column } = core.selected().active;
    const rowId = core.context().rowIds[row];
    const spec = core.context().columns[column];
    const input = core.input();
    if (rowId === undefined || spec === undefined || input === null) return;
    if (core.isReadOnly() || spec.readOnly === true) {
      input.value = '';
      core.say(core.isReadOnly() ? 'This grid is read-only.' : `${spec.header ?? spec.id} cannot be edited.`);
      return;
    }
    core.scrollTo({ row, column });
    const options = optionsOf(spec.editor, rowId);
    const kind = spec.editor?.kind ?? 'text';
    const shown = typing ? filterOptions(options, text) : options;
    const option = typing ? proposedOption(kind, shown, text) : shown.findIndex(({ value }) => value === text);
    if (input.value !== text) input.value = text;
    if (!typing) input.setSelectionRange(text.length, text.length);
    state.setState({
      editing: {
        rowId,
        columnId: spec.id,
        typing,
        text,
        listOpen: options.length > 0 && (typing || openList),
        filtering: typing,
        option,
      },
      hovered: null,
    });
    core.focus();
  }

  /** What was typed into the field so far. */
  function typed(text: string) {
    const { editing } = state.getState();
    if (editing === null) {
      if (text !== '' && !core.isEmpty()) start(true, text, true);
      return;
    }
    const editor = columnOf(editing.columnId)?.editor;
    const options = optionsOf(editor, editing.rowId);
    const shown = filterOptions(options, searchOf(editor, text));
    state.setState({
      editing: {
        ...editing,
        text,
        filtering: true,
        listOpen: options.length > 0,
        option: proposedOption(editor?.kind ?? 'text', shown, text),
      },
    });
  }

  /** The options that the open list shows, or none. */
  function shownOptions() {
    const { editing } = state.getState();
    if (editing?.listOpen !== true) return [];
    const editor = columnOf(editing.columnId)?.editor;
    const options = optionsOf(editor, editing.rowId);
    return editing.filtering ? filterOptions(options, searchOf(editor, editing.text)) : options;
  }

  /** Takes an option: of a list it goes in or out and the editing goes on, else it is the cell's text. */
  function pick(value: string): void {
    const { editing } = state.getState();
    const input = core.input();
    if (editing === null || input === null) return;
    if (columnOf(editing.columnId)?.editor?.kind !== 'list') {
      commit(value);
      return;
    }
    const text = withListValue(input.value, value, editing.filtering);
    input.value = text;
    input.setSelectionRange(text.length, text.length);
    state.setState({ editing: { ...editing, text, filtering: false, option: -1 } });
  }

  function stopEditing() {
    const input = core.input();
    if (input !== null) input.value = '';
    state.setState({ editing: null });
  }

  /** Keeps what was typed. `value` overrides the text, `everywhere` writes it into the whole range. */
  function commit(value?: string, everywhere = false) {
    const { editing } = state.getState();
    const input = core.input();
    if (editing === null || input === null) return;
    const text = (value ?? input.value).replace(/\r\n?/g, '\n');
    const column = columnOf(editing.columnId);
    stopEditing();
    if (column === undefined) return;
    if (everywhere) core.apply(setRange(core.sheet(), core.box(), text, (count) => `Fill ${count} cells`));
    else core.apply(editCell(core.sheet(), editing.rowId, column, text));
  }

  return {
    typed,
    shownOptions,
    pick,
    stopEditing,
    commit,
    editActive(openList = true) {
      if (!core.isEmpty()) start(false, core.textAt(core.selected().active), openList);
    },
    /** An input method begins to compose. */
    startComposing() {
      if (!core.isEmpty()) start(true, '', true);
    },
    /** False where no list is open. */
    moveOption(by: number): boolean {
      const { editing } = state.getState();
      const { length } = shownOptions();
      if (editing === null || length === 0) return false;
      const option = editing.option < 0 ? (by > 0 ? 0 : length - 1) : (editing.option + by + length) % length;
      state.setState({ editing: { ...editing, option } });
      return true;
    },
    runEditor(command: EditorCommand) {
      const { editing } = state.getState();
      const input = core.input();
      if (editing === null || input === null) return;
      switch (command.type) {
        case 'cancel':
          if (editing.listOpen && editing.typing && editing.option >= 0) {
            // The first Escape takes the proposal away, so that the text can stay as it was typed.
            state.setState({ editing: { ...editing, listOpen: false, option: -1 } });
            return;
          }
          return stopEditing();
        case 'switch-mode':
          state.setState({ editing: { ...editing, typing: !editing.typing } });
          return;
        case 'new-line':
          input.setRangeText('\n', input.selectionStart, input.selectionEnd, 'end');
          return typed(input.value);
        case 'commit': {
          const picked = shownOptions()[editing.option]?.value;
          if (picked !== undefined && columnOf(editing.columnId)?.editor?.kind === 'list') {
            pick(picked);
            // Enter takes one after the other; Tab goes on to the next cell.
            if (typeof command.next !== 'string' && !('by' in command.next && command.next.by === 'tab')) return;
            commit();
          } else commit(picked, command.next === 'fill');
          if (typeof command.next === 'string') return;
          if ('by' in command.next) {
            return leave({ type: 'cycle', by: command.next.by, backwards: command.next.backwards });
          }
          return leave({ type: 'step', direction: command.next.direction, extend: false });
        }
        default:
          return command satisfies never;
      }
    },
  };
}
