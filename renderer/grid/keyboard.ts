import type { Direction } from './selection.ts';

/** What a key asks for. `move` and the like take `extend` where Shift is held. */
export type GridCommand =
  | { type: 'step'; direction: Direction; extend: boolean }
  | { type: 'edge'; direction: Direction; extend: boolean }
  | { type: 'page'; direction: Direction; extend: boolean }
  /** Home, End: of the row; with Ctrl of the grid. */
  | { type: 'home' | 'end'; whole: boolean; extend: boolean }
  | { type: 'cycle'; by: 'enter' | 'tab'; backwards: boolean }
  | { type: 'select'; what: 'all' | 'rows' | 'columns' }
  | { type: 'edit' }
  | { type: 'toggle' }
  | { type: 'open-options' }
  | { type: 'clear' }
  | { type: 'collapse' }
  | { type: 'fill'; direction: 'down' | 'right' }
  | { type: 'move-rows'; direction: 'up' | 'down' }
  | { type: 'insert-rows' | 'delete-rows' | 'duplicate-rows' }
  | { type: 'find'; mode: 'find' | 'replace' }
  | { type: 'menu'; of: 'cell' | 'column' };

/** What a key asks for while a cell is edited; `move` also says where the selection goes after it. */
export type EditorCommand =
  | { type: 'commit'; next: { by: 'enter' | 'tab'; backwards: boolean } | { direction: Direction } | 'stay' | 'fill' }
  | { type: 'cancel' }
  | { type: 'new-line' }
  | { type: 'switch-mode' };

/** The part of a keyboard event that decides. */
export interface Keystroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

export const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

/** The command of a key while no cell is edited; null for keys that type text or that are not the grid's. */
export function gridCommand(stroke: Keystroke): GridCommand | null {
  const { key, shiftKey, altKey } = stroke;
  const control = stroke.ctrlKey || stroke.metaKey;
  const arrow = ARROWS[key];
  if (arrow !== undefined) return arrowCommand(arrow, control, shiftKey, altKey);
  if (altKey) {
    if (key === 'PageDown' || key === 'PageUp') {
      return { type: 'page', direction: key === 'PageDown' ? 'right' : 'left', extend: shiftKey };
    }
    return null;
  }
  switch (key) {
    case 'Home':
    case 'End':
      return { type: key === 'Home' ? 'home' : 'end', whole: control, extend: shiftKey };
    case 'PageDown':
    case 'PageUp':
      return control ? null : { type: 'page', direction: key === 'PageDown' ? 'down' : 'up', extend: shiftKey };
    case 'Tab':
      return control ? null : { type: 'cycle', by: 'tab', backwards: shiftKey };
    case 'Enter':
      // Ctrl+Enter is the caller's.
      return control ? null : shiftKey ? { type: 'cycle', by: 'enter', backwards: true } : { type: 'edit' };
    case 'F2':
      return control || shiftKey ? null : { type: 'edit' };
    case 'Delete':
    case 'Backspace':
      return control ? null : { type: 'clear' };
    case 'Escape':
      return { type: 'collapse' };
    case ' ':
      if (control) return { type: 'select', what: shiftKey ? 'all' : 'columns' };
      return shiftKey ? { type: 'select', what: 'rows' } : { type: 'toggle' };
    case 'ContextMenu':
      return { type: 'menu', of: 'cell' };
    case 'F10':
      return shiftKey ? { type: 'menu', of: 'cell' } : null;
    default:
      return control ? letterCommand(key.toLowerCase(), shiftKey) : null;
  }
}

function arrowCommand(direction: Direction, control: boolean, shift: boolean, alt: boolean): GridCommand | null {
  if (!alt) return { type: control ? 'edge' : 'step', direction, extend: shift };
  if (direction === 'left' || direction === 'right' || control) return null;
  if (shift) return { type: 'move-rows', direction };
  return direction === 'down' ? { type: 'open-options' } : null;
}

function letterCommand(key: string, shift: boolean): GridCommand | null {
  switch (key) {
    case 'a':
      return shift ? null : { type: 'select', what: 'all' };
    case 'd':
      return shift ? { type: 'duplicate-rows' } : { type: 'fill', direction: 'down' };
    case 'r':
      return shift ? null : { type: 'fill', direction: 'right' };
    case 'f':
      return shift ? null : { type: 'find', mode: 'find' };
    case 'h':
      return shift ? null : { type: 'find', mode: 'replace' };
    case 'l':
      return shift ? { type: 'menu', of: 'column' } : null;
    case '+':
    case '=':
      return key === '+' || shift ? { type: 'insert-rows' } : null;
    case '-':
    case '_':
      return { type: 'delete-rows' };
    default:
      return null;
  }
}

/**
 * The command of a key while a cell is edited; null for keys that belong to its text.
 * `typing`: the edit began by typing, so that arrows leave the cell as in Excel; after F2 they move the caret.
 */
export function editorCommand(stroke: Keystroke, typing: boolean): EditorCommand | null {
  const { key, shiftKey, altKey } = stroke;
  const control = stroke.ctrlKey || stroke.metaKey;
  switch (key) {
    case 'Escape':
      return { type: 'cancel' };
    case 'F2':
      return { type: 'switch-mode' };
    case 'Tab':
      return { type: 'commit', next: { by: 'tab', backwards: shiftKey } };
    case 'Enter':
      if (altKey) return { type: 'new-line' };
      return { type: 'commit', next: control ? 'fill' : { by: 'enter', backwards: shiftKey } };
    default: {
      const direction = ARROWS[key];
      if (typing && direction !== undefined && !shiftKey && !altKey && !control) {
        return { type: 'commit', next: { direction } };
      }
      return null;
    }
  }
}
