import type { AppStores } from '../../stores/app-stores.ts';
import type { Chip } from '../../stores/jobs-view-store.ts';

const SHEET = 'SourceConfig';

/** Whether a row belongs to a chip. */
export function chipHolds({ project, runs }: AppStores, chip: Chip, rowId: string): boolean {
  switch (chip) {
    case 'issues':
      return project.rowFindings(SHEET, rowId).length > 0;
    case 'changed':
      return project.isDirty(SHEET, rowId);
    case 'failed': {
      const source = project.cell(SHEET, rowId, 'source_name').trim();
      const table = project.cell(SHEET, rowId, 'table_name').trim();
      return runs.getState().lastResults.get(`${source}.${table}`)?.status === 'FAILED';
    }
    case 'incremental':
      return project.cell(SHEET, rowId, 'load_type').trim().toUpperCase() === 'INCREMENTAL';
    default:
      return chip satisfies never;
  }
}

/** Rows that hold the searched text in any cell, and belong to all chips; undefined where everything is shown. */
export function rowFilterOf(
  stores: AppStores,
  search: string,
  chips: readonly Chip[],
): ((rowId: string) => boolean) | undefined {
  const wanted = search.trim().toLocaleLowerCase();
  if (wanted === '' && chips.length === 0) return undefined;
  return (rowId) => {
    // A row that says nothing yet was just added: it would vanish under the hands.
    if (stores.project.rowNumber(SHEET, rowId) === null) return true;
    if (!chips.every((chip) => chipHolds(stores, chip, rowId))) return false;
    if (wanted === '') return true;
    return Object.values(stores.project.rowValues(SHEET, rowId)).some((text) =>
      text.toLocaleLowerCase().includes(wanted),
    );
  };
}

/** How many rows each chip would show. */
export function chipCounts(stores: AppStores, chips: readonly Chip[]): Record<Chip, number> {
  const counts: Record<Chip, number> = { issues: 0, changed: 0, failed: 0, incremental: 0 };
  for (const rowId of stores.project.rowIds(SHEET)) {
    for (const chip of chips) if (chipHolds(stores, chip, rowId)) counts[chip] += 1;
  }
  return counts;
}
