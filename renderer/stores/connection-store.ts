import { createStore } from 'zustand/vanilla';
import type { EventData, Input, Output } from '../../engine/contract.ts';
import type { Section } from '../../engine/spec/connection-fields.ts';
import type { Table } from '../../engine/spec/project.ts';
import { type CallOptions, ContractError, call, isCancelled, on } from '../client.ts';
import { objectId } from './object-id.ts';
import type { ShownError } from './window-store.ts';

export type TestStage = Output<'connection.test'>[number];
export type DiscoveredObject = Output<'connection.discover'>[number];

export interface TestResult {
  /** When it ended (while it runs: when it began), in milliseconds since 1970. */
  at: number;
  status: 'running' | 'passed' | 'failed' | 'cancelled';
  stages: readonly TestStage[];
  passed: boolean;
  /** Milliseconds from begin to end; 0 while it runs. */
  ms: number;
  /** The test itself could not be made, e.g. a value is missing. */
  error: (ShownError & { findings: readonly { column: string | null; message: string }[] }) | null;
}

/** What is remembered of a test beyond this window: no host, no text of the server. */
export interface TestSummary {
  at: number;
  status: 'passed' | 'failed';
  /** The stage that failed. */
  stage: string | null;
  ms: number;
}

export interface Discovery {
  /** `columns`: the objects are there, their columns and keys are still being read. */
  status: 'loading' | 'columns' | 'done' | 'failed' | 'cancelled';
  at: number;
  error: ShownError | null;
}

/** A connection as its form has it, saved or not. */
export interface ConnectionDraft {
  section: Section;
  type: string;
  name: string;
  /** Null for a connection that is not in the files yet. */
  previousName: string | null;
  /** The whole section as the files have it, with what was changed. Secrets in it are placeholders. */
  table: Table;
  /** The section as it was when the form was begun: only what differs from it is sent, so that changes made elsewhere stay. */
  base: Table;
  /** Newly entered secrets by key path with dots; '' forgets one. They leave this window once, with the save or the test. */
  secrets: Readonly<Record<string, string>>;
  /** Fields that were left once: their problems are shown. */
  touched: readonly string[];
  /** What was chosen of ways that exclude each other, by the way's key; the files do not say it, the fields that are set do. */
  ways: Readonly<Record<string, string>>;
}

export interface ConnectionState {
  /** Last test in this window, by {@link connectionKey}. */
  tests: Readonly<Record<string, TestResult>>;
  /** Earlier tests, newest first, by {@link connectionKey}. */
  history: Readonly<Record<string, readonly TestSummary[]>>;
  /** What was discovered in this window, by connection; feeds the drop-downs of the grid and the form. */
  discovered: Readonly<Record<string, readonly DiscoveredObject[]>>;
  /** How far discovery came, by connection. */
  discoveries: Readonly<Record<string, Discovery>>;
  /** Ticked objects by connection: ids of {@link objectId}. */
  ticked: Readonly<Record<string, ReadonlySet<string>>>;
  /** Unsaved forms by {@link connectionKey}, or {@link NEW_DRAFT}. */
  drafts: Readonly<Record<string, ConnectionDraft>>;
}

/** True for a form that would be lost with the window. */
export function isUnsaved({ name, previousName, table, base, secrets }: ConnectionDraft): boolean {
  return name !== previousName || Object.keys(secrets).length > 0 || JSON.stringify(table) !== JSON.stringify(base);
}

export type ConnectionStore = ReturnType<typeof createConnectionStore>;

/** Key of the form of a connection that is not in the files yet. */
export const NEW_DRAFT = 'new';

/** Sources by their name, so that jobs find theirs; destinations apart from them. */
export function connectionKey(section: Section, name: string): string {
  return section === 'sources' ? name : `destinations.${name}`;
}

type Without<Name extends 'connection.test' | 'connection.discover'> = Omit<Input<Name>, 'name'>;

/** What the store asks of the engine. */
export interface ConnectionCalls {
  test(input: Input<'connection.test'>, options: CallOptions): Promise<Output<'connection.test'>>;
  discover(input: Input<'connection.discover'>, options: CallOptions): Promise<Output<'connection.discover'>>;
  onStage(listener: (data: EventData<'test.stage'>) => void): () => void;
}

export interface ConnectionStoreOptions {
  calls?: ConnectionCalls;
  /** Where summaries of tests outlive the window; null forgets them. Default: the page's own storage. */
  storage?: Pick<Storage, 'getItem' | 'setItem'> | null;
}

const EMPTY: ConnectionState = { tests: {}, history: {}, discovered: {}, discoveries: {}, ticked: {}, drafts: {} };
const HISTORY = 5;

const engineCalls: ConnectionCalls = {
  test: (input, options) => call('connection.test', input, options),
  discover: (input, options) => call('connection.discover', input, options),
  onStage: (listener) => on('test.stage', listener),
};

/** What is known of the connections beyond what the project's files say. Forgotten with the project. */
export function createConnectionStore({ calls = engineCalls, storage = pageStorage() }: ConnectionStoreOptions = {}) {
  const store = createStore<ConnectionState>(() => EMPTY);
  const running = new Map<string, AbortController>();
  let directory: string | null = null;

  const put = <Key extends keyof ConnectionState>(part: Key, key: string, value: ConnectionState[Key][string]) =>
    store.setState((state) => ({ [part]: { ...state[part], [key]: value } }) as Partial<ConnectionState>);
  const drop = (part: keyof ConnectionState, key: string) =>
    store.setState((state) => {
      const { [key]: _gone, ...others } = state[part] as Record<string, unknown>;
      return { [part]: others } as Partial<ConnectionState>;
    });

  function begin(task: string): AbortController {
    running.get(task)?.abort();
    const controller = new AbortController();
    running.set(task, controller);
    return controller;
  }

  /** False for work that was called off or replaced: its answer is nobody's. */
  function end(task: string, controller: AbortController): boolean {
    if (running.get(task) !== controller) return false;
    running.delete(task);
    return true;
  }

  function remember(key: string, result: TestResult): void {
    if (result.status !== 'passed' && result.status !== 'failed') return;
    const stage = result.stages.find(({ status }) => status === 'failed')?.stage ?? null;
    const summary: TestSummary = { at: result.at, status: result.status, stage, ms: Math.round(result.ms) };
    put('history', key, [summary, ...(store.getState().history[key] ?? [])].slice(0, HISTORY));
    keep();
  }

  function keep(): void {
    if (directory === null) return;
    try {
      storage?.setItem(storageKey(directory), JSON.stringify(store.getState().history));
    } catch {
      // A full or forbidden storage only forgets when a test was.
    }
  }

  return {
    ...store,

    /** Another project: everything is forgotten but when its connections were tested. */
    open(next: string | null): void {
      if (next === directory) return;
      this.clear();
      directory = next;
      if (next !== null) store.setState({ history: readHistory(storage, next) });
    },

    setTest(key: string, result: TestResult): void {
      put('tests', key, result);
      remember(key, result);
    },

    /** Tests values, saved or not; stages show as they end. Never throws. */
    async test(key: string, input: Without<'connection.test'>): Promise<void> {
      const controller = begin(`test ${key}`);
      const id = crypto.randomUUID();
      const began = Date.now();
      const running: TestResult = { at: began, status: 'running', stages: [], passed: false, ms: 0, error: null };
      put('tests', key, running);
      const stop = calls.onStage(({ call: of, stage }) => {
        const now = store.getState().tests[key];
        if (of === id && now?.status === 'running') put('tests', key, { ...now, stages: [...now.stages, stage] });
      });
      let result: TestResult;
      const clock = performance.now();
      const done = () => ({ at: Date.now(), ms: performance.now() - clock });
      try {
        const stages = await calls.test(input, { signal: controller.signal, id });
        const passed = stages.length > 0 && stages.every(({ status }) => status !== 'failed');
        result = { ...done(), status: passed ? 'passed' : 'failed', stages, passed, error: null };
      } catch (error) {
        const { stages } = store.getState().tests[key] ?? running;
        const cancelled = isCancelled(error) || controller.signal.aborted;
        result = {
          ...done(),
          status: cancelled ? 'cancelled' : 'failed',
          stages,
          passed: false,
          error: cancelled ? null : shownFailure(error),
        };
      } finally {
        stop();
      }
      if (end(`test ${key}`, controller)) this.setTest(key, result);
    },

    cancelTest(key: string): void {
      running.get(`test ${key}`)?.abort();
    },

    /**
     * Lists what a saved connection has: the objects first, then their columns and keys, which takes longer. Never throws.
     * @returns whether the columns were read
     */
    async discover(name: string, place: Pick<Input<'connection.discover'>, 'directory' | 'env'>): Promise<boolean> {
      const task = `discover ${name}`;
      const controller = begin(task);
      const { signal } = controller;
      const say = (status: Discovery['status'], error: ShownError | null = null) =>
        put('discoveries', name, { status, at: Date.now(), error });
      say('loading');
      try {
        const objects = await calls.discover({ ...place, name, columns: false }, { signal });
        if (running.get(task) !== controller) return false;
        this.replaceDiscovered(name, objects);
        say('columns');
        const whole = await calls.discover({ ...place, name, columns: true }, { signal });
        if (!end(task, controller)) return false;
        this.replaceDiscovered(name, whole);
        say('done');
        return true;
      } catch (error) {
        if (!end(task, controller)) return false;
        if (isCancelled(error) || signal.aborted) say('cancelled');
        else say('failed', shownFailure(error));
        return false;
      }
    },

    cancelDiscovery(name: string): void {
      running.get(`discover ${name}`)?.abort();
    },

    /** The whole of what a connection has: objects that are gone are gone here, too. */
    replaceDiscovered(name: string, objects: readonly DiscoveredObject[]): void {
      const known = new Map((store.getState().discovered[name] ?? []).map((object) => [objectId(object), object]));
      put(
        'discovered',
        name,
        objects.map((object) => merged(known.get(objectId(object)), object)),
      );
    },

    /** Objects that are known already are replaced by what was found now; `columns` of a shallow search do not wipe known ones. */
    addDiscovered(name: string, objects: readonly DiscoveredObject[]): void {
      const known = new Map((store.getState().discovered[name] ?? []).map((object) => [objectId(object), object]));
      for (const object of objects) known.set(objectId(object), merged(known.get(objectId(object)), object));
      put('discovered', name, [...known.values()]);
    },

    tick(name: string, ids: ReadonlySet<string>): void {
      put('ticked', name, ids);
    },

    setDraft(key: string, draft: ConnectionDraft): void {
      put('drafts', key, draft);
    },

    /** Forms that are not in the files yet, in the order in which they were begun. */
    unsavedDrafts(): ConnectionDraft[] {
      return Object.values(store.getState().drafts).filter(isUnsaved);
    },

    dropDraft(key: string): void {
      drop('drafts', key);
    },

    /** What was found out under a name stays with the connection when it is renamed. */
    rename(from: string, to: string): void {
      const state = store.getState();
      for (const part of ['tests', 'history', 'discovered', 'discoveries', 'ticked'] as const) {
        const value = state[part][from];
        if (value === undefined) continue;
        put(part, to, value);
        drop(part, from);
      }
      keep();
    },

    forget(name: string): void {
      for (const task of ['test', 'discover']) running.get(`${task} ${name}`)?.abort();
      for (const part of ['tests', 'history', 'discovered', 'discoveries', 'ticked', 'drafts'] as const)
        drop(part, name);
      keep();
    },

    clear(): void {
      for (const controller of running.values()) controller.abort();
      running.clear();
      directory = null;
      store.setState(EMPTY);
    },
  };
}

/** Columns of a shallow search do not wipe known ones. */
function merged(before: DiscoveredObject | undefined, now: DiscoveredObject): DiscoveredObject {
  if (before === undefined || now.columns.length > 0 || before.columns.length === 0) return now;
  const { columns, primaryKey, watermarkSuggestions } = before;
  return { ...now, columns, primaryKey, watermarkSuggestions };
}

/** A failure in the engine's words, or in those of this window. */
export function shownFailure(error: unknown): NonNullable<TestResult['error']> {
  if (error instanceof ContractError) {
    const { code, message, hint, detail, findings } = error;
    return { code, message, hint, detail, findings };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'WINDOW_ERROR', message, hint: null, detail: null, findings: [] };
}

function pageStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

const storageKey = (directory: string) => `ingest-studio.tests ${directory}`;

function readHistory(storage: Pick<Storage, 'getItem'> | null, directory: string): ConnectionState['history'] {
  try {
    const kept: unknown = JSON.parse(storage?.getItem(storageKey(directory)) ?? '{}');
    if (kept === null || typeof kept !== 'object') return {};
    return Object.fromEntries(
      Object.entries(kept).flatMap(([key, list]) => {
        const good = Array.isArray(list) ? list.filter(isSummary) : [];
        return good.length === 0 ? [] : [[key, good.slice(0, HISTORY)]];
      }),
    );
  } catch {
    return {};
  }
}

function isSummary(value: unknown): value is TestSummary {
  const { at, status, ms } = (value ?? {}) as Partial<TestSummary>;
  return typeof at === 'number' && typeof ms === 'number' && (status === 'passed' || status === 'failed');
}
