import { Button, TextInput, UnstyledButton } from '@mantine/core';
import { IconPlus, IconSearch } from '@tabler/icons-react';
import { type KeyboardEvent, useRef, useState } from 'react';
import { type ConnectionState, connectionKey, NEW_DRAFT } from '../../stores/connection-store.ts';
import { type Status, StatusIcon } from '../../ui/status-icon.tsx';
import type { ListedConnection } from './connection-list.ts';
import classes from './connections-screen.module.css';
import { KindIcon } from './kind-icon.tsx';
import { failedStage, stageName, whenText } from './test-words.ts';

export interface ConnectionListProps {
  listed: readonly ListedConnection[];
  state: Pick<ConnectionState, 'tests' | 'history' | 'drafts'>;
  /** Key of the one that is shown. */
  active: string | null;
  changed(connection: ListedConnection): boolean;
  onPick(key: string): void;
  onNew(): void;
  onTestAll(): void;
}

/** All sources and destinations, each with its last test. */
export function ConnectionList(props: ConnectionListProps) {
  const { listed, state, active, onPick, onNew, onTestAll } = props;
  const [search, setSearch] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const wanted = search.trim().toLowerCase();
  const found = listed.filter(({ name, kind, place }) =>
    `${name} ${kind?.label ?? ''} ${place}`.toLowerCase().includes(wanted),
  );
  const testable = listed.filter(({ kind }) => kind !== null);
  const busy = Object.values(state.tests).some(({ status }) => status === 'running');

  function move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>('button[data-key]') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
    event.preventDefault();
  }

  const draft = state.drafts[NEW_DRAFT];
  return (
    <section className={classes.list} aria-label="Connections">
      <div className={classes.listBar}>
        <TextInput
          placeholder="Search"
          aria-label="Search connections"
          leftSection={<IconSearch size={14} />}
          className="grow"
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <Button variant="default" leftSection={<IconPlus size={14} />} onClick={onNew}>
          New
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys only move between its buttons */}
      <div className={`${classes.items} scroll`} ref={list} onKeyDown={move}>
        {draft === undefined ? null : (
          <ul className={classes.newItem}>
            <li>
              <UnstyledButton
                className={classes.item}
                data-key={NEW_DRAFT}
                data-active={active === NEW_DRAFT || undefined}
                aria-current={active === NEW_DRAFT || undefined}
                onClick={() => onPick(NEW_DRAFT)}
              >
                <KindIcon type={draft.type} />
                <span className={classes.itemText}>
                  <span className="medium truncate">{draft.name || 'New connection'}</span>
                  <span className="small dim truncate">Not saved yet</span>
                </span>
              </UnstyledButton>
            </li>
          </ul>
        )}
        {(['sources', 'destinations'] as const).map((section) => {
          const items = found.filter((connection) => connection.section === section);
          return (
            <div key={section}>
              <h2 className={classes.listHeading}>{section === 'sources' ? 'Sources' : 'Destinations'}</h2>
              {items.length === 0 ? (
                <p className={classes.listNone}>{wanted === '' ? 'None yet' : 'None found'}</p>
              ) : (
                <ul>
                  {items.map((connection) => (
                    <Item key={connection.name} {...props} connection={connection} />
                  ))}
                </ul>
              )}
            </div>
          );
        })}
      </div>
      {testable.length > 1 ? (
        <UnstyledButton className={classes.testAll} onClick={onTestAll} disabled={busy}>
          {busy ? 'Testing …' : `Test all ${testable.length} connections`}
        </UnstyledButton>
      ) : null}
    </section>
  );
}

function Item({ connection, state, active, changed, onPick }: ConnectionListProps & { connection: ListedConnection }) {
  const { section, name, kind, place, jobs } = connection;
  const key = connectionKey(section, name);
  const last = lastTest(state, key);
  const used = section === 'destinations' ? '' : jobs.length === 1 ? '1 job' : `${jobs.length} jobs`;
  return (
    <li>
      <UnstyledButton
        className={classes.item}
        data-key={key}
        data-active={active === key || undefined}
        aria-current={active === key || undefined}
        onClick={() => onPick(key)}
      >
        <KindIcon type={kind?.type ?? ''} />
        <span className={classes.itemText}>
          <span className="row">
            <span className="medium truncate grow">
              {name}
              {changed(connection) ? <span className={classes.dot} role="img" aria-label=", not saved" /> : null}
            </span>
            <span className={classes.last} data-tone={last.mark === 'error' ? 'error' : undefined}>
              {last.words}
              <StatusIcon status={last.mark} size={13} label={last.label} />
            </span>
          </span>
          <span className="row small dim">
            <span className="truncate grow">
              {kind?.label ?? 'Unknown kind'}
              {place === '' ? '' : ` · ${place}`}
            </span>
            <span className="nowrap num">{used}</span>
          </span>
        </span>
      </UnstyledButton>
    </li>
  );
}

/** The last test in a word: when it passed, or where it failed. */
function lastTest(
  state: Pick<ConnectionState, 'tests' | 'history'>,
  key: string,
): { words: string; mark: Status; label: string } {
  const now = state.tests[key];
  if (now?.status === 'running') return { words: 'Testing', mark: 'running', label: 'test is running' };
  const last = state.history[key]?.[0];
  if (last === undefined) return { words: 'Not tested', mark: 'never', label: 'not tested' };
  const when = whenText(last.at);
  if (last.status === 'passed') return { words: when, mark: 'ok', label: 'last test passed' };
  const stage = now?.status === 'failed' ? failedStage(now)?.stage : last.stage;
  return { words: stage == null ? 'Failed' : stageName(stage), mark: 'error', label: `last test failed, ${when}` };
}
