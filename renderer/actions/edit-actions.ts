import { parseFlag } from '../../engine/spec/cells.ts';
import type { AppStores } from '../stores/app-stores.ts';
import { type Action, action } from './action.ts';
import type { AtHand } from './at-hand.ts';
import type { ProjectCommands } from './project-commands.ts';

/** Menu Edit: cells and rows of the grid at hand, undo and redo. */
export function editActions(stores: AppStores, atHand: AtHand, commands: ProjectCommands): Action[] {
  const { project, window, jobsView, checksView } = stores;
  const { onJobs, selectedRows, hasRows, onChecks, gridAtHand, onGrid, hasGridRows, mac } = atHand;

  /** Cut and copy go through the page's own commands, so that the grid answers them as it answers the keys. */
  function clipboard(what: 'cut' | 'copy' | 'paste'): void {
    gridAtHand()?.focus();
    if (document.execCommand(what)) return;
    const key = mac() ? '⌘' : 'Ctrl+';
    const letter = { cut: 'X', copy: 'C', paste: 'V' }[what];
    window.toast({
      tone: 'info',
      title: `Press ${key}${letter}`,
      text: 'The window may not use the clipboard by itself.',
    });
  }

  function setEnabled(on: boolean): void {
    const rowIds = selectedRows().filter((rowId) => {
      const now = parseFlag(project.cell('SourceConfig', rowId, 'enabled'));
      return (now.ok ? now.value : null) !== on;
    });
    const cells = rowIds.map((rowId) => ({ rowId, columnId: 'enabled', value: on ? 'Y' : 'N' }));
    const what = on ? 'Enable' : 'Disable';
    if (cells.length > 0) {
      project.edit('SourceConfig', { label: `${what} ${cells.length} jobs`, operations: [{ type: 'set', cells }] });
    }
  }

  return [
    action({
      id: 'edit.undo',
      label: 'Undo',
      menu: 'Edit',
      shortcuts: ['Mod+Z'],
      enabled: () => project.getState().undo.length > 0,
      run: () => commands.history.undo(),
    }),
    action({
      id: 'edit.redo',
      label: 'Redo',
      menu: 'Edit',
      shortcuts: ['Mod+Shift+Z', 'Mod+Y'],
      enabled: () => project.getState().redo.length > 0,
      run: () => commands.history.redo(),
    }),
    ...(['cut', 'copy', 'paste'] as const).map((what) =>
      action({
        id: `edit.${what}`,
        label: `${what[0]?.toUpperCase()}${what.slice(1)}`,
        menu: 'Edit',
        section: 1,
        shortcuts: [`Mod+${{ cut: 'X', copy: 'C', paste: 'V' }[what]}`],
        ofGrid: true,
        enabled: onGrid,
        run: () => clipboard(what),
      }),
    ),
    action({
      id: 'edit.clear',
      label: 'Clear cells',
      menu: 'Edit',
      section: 1,
      shortcuts: ['Delete'],
      ofGrid: true,
      enabled: hasGridRows,
      run: () => gridAtHand()?.clear(),
    }),
    action({
      id: 'edit.fill_down',
      label: 'Fill down',
      menu: 'Edit',
      section: 1,
      shortcuts: ['Mod+D'],
      ofGrid: true,
      enabled: hasGridRows,
      run: () => gridAtHand()?.fill('down'),
    }),
    action({
      id: 'row.add',
      label: 'Add job',
      menu: 'Edit',
      section: 2,
      keywords: 'new row append',
      enabled: onJobs,
      run: () => {
        jobsView.grid()?.insertRows('end', 1);
        jobsView.grid()?.focus();
      },
    }),
    action({
      id: 'check.add',
      label: 'Add check',
      menu: 'Edit',
      section: 2,
      keywords: 'new row data quality',
      enabled: onChecks,
      run: () => {
        checksView.grid()?.insertRows('end', 1);
        checksView.grid()?.focus();
      },
    }),
    action({
      id: 'row.insert',
      label: 'Insert rows above',
      menu: 'Edit',
      section: 2,
      enabled: hasGridRows,
      run: () => gridAtHand()?.insertRows('above'),
    }),
    action({
      id: 'row.duplicate',
      label: 'Duplicate rows',
      menu: 'Edit',
      section: 2,
      shortcuts: ['Mod+Shift+D'],
      ofGrid: true,
      keywords: 'copy',
      enabled: hasGridRows,
      run: () => gridAtHand()?.duplicateRows(),
    }),
    action({
      id: 'row.delete',
      label: 'Delete rows',
      menu: 'Edit',
      section: 2,
      keywords: 'remove',
      enabled: hasGridRows,
      run: () => gridAtHand()?.deleteRows(),
    }),
    action({
      id: 'row.enable',
      label: 'Enable selected jobs',
      menu: 'Edit',
      section: 3,
      keywords: 'on',
      enabled: hasRows,
      run: () => setEnabled(true),
    }),
    action({
      id: 'row.disable',
      label: 'Disable selected jobs',
      menu: 'Edit',
      section: 3,
      keywords: 'off',
      enabled: hasRows,
      run: () => setEnabled(false),
    }),
    action({
      id: 'row.open',
      label: 'Edit job as a form',
      menu: 'Edit',
      section: 3,
      shortcuts: ['Mod+E'],
      keywords: 'drawer details',
      enabled: hasRows,
      run: () => jobsView.setState({ openRow: selectedRows()[0] ?? null }),
    }),
    action({
      id: 'edit.find',
      label: 'Find …',
      menu: 'Edit',
      section: 4,
      shortcuts: ['Mod+F'],
      enabled: onGrid,
      run: () => gridAtHand()?.openFind('find'),
    }),
    action({
      id: 'edit.replace',
      label: 'Replace …',
      menu: 'Edit',
      section: 4,
      shortcuts: ['Mod+H'],
      enabled: onGrid,
      run: () => gridAtHand()?.openFind('replace'),
    }),
  ];
}
