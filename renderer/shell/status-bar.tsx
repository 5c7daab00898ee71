import { UnstyledButton } from '@mantine/core';
import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleXFilled,
  IconLoader2,
  IconLock,
  IconLockOff,
} from '@tabler/icons-react';
import { useMemo } from 'react';
import { runAction } from '../actions/actions.ts';
import { useApp, useProject, useRuns, useSettings, useWindow } from '../app.ts';
import classes from './status-bar.module.css';

const plural = (count: number, word: string) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

/** Where one is, what is wrong, how the engine and the keychain are. Each part follows what it shows: the place is another one with every key. */
export function StatusBar() {
  const open = useProject((state) => state.document !== null);
  const keychain = useSettings((state) => state.keychain);
  const version = useSettings((state) => state.about?.version);
  return (
    <footer className={classes['bar']}>
      <div className={classes['group']}>
        {open ? (
          <>
            <JobCount />
            <Place />
            <IssueCounts />
          </>
        ) : (
          <span>No project open</span>
        )}
      </div>
      <div className={classes['group']}>
        <EngineState />
        {keychain === null ? null : (
          <span className={classes['item']} data-tone={keychain.available ? undefined : 'warn'} title={keychain.detail}>
            {keychain.available ? <IconLock size={13} aria-hidden /> : <IconLockOff size={13} aria-hidden />}
            <span className={classes['wide']}>{keychain.available ? 'Keychain unlocked' : 'No keychain'}</span>
          </span>
        )}
        {version === undefined ? null : <span className={classes['item']}>v{version}</span>}
      </div>
    </footer>
  );
}

function Place() {
  const place = useWindow((state) => state.place);
  return place === '' ? null : <span className="truncate">{place}</span>;
}

function IssueCounts() {
  const app = useApp();
  const errors = useProject((state) => state.errors);
  const warnings = useProject((state) => state.warnings);
  const showIssues = () => runAction(app.actions, 'view.issues');
  return (
    <>
      <UnstyledButton className={classes['item']} data-tone={errors > 0 ? 'err' : undefined} onClick={showIssues}>
        <IconCircleXFilled size={13} aria-hidden />
        {plural(errors, 'error')}
      </UnstyledButton>
      <UnstyledButton className={classes['item']} data-tone={warnings > 0 ? 'warn' : undefined} onClick={showIssues}>
        <IconAlertTriangleFilled size={13} aria-hidden />
        {plural(warnings, 'warning')}
      </UnstyledButton>
    </>
  );
}

function JobCount() {
  const { project } = useApp();
  useProject((state) => state.revision);
  const count = project.rowIds('SourceConfig').length;
  const jobs = useProject((state) => state.validation?.project.jobs ?? null);
  const on = useMemo(() => (jobs === null ? null : jobs.filter(({ enabled }) => enabled).length), [jobs]);
  return (
    <span className={classes['item']}>
      {plural(count, 'job')}
      {on === null ? '' : `, ${on.toLocaleString('en')} on`}
    </span>
  );
}

function EngineState() {
  const engine = useWindow((state) => state.engine);
  const live = useRuns((state) => state.live);
  const most = useSettings((state) => state.settings?.max_workers);
  const settings = useProject((state) => state.validation?.project.settings ?? null);
  // What a run takes: the project's number, at most this computer's.
  const workers = settings === null ? undefined : settings.parallel ? Math.min(settings.max_workers, most ?? 20) : 1;
  if (engine === 'lost') {
    return (
      <span className={classes['item']} data-tone="err">
        <IconCircleXFilled size={13} aria-hidden />
        Engine lost
      </span>
    );
  }
  if (live?.status === 'RUNNING') {
    const done = [...live.jobs.values()].filter(({ endedAt }) => endedAt !== null).length;
    return (
      <span className={classes['item']} data-tone="info">
        <IconLoader2 size={13} className={classes['spin']} aria-hidden />
        Engine running · {done} of {live.total || live.jobs.size} jobs
        {live.workers > 0 ? <span className={classes['wide']}> · {plural(live.workers, 'worker')}</span> : null}
      </span>
    );
  }
  return (
    <span className={classes['item']}>
      {engine === 'ready' ? <IconCircleCheckFilled size={13} className={classes['ok']} aria-hidden /> : null}
      {engine === 'ready' ? 'Engine ready' : 'Engine starts'}
      {workers === undefined ? null : <span className={classes['wide']}> · {plural(workers, 'worker')}</span>}
    </span>
  );
}
