import type { ImportNote } from '../import-dlt/dlt-import.ts';
import type { Terminal } from './terminal.ts';

/** What an import has changed and left out, as text. */
export function printNotes(terminal: Terminal, notes: readonly ImportNote[]): void {
  for (const [kind, title] of [
    ['changed', 'Carried over differently'],
    ['left_out', 'Left out'],
  ] as const) {
    const own = notes.filter((note) => note.kind === kind);
    if (own.length === 0) continue;
    terminal.print(`\n${title}:`);
    for (const { place, message } of own) terminal.print(`  ${terminal.style('bold', place)}: ${message}`);
  }
}
