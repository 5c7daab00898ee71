import { ActionIcon, Button, Kbd, UnstyledButton } from '@mantine/core';
import { IconArrowRight, IconFilePlus, IconFolderOpen, IconPlayerPlayFilled, IconX } from '@tabler/icons-react';
import { Fragment, useEffect, useState } from 'react';
import type { Output } from '../../../engine/contract.ts';
import { shortcutText } from '../../actions/action.ts';
import { runAction } from '../../actions/actions.ts';
import { shownError } from '../../actions/project-commands.ts';
import { useApp, useSettings, useWindow } from '../../app.ts';
import { call } from '../../client.ts';
import { Glyph } from '../../shell/glyph.tsx';
import type { ShownError } from '../../stores/window-store.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { StatusIcon } from '../../ui/status-icon.tsx';
import classes from './welcome-screen.module.css';

type Recent = Output<'project.recent'>[number];

/** Some of the jobs of the sample project (resources/sample/make-sample.ts). */
const SAMPLE = [
  ['orders', 'shop API, link headers', 'incremental'],
  ['customers', 'shop API, page numbers', 'incremental'],
  ['events', 'shop API, cursor', 'incremental'],
  ['sales', 'CSV, a folder a day', 'new files'],
  ['sensor_readings', 'Parquet files', 'new files'],
  ['tickets', 'JSON Lines, nested', 'full'],
] as const;

const STEPS = [
  ['Write jobs', 'One row a table, as in Excel'],
  ['Test', 'Connections and rows, before anything runs'],
  ['Dry-run', 'Into DuckDB on this computer'],
  ['Export', 'The same files run headless, every night'],
] as const;

/** How to begin: the sample, a folder, a new project, or one of the last. */
export function WelcomeScreen() {
  const app = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const busy = useWindow((state) => state.busy);
  const begin = [
    {
      id: 'project.open',
      icon: IconFolderOpen,
      label: 'Open a folder or workbook',
      note: 'A folder, or an ingestion_config.xlsx by itself',
    },
    { id: 'project.new', icon: IconFilePlus, label: 'New project', note: 'An empty workbook with its three sheets' },
  ];
  return (
    <div className={`${classes['page']} scroll`}>
      <div className={classes['column']}>
        <header className={classes['head']}>
          <Glyph size={40} />
          <div>
            <h1 className={classes['title']}>Ingest Studio</h1>
            <p className="dim">Describe what to load, try it here, and hand the same files to the nightly run.</p>
          </div>
        </header>
        <div className={classes['panels']}>
          <section className={classes['panel']} aria-label="Begin">
            <ul className={classes['begin']}>
              {begin.map(({ id, icon: Icon, label, note }) => {
                const shortcut = app.actions.find((item) => item.id === id)?.shortcuts[0];
                return (
                  <li key={id}>
                    <UnstyledButton className={classes['choice']} onClick={() => runAction(app.actions, id)}>
                      <Icon size={20} stroke={1.6} aria-hidden />
                      <span className="grow">
                        <span className={classes['label']}>{label}</span>
                        <span className="small dim">{note}</span>
                      </span>
                      {shortcut === undefined ? null : <Kbd>{shortcutText(shortcut, mac)}</Kbd>}
                    </UnstyledButton>
                  </li>
                );
              })}
            </ul>
            <RecentProjects />
            <p className={classes['hint']}>
              <Kbd>{shortcutText('Mod+K', mac)}</Kbd> finds every command
            </p>
          </section>
          <section className={classes['panel']} aria-labelledby="sample">
            <div className={classes['sampleHead']}>
              <div className="grow">
                <h2 id="sample" className={classes['sampleTitle']}>
                  Sample project
                </h2>
                <p className="small dim">Twelve jobs, no network, no password. A run takes about 3 seconds.</p>
              </div>
              <Button
                size="md"
                leftSection={<IconPlayerPlayFilled size={12} />}
                loading={busy !== null}
                onClick={() => runAction(app.actions, 'project.open_sample')}
              >
                Open sample
              </Button>
            </div>
            <table className={classes['table']}>
              <thead>
                <tr>
                  <th scope="col">Table</th>
                  <th scope="col">Source</th>
                  <th scope="col">Load</th>
                </tr>
              </thead>
              <tbody>
                {SAMPLE.map(([table, source, load]) => (
                  <tr key={table}>
                    <td>
                      <span className="row">
                        <StatusIcon status="never" size={13} />
                        <span className="medium">{table}</span>
                      </span>
                    </td>
                    <td className="dim">{source}</td>
                    <td className="dim">{load}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <ol className={classes['steps']}>
              {STEPS.map(([name, note], index) => (
                <Fragment key={name}>
                  {index === 0 ? null : (
                    <li aria-hidden className={classes['arrow']}>
                      <IconArrowRight size={14} />
                    </li>
                  )}
                  <li className={classes['step']}>
                    <span className="medium">{name}</span>
                    <span className="small dim">{note}</span>
                  </li>
                </Fragment>
              ))}
            </ol>
          </section>
        </div>
      </div>
    </div>
  );
}

function RecentProjects() {
  const { commands, window } = useApp();
  const [recent, setRecent] = useState<readonly Recent[] | null>(null);
  const [error, setError] = useState<ShownError | null>(null);
  useEffect(() => {
    call('project.recent').then(setRecent, (thrown: unknown) => setError(shownError(thrown)));
  }, []);
  async function forget(directory: string): Promise<void> {
    try {
      await call('project.forget', { directory });
      setRecent((known) => known?.filter((project) => project.directory !== directory) ?? null);
    } catch (thrown) {
      commands.fail('The project could not be forgotten', thrown);
    }
  }
  return (
    <div className={classes['recent']}>
      <h2>Recent</h2>
      {error === null ? null : <ErrorCard title="Recent projects cannot be read" error={error} />}
      {recent?.length === 0 ? <p className="dim">Nothing yet. Projects that you open are listed here.</p> : null}
      <ul>
        {recent?.slice(0, 6).map(({ directory, name, jobs, exists, opened_at }) => (
          <li key={directory} className={classes['recentItem']}>
            <UnstyledButton
              className={classes['project']}
              data-missing={!exists || undefined}
              title={directory}
              onClick={() =>
                exists
                  ? void commands.open(directory)
                  : window.toast({ tone: 'warn', title: `${name} is not there any more`, text: directory })
              }
            >
              <span className="row">
                <span className={`${classes['projectName']} truncate`}>{name}</span>
                <span className="small faint num">{exists ? ago(opened_at) : 'not found'}</span>
              </span>
              <span className={`${classes['path']} truncate`}>
                {exists ? `${jobs} ${jobs === 1 ? 'job' : 'jobs'} · ` : ''}
                {directory}
              </span>
            </UnstyledButton>
            <ActionIcon
              size="xs"
              className={classes['forget']}
              aria-label={`Forget ${name}`}
              onClick={() => void forget(directory)}
            >
              <IconX size={12} />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </div>
  );
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** `2 hours ago` */
function ago(at: string): string {
  const seconds = (Date.parse(at) - Date.now()) / 1000;
  if (!Number.isFinite(seconds)) return '';
  const minutes = Math.round(seconds / 60);
  if (Math.abs(minutes) < 60) return minutes === 0 ? 'just now' : relative.format(minutes, 'minute');
  const hours = Math.round(minutes / 60);
  return Math.abs(hours) < 24 ? relative.format(hours, 'hour') : relative.format(Math.round(hours / 24), 'day');
}
