import type { Output } from '../../../engine/contract.ts';
import { splitList } from '../../../engine/spec/cells.ts';
import type { AppStores } from '../../stores/app-stores.ts';

export type JobPreflight = Output<'job.preflight'>;
export type CellSuggestion = NonNullable<JobPreflight['findings'][number]['suggestion']>;

/** What a report proposes for the row's cells, each once. */
export function suggestionsOf({ columns, findings }: JobPreflight): CellSuggestion[] {
  const all = [
    ...columns.filter(({ verdict }) => verdict === 'fails').map(({ suggestion }) => suggestion),
    ...findings.map(({ suggestion }) => suggestion),
  ].filter((suggestion) => suggestion !== null);
  return [...new Map(all.map((suggestion) => [JSON.stringify(suggestion), suggestion])).values()];
}

/** Text of the cell `column_types` with an entry: in place of the column's own one, else at the end. */
export function withColumnType(cell: string, entry: string): string {
  const column = (part: string) => part.slice(0, part.lastIndexOf(':')).trim();
  const parts = splitList(cell) ?? [cell];
  const at = parts.findIndex((part) => column(part) === column(entry));
  return (at < 0 ? [...parts, entry] : parts.with(at, entry)).join(', ');
}

/** Writes suggestions into a row: one step of undo. */
export function applySuggestions(
  { project }: Pick<AppStores, 'project'>,
  rowId: string,
  suggestions: readonly CellSuggestion[],
): void {
  const values = new Map<string, string>();
  for (const { cell, entry } of suggestions) {
    const now = values.get(cell) ?? project.cell('SourceConfig', rowId, cell);
    values.set(cell, cell === 'column_types' ? withColumnType(now, entry) : entry);
  }
  const cells = [...values].map(([columnId, value]) => ({ rowId, columnId, value }));
  const label = `Take over ${[...values.keys()].join(' and ')}`;
  project.edit('SourceConfig', { label, operations: [{ type: 'set', cells }] });
}
