import { createStore } from 'zustand/vanilla';
import type { JobPreview } from '../../engine/contract.ts';
import type { PathStep } from '../../engine/spec/path-text.ts';
import type { ShownError } from './window-store.ts';

export const TABS = ['records', 'request', 'response', 'schema', 'paginator'] as const;
export type Tab = (typeof TABS)[number];

/** What was changed of a job's request and is not in the job yet. */
export interface RequestDraft {
  /** By column of SourceConfig. */
  cells: Readonly<Record<string, string>>;
  /** By option of the resource; null takes one away. */
  options: Readonly<Record<string, unknown>>;
}

export const NO_DRAFT: RequestDraft = { cells: {}, options: {} };

export interface PreviewRun {
  status: 'running' | 'done' | 'failed' | 'cancelled';
  /** Milliseconds since 1970. */
  startedAt: number;
  preview: JobPreview | null;
  error: ShownError | null;
  /** The file that answered; null: the API did. */
  replayOf: string | null;
  /** The request's draft as it was asked, to tell that it is another one by now. */
  asked: RequestDraft;
}

/** A value of a response that was clicked. */
export interface Picked {
  /** Into the response's body. */
  steps: readonly PathStep[];
  value: unknown;
  /** Steps of the record's own field, where it lies in a record. */
  field: readonly PathStep[] | null;
  /** Where the popover stands in the window. */
  at: { x: number; y: number };
}

export interface ApiState {
  /** Project to which everything here belongs. */
  directory: string | null;
  /** The job that is shown. */
  rowId: string | null;
  drafts: Readonly<Record<string, RequestDraft>>;
  runs: Readonly<Record<string, PreviewRun>>;
  /** Index of the page that is shown. */
  page: number;
  tab: Tab;
  picked: Picked | null;
  /** The popover at the picked value is open. */
  popover: boolean;
  /** JSON Pointers of the response's open nodes, by page. */
  open: Readonly<Record<number, ReadonlySet<string>>>;
}

const EMPTY: ApiState = {
  directory: null,
  rowId: null,
  drafts: {},
  runs: {},
  page: 0,
  tab: 'records',
  picked: null,
  popover: false,
  open: {},
};

export type ApiStore = ReturnType<typeof createApiStore>;

/** Previews and unsaved requests of the project at hand; they survive going to another screen and back. */
export function createApiStore() {
  const store = createStore<ApiState>(() => EMPTY);
  const running = new Map<string, AbortController>();
  const fresh = { page: 0, picked: null, popover: false, open: {} };
  return {
    ...store,
    /** Another project forgets all. */
    enter(directory: string): void {
      if (store.getState().directory === directory) return;
      this.clear();
      store.setState({ directory });
    },
    clear(): void {
      for (const controller of running.values()) controller.abort();
      running.clear();
      store.setState(EMPTY);
    },
    show(rowId: string): void {
      if (store.getState().rowId !== rowId) store.setState({ rowId, ...fresh });
    },
    draft: (rowId: string): RequestDraft => store.getState().drafts[rowId] ?? NO_DRAFT,
    setDraft(rowId: string, draft: RequestDraft): void {
      const { [rowId]: _old, ...others } = store.getState().drafts;
      const isEmpty = Object.keys(draft.cells).length === 0 && Object.keys(draft.options).length === 0;
      store.setState({ drafts: isEmpty ? others : { ...others, [rowId]: draft } });
    },
    /** Begins a preview of a row; the one before is cancelled. */
    begin(rowId: string, run: PreviewRun): AbortSignal {
      running.get(rowId)?.abort();
      const controller = new AbortController();
      running.set(rowId, controller);
      store.setState({ runs: { ...store.getState().runs, [rowId]: run } });
      return controller.signal;
    },
    /** Takes the outcome of a preview, unless another one began meanwhile. */
    end(rowId: string, signal: AbortSignal, patch: Partial<PreviewRun>): void {
      if (running.get(rowId)?.signal !== signal) return;
      running.delete(rowId);
      const { runs, rowId: shown } = store.getState();
      const run = runs[rowId];
      if (run === undefined) return;
      store.setState({ runs: { ...runs, [rowId]: { ...run, ...patch } }, ...(shown === rowId ? fresh : {}) });
    },
    cancel(rowId: string): void {
      running.get(rowId)?.abort();
    },
  };
}
