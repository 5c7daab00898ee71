import { expect, test } from 'vitest';
import { editorCommand, gridCommand, type Keystroke } from '../../renderer/grid/keyboard.ts';

/** `Ctrl+Shift+ArrowDown` as a keystroke. */
function stroke(text: string): Keystroke {
  const keys = text.split('+');
  const key = text.endsWith('++') ? '+' : (keys.at(-1) ?? '');
  return {
    key: key === 'Space' ? ' ' : key,
    ctrlKey: keys.includes('Ctrl'),
    metaKey: keys.includes('Meta'),
    shiftKey: keys.includes('Shift'),
    altKey: keys.includes('Alt'),
  };
}

test.each([
  ['ArrowDown', { type: 'step', direction: 'down', extend: false }],
  ['Shift+ArrowLeft', { type: 'step', direction: 'left', extend: true }],
  ['Ctrl+ArrowUp', { type: 'edge', direction: 'up', extend: false }],
  ['Meta+Shift+ArrowRight', { type: 'edge', direction: 'right', extend: true }],
  ['Home', { type: 'home', whole: false, extend: false }],
  ['Ctrl+Shift+End', { type: 'end', whole: true, extend: true }],
  ['PageDown', { type: 'page', direction: 'down', extend: false }],
  ['Alt+PageUp', { type: 'page', direction: 'left', extend: false }],
  ['Tab', { type: 'cycle', by: 'tab', backwards: false }],
  ['Shift+Tab', { type: 'cycle', by: 'tab', backwards: true }],
  ['Enter', { type: 'edit' }],
  ['Shift+Enter', { type: 'cycle', by: 'enter', backwards: true }],
  ['F2', { type: 'edit' }],
  ['Delete', { type: 'clear' }],
  ['Backspace', { type: 'clear' }],
  ['Escape', { type: 'collapse' }],
  ['Space', { type: 'toggle' }],
  ['Shift+Space', { type: 'select', what: 'rows' }],
  ['Ctrl+Space', { type: 'select', what: 'columns' }],
  ['Ctrl+a', { type: 'select', what: 'all' }],
  ['Ctrl+d', { type: 'fill', direction: 'down' }],
  ['Ctrl+R', { type: 'fill', direction: 'right' }],
  ['Ctrl+Shift+D', { type: 'duplicate-rows' }],
  ['Ctrl+f', { type: 'find', mode: 'find' }],
  ['Ctrl+h', { type: 'find', mode: 'replace' }],
  ['Ctrl+Shift+L', { type: 'menu', of: 'column' }],
  ['Shift+F10', { type: 'menu', of: 'cell' }],
  ['ContextMenu', { type: 'menu', of: 'cell' }],
  ['Alt+ArrowDown', { type: 'open-options' }],
  ['Alt+Shift+ArrowUp', { type: 'move-rows', direction: 'up' }],
  ['Ctrl+Shift++', { type: 'insert-rows' }],
  ['Ctrl+-', { type: 'delete-rows' }],
])('%s', (keys, command) => {
  expect(gridCommand(stroke(keys))).toEqual(command);
});

test.each([
  'a',
  'Ctrl+z',
  'Ctrl+Enter',
  'Ctrl+c',
  'Ctrl+v',
  'Ctrl+k',
  'F8',
  'Shift',
  'Ctrl+Tab',
  'Ctrl+.',
  'Alt+ArrowUp',
])('%s is not the grid’s', (keys) => {
  expect(gridCommand(stroke(keys))).toBeNull();
});

test.each([
  ['Enter', { type: 'commit', next: { by: 'enter', backwards: false } }],
  ['Shift+Enter', { type: 'commit', next: { by: 'enter', backwards: true } }],
  ['Tab', { type: 'commit', next: { by: 'tab', backwards: false } }],
  ['Ctrl+Enter', { type: 'commit', next: 'fill' }],
  ['Alt+Enter', { type: 'new-line' }],
  ['Escape', { type: 'cancel' }],
  ['F2', { type: 'switch-mode' }],
  ['ArrowLeft', { type: 'commit', next: { direction: 'left' } }],
  ['Shift+ArrowLeft', null],
  ['Home', null],
  ['x', null],
])('while typing: %s', (keys, command) => {
  expect(editorCommand(stroke(keys), true)).toEqual(command);
});

test('after F2 the arrows are the text’s', () => {
  expect(editorCommand(stroke('ArrowLeft'), false)).toBeNull();
});
