import { createStore } from 'zustand/vanilla';
import type { Output } from '../../engine/contract.ts';

type TestStage = Output<'connection.test'>[number];
export type DiscoveredObject = Output<'connection.discover'>[number];

export interface TestResult {
  at: number;
  stages: readonly TestStage[];
  passed: boolean;
}

export interface ConnectionState {
  /** Last test in this window, by connection. */
  tests: Readonly<Record<string, TestResult>>;
  /** What was discovered in this window, by connection; feeds the drop-downs of the grid and the form. */
  discovered: Readonly<Record<string, readonly DiscoveredObject[]>>;
}

export type ConnectionStore = ReturnType<typeof createConnectionStore>;

/** What is known of the connections beyond what the project's files say. Forgotten with the project. */
export function createConnectionStore() {
  const store = createStore<ConnectionState>(() => ({ tests: {}, discovered: {} }));
  return {
    ...store,
    setTest(name: string, result: TestResult): void {
      store.setState(({ tests }) => ({ tests: { ...tests, [name]: result } }));
    },
    /** Objects that are known already are replaced by what was found now; `columns` of a shallow search do not wipe known ones. */
    addDiscovered(name: string, objects: readonly DiscoveredObject[]): void {
      store.setState(({ discovered }) => {
        const known = new Map((discovered[name] ?? []).map((object) => [objectKey(object), object]));
        for (const object of objects) {
          const before = known.get(objectKey(object));
          known.set(
            objectKey(object),
            object.columns.length === 0 && before !== undefined && before.columns.length > 0 ? before : object,
          );
        }
        return { discovered: { ...discovered, [name]: [...known.values()] } };
      });
    },
    forget(name: string): void {
      store.setState(({ tests, discovered }) => {
        const { [name]: _test, ...otherTests } = tests;
        const { [name]: _objects, ...others } = discovered;
        return { tests: otherTests, discovered: others };
      });
    },
    clear(): void {
      store.setState({ tests: {}, discovered: {} });
    },
  };
}

function objectKey({ schema, name }: DiscoveredObject): string {
  return JSON.stringify([schema, name]);
}
