import { Button, Select, Skeleton, TextInput } from '@mantine/core';
import { IconPlus, IconRefresh, IconSearch, IconTelescope, IconX } from '@tabler/icons-react';
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import type { SourceType } from '../../../engine/spec/kinds.ts';
import { useApp, useConnections, useProject, useWindow } from '../../app.ts';
import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { objectId } from '../../stores/object-id.ts';
import { newRowId } from '../../stores/sheet-model.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { Toolbar } from '../../ui/panel.tsx';
import { StatusWord } from '../../ui/status-icon.tsx';
import { whenText } from '../connections/test-words.ts';
import { useListedConnections } from '../connections/use-listed-connections.ts';
import classes from './discover-screen.module.css';
import { type Choice, type JobSubject, jobCells, jobsOf, propose, withChoice } from './job-proposal.ts';
import { ObjectDetails } from './object-details.tsx';
import { ObjectGrid } from './object-grid.tsx';
import { toggled, treeLines } from './object-tree.ts';

const NOTHING: readonly DiscoveredObject[] = [];
const NO_TICKS: ReadonlySet<string> = new Set();

/** What a connection has: tick tables or groups of files and make jobs of them. */
export function DiscoverScreen() {
  const app = useApp();
  const document = useProject((state) => state.document);
  const revision = useProject((state) => state.revision);
  const subject = useWindow((state) => state.subject);
  const listed = useListedConnections().filter(({ section, kind }) => section === 'sources' && kind !== null);
  const connection = listed.find(({ name }) => name === subject) ?? listed[0];
  const name = connection?.name ?? '';
  const discovery = useConnections((state) => state.discoveries[name]);
  const objects = useConnections((state) => state.discovered[name] ?? NOTHING);
  const ticked = useConnections((state) => state.ticked[name] ?? NO_TICKS);
  const [search, setSearch] = useState('');
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string | null>(null);
  const [choices, setChoices] = useState<Readonly<Record<string, Choice>>>({});
  const wanted = useDeferredValue(search);

  const place = document === null ? null : { directory: document.directory, env: document.env };
  const busy = discovery?.status === 'loading' || discovery?.status === 'columns';
  const lines = useMemo(() => treeLines(objects, wanted, closed), [objects, wanted, closed]);
  const found = useMemo(() => lines.flatMap((line) => (line.kind === 'group' ? line.objects : [])), [lines]);
  const byId = useMemo(() => new Map(objects.map((object) => [objectId(object), object])), [objects]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision stands for the sheets, which are read through the store
  const jobs = useMemo((): JobSubject[] => {
    const cell = (rowId: string, column: string) => app.project.cell('SourceConfig', rowId, column);
    return (connection?.jobs ?? []).map((rowId) => ({
      rowId,
      schema_name: cell(rowId, 'schema_name'),
      table_name: cell(rowId, 'table_name'),
      source_object: cell(rowId, 'source_object'),
      // Blank: what the connection says, or the built-in glob.
      file_glob: app.project.job(rowId)?.file_glob ?? cell(rowId, 'file_glob'),
    }));
  }, [app, connection, revision]);
  const known = useMemo(
    () => new Map(objects.map((object) => [objectId(object), jobsOf(object, jobs)])),
    [objects, jobs],
  );
  const chosen = useMemo(() => [...ticked].filter((id) => byId.has(id)), [ticked, byId]);

  useEffect(() => {
    const words = objects.length === 0 ? '' : `${objects.length} found · ${chosen.length} ticked`;
    app.window.setState({ place: words });
  }, [app, objects.length, chosen.length]);

  if (document === null || place === null) return null;
  if (connection === undefined) {
    return (
      <EmptyState
        icon={<IconTelescope size={28} stroke={1.4} aria-hidden="true" />}
        title="No connection to look into yet"
        actions={<Button onClick={() => app.window.go('connections', 'choose')}>New connection</Button>}
      >
        Discover lists the tables of a database, or the files of a folder, and makes jobs of those that you tick.
      </EmptyState>
    );
  }

  const keyOf = (object: DiscoveredObject) => `${name} ${objectId(object)}`;
  const proposalOf = (object: DiscoveredObject) => withChoice(propose(object), choices[keyOf(object)], object);
  const look = () => void app.connections.discover(name, place);
  const tick = (list: readonly DiscoveredObject[]) => app.connections.tick(name, toggled(list, ticked));

  function add(): void {
    if (connection === undefined) return;
    const taken = new Set(jobs.map(({ table_name }) => table_name.trim()));
    const rows = chosen.flatMap((id) => {
      const object = byId.get(id);
      if (object === undefined) return [];
      const source = { type: connection.kind?.type as SourceType, name };
      const values = jobCells(object, proposalOf(object), source, taken);
      taken.add(values.table_name ?? '');
      return [{ id: newRowId(), values }];
    });
    const label = rows.length === 1 ? 'Add 1 job' : `Add ${rows.length} jobs`;
    app.project.edit('SourceConfig', { label, operations: [{ type: 'insert', rows, before: null }] });
    const added = app.project.getState().undo.at(-1);
    const takeBack = () =>
      app.project.edit('SourceConfig', {
        label: label.replace('Add', 'Take back'),
        operations: [{ type: 'delete', rowIds: rows.map(({ id }) => id) }],
      });
    app.connections.tick(name, NO_TICKS);
    app.window.go('jobs');
    app.window.toast({
      tone: 'ok',
      title: rows.length === 1 ? '1 job added' : `${rows.length} jobs added`,
      text: 'Save the workbook to keep them.',
      action: { label: 'Undo', run: () => app.commands.history.undoStep(added, takeBack) },
    });
    selectWhenShown(rows.map(({ id }) => id));
  }

  /** The grid comes with its screen, which may have to be loaded first. */
  function selectWhenShown(rowIds: readonly string[], attempts = 60): void {
    if (app.window.getState().screen !== 'jobs' || attempts === 0) return;
    if (app.jobsView.grid()?.selectRows(rowIds) === true) app.jobsView.grid()?.focus();
    else setTimeout(() => selectWhenShown(rowIds, attempts - 1), 50);
  }

  const files = connection.kind?.type === 'filesystem';
  const already = chosen.filter((id) => (known.get(id)?.length ?? 0) > 0).length;
  const current = active === null ? null : (byId.get(active) ?? null);
  return (
    <div className={classes.screen}>
      <Toolbar label="Discover">
        <h1>Discover</h1>
        <Select
          aria-label="Connection"
          className={classes.connection ?? ''}
          data={listed.map((one) => ({ value: one.name, label: `${one.name} · ${one.kind?.label ?? ''}` }))}
          value={name}
          allowDeselect={false}
          onChange={(value) => {
            setActive(null);
            setSearch('');
            app.window.go('discover', value);
          }}
        />
        <TextInput
          aria-label="Search"
          placeholder={files ? 'Search folders and files' : 'Search schemas and tables'}
          className={classes.search ?? ''}
          leftSection={<IconSearch size={14} />}
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <span className="grow" />
        {busy ? (
          <>
            <StatusWord status="running">
              {discovery.status === 'loading' ? 'Listing …' : 'Reading columns and keys …'}
            </StatusWord>
            <Button
              variant="default"
              leftSection={<IconX size={14} />}
              onClick={() => app.connections.cancelDiscovery(name)}
            >
              Cancel
            </Button>
          </>
        ) : discovery === undefined ? null : (
          <>
            <span className="small dim" data-drop="narrow">
              {discovery.status === 'cancelled' ? 'Cancelled' : whenText(discovery.at)}
            </span>
            <Button
              variant="default"
              data-fold="narrow"
              title="Look again"
              leftSection={<IconRefresh size={14} />}
              onClick={look}
            >
              Look again
            </Button>
          </>
        )}
        {objects.length === 0 ? null : (
          <Button leftSection={<IconPlus size={14} />} disabled={chosen.length === 0} onClick={add}>
            {chosen.length === 0
              ? 'Add as jobs'
              : chosen.length === 1
                ? 'Add 1 as a job'
                : `Add ${chosen.length} as jobs`}
          </Button>
        )}
      </Toolbar>
      {discovery?.status === 'failed' && discovery.error !== null ? (
        <div className={classes.failure}>
          <ErrorCard
            title={`${name} could not be looked into`}
            error={discovery.error}
            actions={
              <Button size="xs" variant="default" onClick={() => app.window.go('connections', name)}>
                Open the connection
              </Button>
            }
          />
        </div>
      ) : null}
      {already > 0 ? (
        <p className={classes.already} role="status">
          <StatusWord status="warning">
            {already === 1 ? 'One of the ticked is a job already' : `${already} of the ticked are jobs already`}
          </StatusWord>
          <span className="small dim">Adding makes a second job of it</span>
          <Button
            size="xs"
            variant="subtle"
            onClick={() =>
              app.connections.tick(name, new Set(chosen.filter((id) => (known.get(id)?.length ?? 0) === 0)))
            }
          >
            Untick
          </Button>
        </p>
      ) : null}
      {objects.length === 0 ? (
        discovery?.status === 'loading' ? (
          <Waiting />
        ) : discovery?.status === 'failed' ? null : discovery?.status === 'done' ? (
          <EmptyState
            icon={<IconTelescope size={28} stroke={1.4} aria-hidden="true" />}
            title={files ? 'There are no files that can be read' : 'There is nothing that this user may read'}
          >
            {files
              ? 'Files are found by their endings: parquet, csv, tsv, jsonl, ndjson, also as gz and zst.'
              : 'Ask for the right to read (USAGE of the schema, SELECT of its tables), then look again.'}
          </EmptyState>
        ) : (
          <EmptyState
            icon={<IconTelescope size={28} stroke={1.4} aria-hidden="true" />}
            title={`Look into ${name}`}
            actions={
              <Button leftSection={<IconTelescope size={14} />} onClick={look}>
                {files ? 'List its files' : 'List its tables'}
              </Button>
            }
          >
            Reads names, keys and estimates only; no row is read, nothing is changed.
          </EmptyState>
        )
      ) : (
        <div className={classes.columns}>
          {found.length === 0 ? (
            <EmptyState title={`Nothing is called “${wanted}”`}>
              <Button variant="default" onClick={() => setSearch('')}>
                Show all
              </Button>
            </EmptyState>
          ) : (
            <ObjectGrid
              lines={lines}
              found={found}
              ticked={ticked}
              active={active}
              reading={discovery?.status === 'columns'}
              label={files ? 'Folders and files' : 'Schemas and tables'}
              groupName={files ? 'Files' : 'Table'}
              proposalOf={proposalOf}
              jobsOf={(object) =>
                (known.get(objectId(object)) ?? []).map((rowId) =>
                  app.project.cell('SourceConfig', rowId, 'table_name'),
                )
              }
              onActive={setActive}
              onTick={tick}
              onOpen={(group, open) => {
                const next = new Set(closed);
                if (open) next.delete(group);
                else next.add(group);
                setClosed(next);
              }}
            />
          )}
          <ObjectDetails
            object={current}
            proposal={current === null ? null : proposalOf(current)}
            reading={discovery?.status === 'columns'}
            subject={files ? 'group of files' : connection.kind?.type === 'api' ? 'resource' : 'table'}
            onChoice={(choice) => {
              if (current === null) return;
              const key = keyOf(current);
              setChoices({ ...choices, [key]: { ...choices[key], ...choice } });
            }}
          />
        </div>
      )}
    </div>
  );
}

function Waiting() {
  return (
    <div className={classes.waiting} aria-busy="true" role="status" aria-label="Listing">
      {Array.from({ length: 14 }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines that stand for nothing
        <div key={row} className={classes.waitingRow}>
          <Skeleton height={14} width={14} />
          <Skeleton height={12} width={`${18 + ((row * 37) % 26)}%`} />
          <span className="grow" />
          <Skeleton height={12} width={64} />
          <Skeleton height={12} width={120} />
        </div>
      ))}
    </div>
  );
}
