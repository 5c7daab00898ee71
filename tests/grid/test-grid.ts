/** What tests/grid/page hands to the tests, as far as they use it. */
export interface TestGrid {
  store: { rows(): Readonly<Record<string, string>>[]; rowIds(): readonly string[] };
  edits: { label: string }[];
  selections: unknown[];
  messages: string[];
  handle: {
    current: {
      selection(): { active: { rowId: string; columnId: string } | null; rowIds: readonly string[] };
      visibleRowIds(): readonly string[];
      moveRows(direction: 'up' | 'down'): void;
    } | null;
  };
  view: object;
  setView(view: object): void;
}

declare global {
  interface Window {
    testGrid: TestGrid;
    /** Another grid in the place of this one. */
    mountGrid(query: string): void;
    /** For the benchmark: milliseconds that each of so many changes of a cell takes with all checks, in a project of so many jobs. */
    measureChanges(rows: number, changes: number): Promise<number[]>;
  }
}
