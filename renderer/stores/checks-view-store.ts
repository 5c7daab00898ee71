import { createStore } from 'zustand/vanilla';
import type { Output } from '../../engine/contract.ts';
import type { GridHandle, GridSelection, GridView } from '../grid/grid-types.ts';
import { PLAIN_VIEW } from '../grid/view.ts';

export type CheckHistory = Output<'quality.history'>[number];

export interface ChecksViewState {
  view: GridView;
  selection: GridSelection | null;
  /** What the checks have found so far; null while it was not asked for. */
  histories: readonly CheckHistory[] | null;
}

export type ChecksViewStore = ReturnType<typeof createChecksViewStore>;

/** How the checks are shown, and what they found; it survives going to another screen and back. */
export function createChecksViewStore() {
  const initial: ChecksViewState = {
    view: { ...PLAIN_VIEW, frozenThrough: 'type' },
    selection: null,
    histories: null,
  };
  const store = createStore<ChecksViewState>(() => initial);
  let grid: GridHandle | null = null;
  return {
    ...store,
    /** The grid on the page, for commands; null while another screen is shown. */
    grid: (): GridHandle | null => grid,
    setGrid(handle: GridHandle | null): void {
      grid = handle;
    },
    /** Another project: its rows have other ids. */
    reset(): void {
      const { view } = store.getState();
      store.setState({ ...initial, view: { ...initial.view, hidden: view.hidden, widths: view.widths } });
    },
  };
}
