import { createStore } from 'zustand/vanilla';
import type { WireError } from '../../engine/contract.ts';

export const SCREENS = [
  'welcome',
  'jobs',
  'connections',
  'discover',
  'api',
  'runs',
  'results',
  'quality',
  'export',
  'settings',
] as const;
/** A folder of `renderer/screens`. */
export type ScreenId = (typeof SCREENS)[number];

export interface Toast {
  id: number;
  tone: 'ok' | 'info' | 'warn' | 'err';
  title: string;
  text?: string;
  action?: { label: string; run(): void };
}

/** A failure as it is shown: the engine's own words, or those of this window. */
export type ShownError = Pick<WireError, 'code' | 'message' | 'hint' | 'detail'>;

/** A question that waits for its answer; only one at a time. */
export type Dialog =
  | { kind: 'shortcuts' }
  | { kind: 'about' }
  | { kind: 'error'; title: string; error: ShownError }
  /** Before saving: what will be other than in the workbook. */
  | { kind: 'review'; answer(save: boolean): void }
  /** Something would lose edits: `changes` of the workbook, and `forms` in words. */
  | {
      kind: 'unsaved';
      what: string;
      changes: number;
      forms: readonly string[];
      answer(choice: 'save' | 'discard' | 'cancel'): void;
    }
  | { kind: 'conflict' }
  | { kind: 'recovery' }
  | { kind: 'folder'; title: string; answer(directory: string | null): void; projectsOnly: boolean }
  | { kind: 'new_project' }
  /** What a run of these rows would do now. */
  | { kind: 'preflight'; rowIds: readonly string[] };

export interface WindowState {
  screen: ScreenId;
  /** What the screen shows of its subject: a run's id, a connection's name. */
  subject: string | null;
  paletteOpen: boolean;
  issuesOpen: boolean;
  /** Row ids whose form is open. */
  dialog: Dialog | null;
  toasts: readonly Toast[];
  /** What the screen at hand says in the status bar: `Rows 15–18 · 8 cells`. */
  place: string;
  /** Said to screen readers. */
  announcement: string;
  /** A long task of the whole window: `Saving …`. */
  busy: string | null;
  /** Why the engine was started again; null once it was read. */
  restarted: string | null;
  /** The engine does not answer. */
  engine: 'starting' | 'ready' | 'lost';
  /** The files are others than those that are open. `gone`: the folder or the workbook is not there any more. */
  changedOnDisk: { file: string; gone: boolean } | null;
}

export type WindowStore = ReturnType<typeof createWindowStore>;

let nextToast = 1;

/** What the window itself shows: where it is, what floats above it. */
export function createWindowStore() {
  const store = createStore<WindowState>(() => ({
    screen: 'welcome',
    subject: null,
    paletteOpen: false,
    issuesOpen: false,
    dialog: null,
    toasts: [],
    place: '',
    announcement: '',
    busy: null,
    restarted: null,
    engine: 'starting',
    changedOnDisk: null,
  }));
  return {
    ...store,
    /** Goes to a screen, and to one thing on it. */
    go(screen: ScreenId, subject: string | null = null): void {
      store.setState({ screen, subject, place: '' });
    },
    show(dialog: Dialog | null): void {
      store.setState({ dialog });
    },
    toast(toast: Omit<Toast, 'id'>): void {
      const id = nextToast++;
      store.setState(({ toasts }) => ({ toasts: [...toasts.slice(-2), { ...toast, id }] }));
      store.setState({ announcement: `${toast.title}${toast.text === undefined ? '' : `. ${toast.text}`}` });
    },
    dismiss(id: number): void {
      store.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
    },
    announce(announcement: string): void {
      store.setState({ announcement });
    },
  };
}
