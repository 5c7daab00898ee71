import classes from './data-grid.module.css';
import type { CellMark, GridColumn } from './grid-types.ts';

/**
 * One cell of a drawn row: one element with its text directly in it, written to by hand. Hundreds are written a frame while somebody scrolls; each remembers
 * what it shows, so that only what is another touches the document.
 */
export interface CellElement {
  node: HTMLElement;
  text: Text;
  check: HTMLElement | null;
  note: HTMLElement | null;
  shown: Shown;
  selected: boolean;
}

/** Everything of a cell that differs from row to row. Null: not there. */
interface Shown {
  text: string;
  /** Undefined: no check box. */
  checked: boolean | null | undefined;
  label: string | null;
  look: 'hatched' | 'missing' | 'ghost' | null;
  severity: 'error' | 'warning' | null;
  message: string | null;
  dirty: boolean;
}

const BLANK: Shown = {
  text: '',
  checked: undefined,
  label: null,
  look: null,
  severity: null,
  message: null,
  dirty: false,
};

export interface ColumnStyle {
  width: number;
  /** The last one that does not scroll sideways. */
  edge: boolean;
  groupEnd: boolean;
  readOnly: boolean;
}

/** What all cells of a column have in common, to be copied. `column` counts from 0. */
export function cellTemplate({ id, align }: GridColumn, column: number, style: ColumnStyle): HTMLElement {
  const node = document.createElement('div');
  node.className = classes['cell'] as string;
  node.setAttribute('role', 'gridcell');
  node.setAttribute('aria-colindex', String(column + 2));
  node.setAttribute('aria-selected', 'false');
  if (style.readOnly) node.setAttribute('aria-readonly', 'true');
  node.dataset['column'] = id;
  if (align !== undefined) node.dataset['align'] = align;
  if (style.edge) node.dataset['edge'] = 'true';
  if (style.groupEnd) node.dataset['groupEnd'] = 'true';
  node.style.width = `${style.width}px`;
  return node;
}

export function createCell(template: HTMLElement): CellElement {
  const node = template.cloneNode() as HTMLElement;
  const text = document.createTextNode('');
  node.append(text);
  return { node, text, check: null, note: null, shown: BLANK, selected: false };
}

/** `tick` draws the mark of a check box; `noteId` names the element that holds the cell's message. */
export function writeCell(
  cell: CellElement,
  column: GridColumn,
  value: string,
  mark: CellMark,
  tick: () => Node,
  noteId: string,
): void {
  const { node, shown: before } = cell;
  const shown = shownOf(column, value, mark);
  cell.shown = shown;
  if (shown.text !== before.text) cell.text.data = shown.text;
  if (shown.checked !== before.checked) writeCheck(cell, shown.checked, tick);
  if (shown.label !== before.label) write(node, 'aria-label', shown.label);
  if (shown.look !== before.look) write(node, 'data-look', shown.look);
  if (shown.severity !== before.severity) {
    write(node, 'data-severity', shown.severity);
    write(node, 'aria-invalid', shown.severity === 'error' ? 'true' : null);
  }
  if (shown.dirty !== before.dirty) write(node, 'data-dirty', shown.dirty ? 'true' : null);
  if (shown.message !== before.message || (shown.message !== null && cell.note?.id !== noteId)) {
    writeNote(cell, shown.message, noteId);
  }
}

export function selectCell(cell: CellElement, selected: boolean): void {
  if (cell.selected === selected) return;
  cell.selected = selected;
  cell.node.setAttribute('aria-selected', String(selected));
}

/** Sets an attribute, or takes it away. */
export function write(node: Element, name: string, value: string | null): void {
  if (value === null) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

/** Cells show one line: the rest of a long text would only cost layout. */
const SHOWN_LENGTH = 300;

/** What a cell shows, how it looks, and its name where that is not its text. */
function shownOf({ editor }: GridColumn, value: string, mark: CellMark): Shown {
  const common = {
    ...BLANK,
    severity: mark.severity ?? null,
    message: mark.message ?? null,
    dirty: mark.dirty === true,
  };
  if (editor?.kind === 'flag') {
    const checked = editor.checked(value);
    if (checked !== null || value === '') {
      return { ...common, checked, label: checked === null ? 'blank' : checked ? 'on' : 'off' };
    }
  }
  if (value !== '') return { ...common, text: value.length > SHOWN_LENGTH ? value.slice(0, SHOWN_LENGTH) : value };
  if (mark.hatched === true) return { ...common, label: 'does not apply', look: 'hatched' };
  if (mark.missing !== undefined) return { ...common, text: mark.missing, look: 'missing' };
  if (mark.placeholder !== undefined) return { ...common, text: mark.placeholder, look: 'ghost' };
  return common;
}

function writeCheck(cell: CellElement, checked: boolean | null | undefined, tick: () => Node): void {
  if (checked === undefined) {
    cell.check?.remove();
    cell.check = null;
    return;
  }
  if (cell.check === null) {
    cell.check = document.createElement('span');
    cell.check.className = classes['check'] as string;
    cell.check.dataset['check'] = 'true';
    cell.check.append(tick());
    cell.node.append(cell.check);
  }
  write(cell.check, 'data-on', checked === true ? 'true' : null);
  write(cell.check, 'data-blank', checked === null ? 'true' : null);
}

function writeNote(cell: CellElement, message: string | null, id: string): void {
  if (message === null) {
    cell.note?.remove();
    cell.note = null;
    cell.node.removeAttribute('aria-describedby');
    return;
  }
  if (cell.note === null) {
    cell.note = document.createElement('span');
    cell.note.hidden = true;
    cell.node.append(cell.note);
  }
  cell.note.id = id;
  cell.note.textContent = message;
  cell.node.setAttribute('aria-describedby', id);
}
