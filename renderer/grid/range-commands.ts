import { fillByHandle, pasteBlock, rangeTexts, toggleFlags } from './edits.ts';
import type { GridCore } from './grid-core.ts';
import { clampSelection, contains, type Position, type Rectangle, single } from './selection.ts';

/** What the clipboard, the fill handle and a click on a check box do to the selected range. */
export function createRangeCommands(core: GridCore) {
  return {
    /** The selected texts, or null where there is nothing to copy. */
    copied(): string[][] | null {
      return core.isEmpty() ? null : rangeTexts(core.sheet(), core.box());
    },

    paste(block: string[][]) {
      const { columns, props } = core.context();
      if (block.length === 0 || columns.length === 0) return;
      if (core.isReadOnly()) return core.say('This grid is read-only.');
      const plan = pasteBlock(core.sheet(), core.selected(), block, () => props.store.newRowId());
      const { pasted, lostColumns } = plan;
      const anchor = { row: pasted.top, column: pasted.left };
      const head = { row: pasted.bottom, column: pasted.right };
      const after = { anchor, head, active: anchor, whole: null };
      if (plan.addedRowIds.length > 0) core.awaitRows({ rowIds: plan.addedRowIds, select: () => after });
      core.apply(plan.edit);
      core.select(clampSelection(after, core.extent()), anchor);
      if (lostColumns > 0) {
        core.say(`${lostColumns} ${lostColumns === 1 ? 'column' : 'columns'} did not fit: there is none to the right.`);
      }
    },

    fillTo(target: Rectangle, copy: boolean) {
      const source = core.box();
      core.apply(fillByHandle(core.sheet(), source, target, copy));
      const top = Math.min(source.top, target.top);
      const left = Math.min(source.left, target.left);
      const bottom = Math.max(source.bottom, target.bottom);
      const right = Math.max(source.right, target.right);
      const anchor = { row: top, column: left };
      core.select({ anchor, head: { row: bottom, column: right }, active: anchor, whole: null }, null);
    },

    /** Toggles a check box that was clicked: of the whole range where it is part of one. */
    toggleAt(position: Position) {
      if (!contains(core.box(), position)) core.select(single(position));
      const { active } = core.selected();
      if (core.context().columns[active.column]?.editor?.kind !== 'flag') return;
      core.apply(toggleFlags(core.sheet(), { ...core.selected(), active: position }));
    },
  };
}
