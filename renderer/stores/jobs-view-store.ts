import { createStore } from 'zustand/vanilla';
import type { GridHandle, GridSelection, GridView } from '../grid/grid-types.ts';
import { PLAIN_VIEW } from '../grid/view.ts';

export const CHIPS = ['issues', 'changed', 'failed', 'incremental'] as const;
/** Rows to show: those with issues, unsaved changes, a failed last run, or that load what is new. */
export type Chip = (typeof CHIPS)[number];

export interface JobsViewState {
  view: GridView;
  search: string;
  chips: readonly Chip[];
  /** `groups`: by what they are about; `workbook`: as they stand in the file. */
  /** Columns that the workbook does not have and that are shown all the same. */
  shown: readonly string[];
  columnOrder: 'groups' | 'workbook';
  selection: GridSelection | null;
  /** Show what a save will change before it is done. */
  reviewSaves: boolean;
  /** Destination that runs load into; null: the one that the project says. */
  target: string | null;
  /** Row whose form is open. */
  openRow: string | null;
}

export type JobsViewStore = ReturnType<typeof createJobsViewStore>;

/** How the jobs are shown; it survives going to another screen and back. */
export function createJobsViewStore() {
  const initial: JobsViewState = {
    view: { ...PLAIN_VIEW, frozenThrough: 'table_name' },
    search: '',
    chips: [],
    shown: [],
    columnOrder: 'groups',
    selection: null,
    reviewSaves: true,
    target: null,
    openRow: null,
  };
  const store = createStore<JobsViewState>(() => initial);
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
      const { view, columnOrder, reviewSaves } = store.getState();
      store.setState({
        ...initial,
        columnOrder,
        reviewSaves,
        view: { ...initial.view, hidden: view.hidden, widths: view.widths },
      });
    },
  };
}
