import type { Difference } from '../spec/project-diff.ts';
import { isSame } from '../spec/project-diff.ts';
import type { Style } from './terminal.ts';

const VALUE_CHARACTERS = 80;

/** A difference for people: what is new, gone and changed, cell by cell. */
export function differenceText(difference: Difference, style: (style: Style, text: string) => string): string {
  if (isSame(difference)) return 'No difference.';
  return [
    ...difference.added.map(({ kind, name }) => `${style('green', '+')} ${kind} ${name}`),
    ...difference.removed.map(({ kind, name }) => `${style('red', '-')} ${kind} ${name}`),
    ...difference.changed.flatMap(({ kind, name, cells }) => [
      `${style('yellow', '~')} ${kind} ${name}`,
      ...cells.map(({ column, before, after }) => `    ${column}: ${valueText(before)} → ${valueText(after)}`),
    ]),
  ].join('\n');
}

function valueText(text: string): string {
  if (text === '') return '(blank)';
  const line = text.replace(/\s*\n\s*/g, ' ');
  return line.length > VALUE_CHARACTERS ? `${line.slice(0, VALUE_CHARACTERS - 1)}…` : line;
}
