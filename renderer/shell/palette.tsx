import { Modal } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { type KeyboardEvent, useMemo, useState } from 'react';
import { type Action, matchScore, shortcutText } from '../actions/action.ts';
import { useApp, useProject, useSettings, useWindow } from '../app.ts';
import classes from './palette.module.css';

/** A thing that can be chosen: a command or a job. */
interface Entry {
  id: string;
  label: string;
  group: string;
  note: string;
  run(): void;
}

const SHOWN = 60;
const JOBS_SHOWN = 20;

/** Ctrl/Cmd+K: every command and every job by name. */
export function Palette() {
  const { window } = useApp();
  const open = useWindow((state) => state.paletteOpen);
  return (
    <Modal.Root
      opened={open}
      onClose={() => window.setState({ paletteOpen: false })}
      padding={0}
      size={560}
      yOffset={64}
      centered={false}
    >
      <Modal.Overlay />
      <Modal.Content aria-label="All commands">
        <Modal.Body>{open ? <List close={() => window.setState({ paletteOpen: false })} /> : null}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

function List({ close }: { close(): void }) {
  const app = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const revision = useProject((state) => state.revision);
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the jobs are read from the store, the revision says when they are others
  const entries = useMemo(() => {
    const found = app.actions
      .filter((item) => item.enabled() && item.id !== 'app.palette')
      .map((item) => ({ item, score: matchScore(typed, item.label, item.keywords) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .map(({ item }): Entry => commandEntry(item, mac));
    return [...found, ...jobEntries(typed), ...placeEntries(typed)].slice(0, SHOWN);
  }, [app, typed, mac, revision]);
  const active = Math.min(at, entries.length - 1);

  function jobEntries(text: string): Entry[] {
    const wanted = text.trim().toLowerCase();
    if (wanted === '') return [];
    const list: Entry[] = [];
    for (const id of app.project.rowIds('SourceConfig')) {
      const table = app.project.cell('SourceConfig', id, 'table_name');
      const source = app.project.cell('SourceConfig', id, 'source_name');
      if (!`${source}.${table}`.toLowerCase().includes(wanted)) continue;
      list.push({
        id: `job:${id}`,
        label: table,
        group: 'Jobs',
        note: `${source} · row ${app.project.rowNumber('SourceConfig', id) ?? 'new'}`,
        run: () => {
          app.window.go('jobs');
          setTimeout(() => {
            app.jobsView.grid()?.select(id, 'table_name');
            app.jobsView.grid()?.focus();
          }, 50);
        },
      });
      if (list.length === JOBS_SHOWN) break;
    }
    return list;
  }

  /** Connections and environments, by what the files call them. */
  function placeEntries(text: string): Entry[] {
    const wanted = text.trim().toLowerCase();
    const { document } = app.project.getState();
    if (wanted === '' || document === null) return [];
    const names = (section: string) => Object.keys(document.config[section] ?? {});
    const connection = (name: string, subject: string, note: string): Entry => ({
      id: `connection:${subject}`,
      label: name,
      group: 'Place',
      note,
      run: () => app.window.go('connections', subject),
    });
    const list = [
      ...names('sources').map((name) => connection(name, name, 'connection')),
      ...[...names('destinations'), ...names('destination')].map((name) =>
        connection(name, `destinations.${name}`, 'destination'),
      ),
      ...[null, ...document.environments].map(
        (name): Entry => ({
          id: `environment:${name ?? ''}`,
          label: `Environment: ${name ?? 'none'}`,
          group: 'Place',
          note: name === document.env ? 'in use' : '',
          run: () => void app.commands.switchEnvironment(name),
        }),
      ),
    ];
    return list.filter(({ label }) => label.toLowerCase().includes(wanted)).slice(0, JOBS_SHOWN);
  }

  function choose(entry: Entry | undefined): void {
    if (entry === undefined) return;
    close();
    // The dialog gives the focus back when it closes; what the command focuses comes after that.
    setTimeout(entry.run);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(entries.length - 1, active + step));
      setAt(next);
      globalThis.document.getElementById(`palette-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      choose(entries[active]);
    }
  }

  return (
    <div>
      <div className={classes['field']}>
        <IconSearch size={16} aria-hidden />
        <input
          className={classes['input']}
          data-autofocus
          placeholder="Search a command or a job"
          aria-label="Search a command or a job"
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={entries.length === 0 ? undefined : `palette-${active}`}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div id="palette-list" role="listbox" aria-label="Commands and jobs" className={`${classes['list']} scroll`}>
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the field, which keeps the focus
          <div
            key={entry.id}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            className={classes['entry']}
            data-active={index === active || undefined}
            onPointerMove={() => setAt(index)}
            onClick={() => choose(entry)}
          >
            <span className={classes['group']}>{entry.group}</span>
            <span className="grow truncate">{entry.label}</span>
            <span className={classes['note']}>{entry.note}</span>
          </div>
        ))}
      </div>
      {entries.length === 0 ? <p className={classes['none']}>Nothing is called “{typed}”.</p> : null}
    </div>
  );
}

function commandEntry(item: Action, mac: boolean): Entry {
  const shortcut = item.shortcuts[0];
  return {
    id: item.id,
    label: item.label,
    group: item.menu ?? 'App',
    note: shortcut === undefined ? '' : shortcutText(shortcut, mac),
    run: () => void item.run(),
  };
}
