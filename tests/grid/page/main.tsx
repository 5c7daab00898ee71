import '@fontsource-variable/inter/index.css';
import '@mantine/core/styles.css';
import '../../../renderer/base.css';
import './page.css';
import { Button, Kbd, MantineProvider } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { StrictMode, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { createRoot, type Root } from 'react-dom/client';
import type { Finding } from '../../../engine/spec/finding.ts';
import { DataGrid } from '../../../renderer/grid/data-grid.tsx';
import type { GridColumn, GridEdit, GridHandle, GridSelection, GridView } from '../../../renderer/grid/grid-types.ts';
import { PLAIN_VIEW } from '../../../renderer/grid/view.ts';
import { cssVariables, theme } from '../../../renderer/theme.ts';
import type {} from '../test-grid.ts';
import { gridColumns, JOB_COLUMNS, jobRows, judge, marksOfJob } from './job-rows.ts';
import { createMemoryStore, type Marks, type MemoryStore, type Row } from './memory-store.ts';

/** The grid alone on a page. `?fixture=plain|jobs&rows=N&scheme=light|dark&readonly&validate=off` */
interface Fixture {
  jobs: boolean;
  rows: number;
  scheme: 'light' | 'dark';
  readOnly: boolean;
  validate: boolean;
}

function fixtureOf(text: string): Fixture {
  const query = new URLSearchParams(text);
  const jobs = query.get('fixture') === 'jobs';
  return {
    jobs,
    rows: Number(query.get('rows') ?? (jobs ? 26 : 1000)),
    scheme: query.get('scheme') === 'dark' ? 'dark' : 'light',
    readOnly: query.has('readonly'),
    validate: query.get('validate') !== 'off',
  };
}

const PLAIN_COLUMNS: GridColumn[] = [
  { id: 'name', group: 'What', width: 150 },
  {
    id: 'source',
    group: 'What',
    width: 150,
    editor: { kind: 'suggest', options: ['postgres', 'mysql', 'oracle'].map((value) => ({ value })) },
  },
  {
    id: 'disposition',
    group: 'How',
    width: 150,
    editor: { kind: 'choice', options: ['append', 'replace', 'merge'].map((value) => ({ value })) },
  },
  { id: 'sql', group: 'How', width: 150 },
  {
    id: 'enabled',
    group: 'How',
    width: 80,
    align: 'center',
    editor: {
      kind: 'flag',
      on: 'true',
      off: 'false',
      checked: (text) => (text === 'true' ? true : text === 'false' ? false : null),
    },
  },
  { id: 'size', group: 'How', width: 90, align: 'right', numeric: true },
];

function plainRows(count: number): Row[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `job_${index}`,
    source: 'postgres',
    disposition: 'append',
    sql: `select ${index}`,
    enabled: 'true',
    size: '',
  }));
}

function plainMarks(row: Row): Marks {
  const name = row['name'] ?? '';
  const wrong = !/^[a-z_0-9]+$/.test(name);
  const cells: Marks['cells'] = wrong ? { name: { severity: 'error', message: `"${name}": use a-z, 0-9 and _` } } : {};
  return { row: { status: wrong ? 'invalid' : 'none' }, cells };
}

function createStore({ jobs, rows, validate: judged }: Fixture): MemoryStore {
  if (!jobs) return createMemoryStore(plainRows(rows), plainMarks);
  let findings: ReadonlyMap<string, readonly Finding[]> = new Map();
  const store: MemoryStore = createMemoryStore(jobRows(rows), (row, id) =>
    marksOfJob(row, Number(id.slice(1)), findings.get(id) ?? []),
  );
  const validate = () => {
    const before = findings;
    const ids = store.rowIds();
    findings = new Map([...judge(store.rows())].map(([place, list]) => [ids[place] as string, list]));
    store.remark(new Set([...before.keys(), ...findings.keys()]));
  };
  validate();
  if (judged) store.onChange = validate;
  return store;
}

const JOB_GRID_COLUMNS = gridColumns(JOB_COLUMNS).map((column) =>
  column.id === 'enabled' ? { ...column, headerIcon: <IconCheck size={13} aria-hidden /> } : column,
);

interface PageProps extends Fixture {
  store: MemoryStore;
  edits: GridEdit[];
  selections: GridSelection[];
  messages: string[];
}

function Page({ jobs, readOnly, store, edits, selections, messages }: PageProps) {
  const [view, setView] = useState<GridView>({ ...PLAIN_VIEW, frozenThrough: jobs ? 'table_name' : null });
  const handle = useRef<GridHandle>(null);
  window.testGrid = { store, edits, selections, messages, handle, view, setView: (next) => setView(next as GridView) };
  return (
    <main
      className="page"
      onKeyDown={(event) => {
        if (!(event.ctrlKey || event.metaKey)) return;
        if (event.key.toLowerCase() === 'z') event.shiftKey ? store.redo() : store.undo();
        else if (event.key.toLowerCase() === 'y') store.redo();
        else return;
        event.preventDefault();
      }}
    >
      <h1 className="title">Jobs</h1>
      <DataGrid
        ref={handle}
        label="Jobs"
        columns={jobs ? JOB_GRID_COLUMNS : PLAIN_COLUMNS}
        store={store}
        view={view}
        onViewChange={setView}
        readOnly={readOnly}
        onEdit={(edit) => {
          edits.push(edit);
          store.apply(edit);
        }}
        onSelectionChange={(selection) => selections.push(selection)}
        onMessage={(message) => messages.push(message)}
        renderPopover={(rowId, columnId) => {
          const { message, severity } = store.cellMark(rowId, columnId);
          if (message === undefined || severity === undefined) return null;
          return (
            <div className="popover">
              <p>{message}</p>
              <div>
                <Button
                  size="xs"
                  onClick={() =>
                    store.apply({
                      label: 'Fix',
                      operations: [{ type: 'set', cells: [{ rowId, columnId, value: 'fixed' }] }],
                    })
                  }
                >
                  Fix it
                </Button>
                <Kbd>Ctrl .</Kbd>
              </div>
            </div>
          );
        }}
        empty={<p>No jobs yet.</p>}
      />
      <button type="button">After the grid</button>
    </main>
  );
}

let root: Root | null = null;

/** A grid as new, drawn when this returns: far sooner than a page of its own. */
function mount(query: string): void {
  root?.unmount();
  root = createRoot(document.getElementById('root')!);
  const fixture = fixtureOf(query);
  const store = createStore(fixture);
  const drawn = root;
  flushSync(() =>
    drawn.render(
      <StrictMode>
        <MantineProvider theme={theme} cssVariablesResolver={cssVariables} forceColorScheme={fixture.scheme}>
          <Page {...fixture} store={store} edits={[]} selections={[]} messages={[]} />
        </MantineProvider>
      </StrictMode>,
    ),
  );
}

window.mountGrid = mount;
window.measureChanges = async (rows, changes) => (await import('./measure-changes.ts')).measureChanges(rows, changes);
mount(location.search);
