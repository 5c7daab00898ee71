import type { CellEditor, GridOption } from './grid-types.ts';

/** How many options a drop-down shows at once; typing narrows the rest. */
export const SHOWN_OPTIONS = 100;

export function optionsOf(editor: CellEditor | undefined, rowId: string): readonly GridOption[] {
  if (editor?.kind !== 'choice' && editor?.kind !== 'suggest' && editor?.kind !== 'list') return [];
  return typeof editor.options === 'function' ? editor.options(rowId) : editor.options;
}

/** The values of a list's text. */
export function listValues(text: string): string[] {
  return text
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** A list's text with a value taken in or out; `typed` leaves out what stands behind the last comma, which was typed to find the value. */
export function withListValue(text: string, value: string, typed: boolean): string {
  const values = listValues(typed ? text.slice(0, text.lastIndexOf(',') + 1) : text);
  const others = values.filter((other) => other !== value);
  return (others.length < values.length ? others : [...values, value]).join(', ');
}

/** What of the text the options are searched for. */
export function searchOf(editor: CellEditor | undefined, text: string): string {
  return editor?.kind === 'list' ? text.slice(text.lastIndexOf(',') + 1) : text;
}

/** Options whose value contains the text, those that begin with it first. */
export function filterOptions(options: readonly GridOption[], text: string): readonly GridOption[] {
  const wanted = text.trim().toLocaleLowerCase();
  if (wanted === '') return options;
  const starts: GridOption[] = [];
  const holds: GridOption[] = [];
  for (const option of options) {
    const at = option.value.toLocaleLowerCase().indexOf(wanted);
    if (at === 0) starts.push(option);
    else if (at > 0) holds.push(option);
  }
  return [...starts, ...holds];
}

/**
 * The option that Enter takes while somebody types: of a closed list the first that begins with the text, of an open one none unless it is picked;
 * -1 takes the text as it stands.
 */
export function proposedOption(kind: CellEditor['kind'], shown: readonly GridOption[], text: string): number {
  const wanted = text.trim().toLocaleLowerCase();
  if (kind !== 'choice' || wanted === '') return -1;
  return shown[0]?.value.toLocaleLowerCase().startsWith(wanted) === true ? 0 : -1;
}
