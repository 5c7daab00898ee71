import { Skeleton } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import type { ConnectionKind } from '../../../engine/spec/connection-fields.ts';
import type { ParsedConnection } from '../../../engine/spec/parse-connection.ts';
import { useApp, useConnections, useProject, useSettings, useWindow } from '../../app.ts';
import { call } from '../../client.ts';
import { connectionKey, NEW_DRAFT } from '../../stores/connection-store.ts';
import { testDraft } from './connection-commands.ts';
import { ConnectionDetail } from './connection-detail.tsx';
import { draftOf, isChanged } from './connection-form.ts';
import { freeName, type ListedConnection } from './connection-list.ts';
import { ConnectionList } from './connection-list-panel.tsx';
import classes from './connections-screen.module.css';
import { NewConnection } from './new-connection.tsx';
import { emptyDraft, withParsed } from './parsed-draft.ts';
import { useListedConnections } from './use-listed-connections.ts';

/** Subject of the window while a kind is being chosen. */
const CHOOSING = 'choose';
/** Tests of "test all" that run at the same time. */
const AT_ONCE = 3;

/** Sources and destinations of the project. */
export function ConnectionsScreen() {
  const app = useApp();
  const document = useProject((state) => state.document);
  const drafts = useConnections((state) => state.drafts);
  const tests = useConnections((state) => state.tests);
  const history = useConnections((state) => state.history);
  const subject = useWindow((state) => state.subject);
  const keychain = useSettings((state) => state.keychain);
  const listed = useListedConnections();
  const [renders, setRenders] = useState(0);

  useEffect(() => {
    app.connections.open(document?.directory ?? null);
  }, [app, document]);
  useEffect(() => {
    void call('keychain.state').then(
      (state) => app.settings.setState({ keychain: state }),
      () => undefined,
    );
  }, [app]);
  const sources = listed.filter(({ section }) => section === 'sources').length;
  const place = useWindow((state) => state.place);
  useEffect(() => {
    const others = listed.length - sources;
    const words = `${sources} ${sources === 1 ? 'source' : 'sources'}, ${others} ${others === 1 ? 'destination' : 'destinations'}`;
    // Going to another subject clears it.
    if (place !== words) app.window.setState({ place: words });
  }, [app, place, sources, listed.length]);
  const byKey = useMemo(
    () => new Map(listed.map((connection) => [connectionKey(connection.section, connection.name), connection])),
    [listed],
  );
  if (document === null) return <Loading />;

  const first = listed[0];
  const fallback = first === undefined ? CHOOSING : connectionKey(first.section, first.name);
  const isThere = subject === CHOOSING || (subject === NEW_DRAFT && drafts[NEW_DRAFT] !== undefined);
  const active = subject !== null && (isThere || byKey.has(subject)) ? subject : fallback;
  const shown = byKey.get(active) ?? null;
  const stored = drafts[active];
  const draft = stored ?? (shown === null ? undefined : draftOf(shown));
  const namesOf = (section: string) => listed.filter((one) => one.section === section).map(({ name }) => name);

  function go(key: string): void {
    app.window.go('connections', key);
  }
  function create(kind: ConnectionKind): void {
    const name = kind.section === 'sources' ? '' : freeName(kind.type, namesOf(kind.section));
    app.connections.forget(NEW_DRAFT);
    app.connections.setDraft(NEW_DRAFT, emptyDraft(kind.section, kind.type, name));
    go(NEW_DRAFT);
    setRenders(renders + 1);
  }
  function createFrom(parsed: ParsedConnection): void {
    app.connections.forget(NEW_DRAFT);
    const name = freeName(parsed.name, namesOf(parsed.section));
    app.connections.setDraft(NEW_DRAFT, withParsed(emptyDraft(parsed.section, parsed.type, name), parsed));
    go(NEW_DRAFT);
    const masked = Object.keys(parsed.secrets).length;
    const text = [masked > 0 ? 'Its secrets were found and masked' : null, ...parsed.notes].filter(
      (note) => note !== null,
    );
    app.window.toast({ tone: 'info', title: `Filled in from the ${parsed.form}`, text: text.join('. ') });
    setRenders(renders + 1);
  }
  function duplicate(connection: ListedConnection): void {
    app.connections.forget(NEW_DRAFT);
    const copy = draftOf(connection);
    const name = freeName(`${connection.name}_copy`, namesOf(connection.section));
    app.connections.setDraft(NEW_DRAFT, {
      ...copy,
      name,
      previousName: null,
      base: {},
      table: withoutSecrets(connection.table),
    });
    app.window.toast({
      tone: 'info',
      title: `Copy of ${connection.name}`,
      text: 'Secrets are not copied: enter them again.',
    });
    go(NEW_DRAFT);
    setRenders(renders + 1);
  }
  async function testAll(): Promise<void> {
    const waiting = listed.filter(({ kind }) => kind !== null);
    const next = async (): Promise<void> => {
      const connection = waiting.shift();
      if (connection === undefined) return;
      const key = connectionKey(connection.section, connection.name);
      await testDraft(app, app.connections.getState().drafts[key] ?? draftOf(connection));
      await next();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    const failed = listed.filter(
      ({ section, name }) => app.connections.getState().tests[connectionKey(section, name)]?.status === 'failed',
    );
    app.window.announce(
      failed.length === 0 ? 'All connections passed' : `Failed: ${failed.map(({ name }) => name).join(', ')}`,
    );
  }
  function showJobs(rowIds: readonly string[]): void {
    app.window.go('jobs');
    const [rowId] = rowIds;
    if (rowId !== undefined) setTimeout(() => app.jobsView.grid()?.select(rowId, 'source_name'));
  }
  const jobNames = (rowIds: readonly string[]) =>
    rowIds.map((rowId) => {
      const row = app.project.rowNumber('SourceConfig', rowId);
      return `row ${row ?? 'new'}  ${app.project.cell('SourceConfig', rowId, 'table_name')}`;
    });

  return (
    <div className={classes.layout}>
      <ConnectionList
        listed={listed}
        state={{ tests, history, drafts }}
        active={active}
        changed={(connection) => {
          const own = drafts[connectionKey(connection.section, connection.name)];
          return own !== undefined && isChanged(own, connection);
        }}
        onPick={go}
        onNew={() => go(CHOOSING)}
        onTestAll={() => void testAll()}
      />
      {draft === undefined ? (
        <NewConnection
          onKind={create}
          onParsed={createFrom}
          onCancel={first === undefined ? undefined : () => go(fallback)}
        />
      ) : (
        <ConnectionDetail
          key={`${active} ${renders}`}
          draft={draft}
          listed={shown}
          document={document}
          keychain={keychain}
          taken={namesOf(draft.section)}
          jobNames={jobNames}
          onDuplicate={duplicate}
          onShowJobs={showJobs}
          onNewFrom={createFrom}
        />
      )}
    </div>
  );
}

/** A copy without anything that stands for a secret. */
function withoutSecrets(table: ListedConnection['table']): ListedConnection['table'] {
  return JSON.parse(
    JSON.stringify(table, (_key, value) => (typeof value === 'string' && value.includes('••••') ? undefined : value)),
  );
}

function Loading() {
  return (
    <div className={classes.layout} aria-busy="true">
      <section className={classes.list} aria-label="Connections">
        <div className={classes.listBar}>
          <Skeleton height={28} />
        </div>
        <div className={classes.items}>
          {[1, 2, 3, 4].map((row) => (
            <div key={row} className={classes.item}>
              <Skeleton height={28} width={28} />
              <span className={classes.itemText}>
                <Skeleton height={12} width="60%" mb={8} />
                <Skeleton height={10} width="80%" />
              </span>
            </div>
          ))}
        </div>
      </section>
      <div className={classes.empty}>
        <IconPlugConnected size={28} stroke={1.4} aria-hidden="true" />
        <p className="dim">Connections are read from a project. Open one first.</p>
      </div>
    </div>
  );
}
