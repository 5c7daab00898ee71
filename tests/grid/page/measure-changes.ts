import { createProjectStore } from '../../../renderer/stores/project-store.ts';
import { JOB, projectDocument } from '../../renderer/project-document.ts';

const SHEET = 'SourceConfig';

/** Milliseconds that the project's own store takes for each change of one cell, and to judge the whole project again after it. */
export function measureChanges(rows: number, changes: number): number[] {
  const jobs = Array.from({ length: rows }, (_, row) => ({ ...JOB, table_name: `table_${row}` }));
  let judge: (() => void) | null = null;
  const store = createProjectStore({
    schedule: (task) => {
      judge = task;
      return () => {
        judge = null;
      };
    },
  });
  store.open(projectDocument({ rows: jobs }));
  const ids = store.rowIds(SHEET);
  const spent: number[] = [];
  for (let change = 0; change < changes; change += 1) {
    const rowId = ids[Math.floor((change / changes) * rows)] as string;
    const wrong = change % 2 === 0;
    const start = performance.now();
    store.setCell(SHEET, rowId, 'load_type', wrong ? `NONE ${change}` : 'FULL');
    (judge as (() => void) | null)?.();
    spent.push(performance.now() - start);
    const { errors, validatedRevision, revision } = store.getState();
    if (validatedRevision !== revision || errors !== Math.floor(change / 2) + 1) {
      throw new Error(`Change ${change} of ${rowId} leaves ${errors} errors: it was not judged.`);
    }
  }
  return spent;
}
