import { Badge, Button, Skeleton } from '@mantine/core';
import { IconHistory, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import type { ProjectDocument } from '../../../engine/contract.ts';
import { shortcutText } from '../../actions/action.ts';
import { runAction } from '../../actions/actions.ts';
import { useApp, useRuns, useSettings } from '../../app.ts';
import { call, isCancelled } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { Bars, type BarsProps } from '../../ui/charts.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { countText, durationText, momentText, plural } from '../../ui/number-text.ts';
import { Toolbar } from '../../ui/panel.tsx';
import { StatusWord } from '../../ui/status-icon.tsx';
import { UndrawnRows } from '../../ui/undrawn-rows.tsx';
import { useLongTable } from '../../ui/use-long-table.ts';
import classes from './run-history.module.css';
import { RUN_STATUS, type RunSummary, shortRunId } from './run-model.ts';
import { shownError, useNow } from './use-run.ts';

/** Runs in the charts. */
const CHARTED = 50;
/** A run of another program is looked for so often, in milliseconds. */
const LOOK_MS = 5000;
/** Of a run's row, in pixels. */
const ROW_PX = 32;

/** All runs of the project, newest first, with their rows and durations over time. */
export function RunHistory({ document }: { document: ProjectDocument }) {
  const app = useApp();
  const history = useRuns((state) => state.history);
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const [error, setError] = useState<ShownError | null>(null);
  const [round, setRound] = useState(0);
  const { directory } = document;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round asks again
  useEffect(() => {
    const controller = new AbortController();
    const look = async () => {
      try {
        app.runs.setHistory(await call('run.list', { directory }, { signal: controller.signal }));
        setError(null);
      } catch (failure) {
        if (!isCancelled(failure)) setError(shownError(failure));
      }
    };
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [app, directory, round]);
  useEffect(() => {
    app.window.setState({ place: history === null ? '' : plural(history.length, 'run') });
  }, [app, history]);

  return (
    <div className={classes['screen']}>
      <Toolbar label="Runs">
        <h1>Runs</h1>
        {history === null ? null : <span className="faint small num">{plural(history.length, 'run')}</span>}
        <span className="grow" />
        <Button
          variant="default"
          data-fold="narrow"
          title="Refresh"
          leftSection={<IconRefresh size={14} />}
          onClick={() => setRound(round + 1)}
        >
          Refresh
        </Button>
        <Button leftSection={<IconPlayerPlay size={14} />} onClick={() => runAction(app.actions, 'run.all')}>
          Run all enabled jobs
        </Button>
      </Toolbar>
      {error !== null ? (
        <div className={classes['error']}>
          <ErrorCard title="The runs could not be read" error={error} />
        </div>
      ) : null}
      {history === null && error === null ? <Loading /> : null}
      {history?.length === 0 ? (
        <EmptyState
          icon={<IconHistory size={24} />}
          title="Nothing was run yet"
          actions={
            <Button variant="default" onClick={() => app.window.go('jobs')}>
              Go to Jobs
            </Button>
          }
        >
          Select jobs and press {shortcutText('Mod+Enter', mac)}. Runs of the command line show up here, too.
        </EmptyState>
      ) : null}
      {history !== null && history.length > 0 ? <Filled runs={history} /> : null}
    </div>
  );
}

function Filled({ runs }: { runs: readonly RunSummary[] }) {
  const app = useApp();
  const open = (runId: string) => app.window.go('runs', runId);
  const charted = runs.slice(0, CHARTED).toReversed();
  const bars = (value: (run: RunSummary) => number, text: (value: number) => string): BarsProps['bars'] =>
    charted.map((run) => ({
      key: run.run_id,
      value: value(run),
      label: `${momentText(run.started_at)}, ${RUN_STATUS[run.status].word.toLowerCase()}: ${text(value(run))}`,
      tone:
        run.status === 'RUNNING' ? 'info' : run.status === 'FAILED' ? 'err' : run.status === 'SUCCESS' ? 'ok' : 'idle',
    }));
  const rows = (value: number) => `${countText(value)} rows`;
  const scroller = useRef<HTMLDivElement>(null);
  const drawn = useLongTable(scroller, runs.length, ROW_PX);
  return (
    <div ref={scroller} className={`${classes['body']} scroll`}>
      <div className={classes['charts']}>
        <Bars title="Rows" bars={bars((run) => run.total_rows, rows)} text={rows} onPick={open} />
        <Bars
          title="Duration"
          bars={bars((run) => run.duration_seconds ?? 0, durationText)}
          text={durationText}
          onPick={open}
        />
      </div>
      <table className={classes['table']} aria-label="Runs, newest first" aria-rowcount={runs.length + 1}>
        <thead>
          <tr>
            <th>Status</th>
            <th>Started</th>
            <th className={classes['number']}>Duration</th>
            <th className={classes['number']}>Rows</th>
            <th>Jobs</th>
            <th className={classes['number']}>Health</th>
            <th>Into</th>
            <th className={classes['wide']}>Started from</th>
            <th>Run</th>
          </tr>
        </thead>
        <tbody>
          <UndrawnRows height={drawn.above} columns={9} />
          {runs.slice(drawn.from, drawn.to).map((run, index) => (
            <RunRow key={run.run_id} run={run} index={drawn.from + index} onOpen={() => open(run.run_id)} />
          ))}
          <UndrawnRows height={drawn.below} columns={9} />
        </tbody>
      </table>
    </div>
  );
}

function RunRow({ run, index, onOpen }: { run: RunSummary; index: number; onOpen(): void }) {
  const { status, word } = RUN_STATUS[run.status];
  const running = run.status === 'RUNNING';
  const now = useNow(running);
  const seconds = run.duration_seconds ?? (now - Date.parse(run.started_at)) / 1000;
  const { total, succeeded, failed } = run.jobs;
  return (
    <tr aria-rowindex={index + 2} onClick={onOpen}>
      <td>
        <StatusWord status={status}>{word}</StatusWord>
      </td>
      <td className="num">{momentText(run.started_at)}</td>
      <td className={classes['number']}>{durationText(Math.max(0, seconds))}</td>
      <td className={classes['number']}>{countText(run.total_rows)}</td>
      <td>
        <JobsBar total={total} succeeded={succeeded} failed={failed} />
        <span className="num">
          {succeeded} of {total}
        </span>
        {failed > 0 ? <span className={classes['failed']}>{failed} failed</span> : null}
      </td>
      <td className={classes['number']}>
        {run.health_score === null ? <span className="faint">–</span> : <Health score={run.health_score} />}
      </td>
      <td>
        <span className="row">
          {run.destination || <span className="faint">unknown</span>}
          {run.sample_rows === null ? null : <Badge>dry run, {countText(run.sample_rows)} rows a job</Badge>}
        </span>
      </td>
      <td className={`dim ${classes['wide']}`}>{run.trigger === 'window' ? 'This application' : 'Command line'}</td>
      <td>
        <button
          type="button"
          className={classes['open']}
          onClick={onOpen}
          aria-label={`Open run ${shortRunId(run.run_id)}`}
        >
          {shortRunId(run.run_id)}
        </button>
      </td>
    </tr>
  );
}

function JobsBar({ total, succeeded, failed }: RunSummary['jobs']) {
  const part = (count: number) => `${(count / Math.max(total, 1)) * 100}%`;
  return (
    <span className={classes['jobs']} aria-hidden>
      <i data-status="ok" style={{ width: part(succeeded) }} />
      <i data-status="err" style={{ width: part(failed) }} />
    </span>
  );
}

function Health({ score }: { score: number }) {
  return (
    <span className={classes['health']} data-tone={score >= 95 ? 'ok' : score >= 70 ? 'warn' : 'err'}>
      {Number.isInteger(score) ? score : score.toFixed(1)}
    </span>
  );
}

function Loading() {
  return (
    <div className={classes['loading']} aria-busy="true">
      <span className="sr">Reading the runs</span>
      <Skeleton height={100} mb={16} />
      {Array.from({ length: 8 }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without content
        <Skeleton key={at} height={16} mb={16} width={`${96 - ((at * 7) % 20)}%`} />
      ))}
    </div>
  );
}
