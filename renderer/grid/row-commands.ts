import { deleteRows, duplicateRows, insertRows, moveRows } from './edits.ts';
import type { GridCore } from './grid-core.ts';
import { cellCount, single } from './selection.ts';
import { isSorted } from './view.ts';

/** Insert, duplicate, delete and move the selected rows; rows that come are selected once the store has them. */
export function createRowCommands(core: GridCore) {
  const store = () => core.context().props.store;
  const selectedRowIds = () => core.context().rowIds.slice(core.box().top, core.box().bottom + 1);
  const savedAfter = (rowId: string | undefined): string | null => {
    const saved = store().rowIds();
    return rowId === undefined ? null : (saved[saved.indexOf(rowId) + 1] ?? null);
  };

  function awaitRows(rowIds: readonly string[], keepColumns: boolean) {
    const { left, right } = core.box();
    const { column } = core.selected().active;
    core.awaitRows({
      rowIds,
      select: (top, bottom) =>
        keepColumns
          ? {
              anchor: { row: top, column: left },
              head: { row: bottom, column: right },
              active: { row: top, column },
              whole: core.selected().whole,
            }
          : single({ row: top, column }),
    });
  }

  return {
    insert(where: 'above' | 'below' | 'end', count = cellCount({ ...core.box(), left: 0, right: 0 })) {
      if (core.isReadOnly()) return core.say('This grid is read-only.');
      const ids = Array.from({ length: count }, () => store().newRowId());
      const at = selectedRowIds();
      const before =
        where === 'end' || at.length === 0 ? null : where === 'above' ? (at[0] as string) : savedAfter(at.at(-1));
      awaitRows(ids, false);
      core.apply(insertRows(before, ids));
    },

    duplicate() {
      const rowIds = selectedRowIds();
      if (rowIds.length === 0 || core.isReadOnly()) return;
      const ids: string[] = [];
      const edit = duplicateRows(rowIds, savedAfter(rowIds.at(-1)), () => {
        const id = store().newRowId();
        ids.push(id);
        return id;
      });
      awaitRows(ids, true);
      core.apply(edit);
    },

    removeRows() {
      const rowIds = selectedRowIds();
      if (rowIds.length > 0) core.apply(deleteRows(rowIds));
    },

    /** Puts the selected rows before a shown row; as many as there are rows is the end. */
    moveSelectedRows(target: number) {
      const rowIds = selectedRowIds();
      if (rowIds.length === 0) return;
      const { props, rowIds: shown } = core.context();
      if (isSorted(props.view)) return core.say('Rows cannot be moved while they are sorted: clear the sort first.');
      // Behind the last shown row, not behind the hidden ones that follow it.
      const before = shown[target] ?? savedAfter(shown.at(-1));
      const edit = moveRows(store().rowIds(), rowIds, before);
      if (edit === null || core.isReadOnly()) return;
      awaitRows(rowIds, true);
      core.apply(edit);
    },
  };
}
