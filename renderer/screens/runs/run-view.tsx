import { ActionIcon, Badge, Button, Skeleton, Tooltip } from '@mantine/core';
import { IconArrowLeft, IconCopy, IconPlayerStopFilled, IconRefresh, IconTableShare } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import type { ProjectDocument } from '../../../engine/contract.ts';
import { useApp } from '../../app.ts';
import { call } from '../../client.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { bytesText, clockText, countText, durationText, momentText, plural } from '../../ui/number-text.ts';
import { Toolbar } from '../../ui/panel.tsx';
import { StatusWord } from '../../ui/status-icon.tsx';
import { diagnosticsText } from './diagnostics.ts';
import { healthText } from './health-text.ts';
import { JobDetail } from './job-detail.tsx';
import { rowIdsOf } from './job-rows.ts';
import { RunJobs } from './run-jobs.tsx';
import { RunLog } from './run-log.tsx';
import { jobStatus, RUN_STATUS, type RunJob, shortRunId } from './run-model.ts';
import classes from './run-view.module.css';
import { shownError, useNow, useRun } from './use-run.ts';

/** One run, while it goes on or afterwards. */
export function RunView({ document, runId }: { document: ProjectDocument; runId: string }) {
  const app = useApp();
  const { detail, model, error, version, reload } = useRun(document.directory, runId);
  const [picked, setPicked] = useState<string | null>(null);
  const [cancelling, setCancelling] = useState(false);
  const summary = detail?.summary ?? null;
  const running = summary?.status === 'RUNNING' && model.endedAt === null;
  const now = useNow(running);
  const jobs = useMemo(() => [...model.jobs.values()], [model]);
  const selected = jobs.find(({ name }) => name === picked) ?? firstOfInterest(jobs);

  useEffect(() => {
    app.window.setState({ place: `Run ${shortRunId(runId)}` });
  }, [app, runId]);

  async function cancel(): Promise<void> {
    setCancelling(true);
    try {
      await call('run.cancel', { directory: document.directory, run_id: runId });
    } catch (failure) {
      setCancelling(false);
      app.commands.fail('The run could not be cancelled', failure);
    }
  }
  async function retry(): Promise<void> {
    const names = new Set(jobs.filter(({ result }) => result?.status === 'FAILED').map(({ name }) => name));
    // The engine runs what is in the files.
    if (app.project.getState().unsaved > 0 && !(await app.commands.save())) return;
    const rows = rowIdsOf(app, names).flatMap((id) => app.project.savedRow('SourceConfig', id) ?? []);
    if (rows.length === 0) {
      app.window.toast({ tone: 'warn', title: 'These jobs are not in the workbook any more' });
      return;
    }
    try {
      const { run_id } = await call('run.start', {
        directory: document.directory,
        env: document.env,
        rows,
        destination: summary?.destination || null,
        sample_rows: summary?.sample_rows ?? null,
      });
      app.runs.begin(document.directory, run_id);
      app.window.go('runs', run_id);
    } catch (failure) {
      app.commands.fail('The failed jobs could not be run', failure);
    }
  }
  async function copy(): Promise<void> {
    if (summary === null || detail === null) return;
    const errors = await call('run.log', {
      directory: document.directory,
      run_id: runId,
      offset: 0,
      limit: 200,
      levels: ['WARNING', 'ERROR'],
      job: null,
      text: null,
    }).catch(() => null);
    try {
      await navigator.clipboard.writeText(diagnosticsText(detail, jobs, errors?.texts ?? []));
      app.window.toast({ tone: 'ok', title: 'Copied', text: 'Without secrets; look it over before you send it.' });
    } catch (failure) {
      app.window.show({ kind: 'error', title: 'The diagnostics could not be copied', error: shownError(failure) });
    }
  }

  if (error !== null && detail === null) {
    return (
      <div className={classes['screen']}>
        <Toolbar label="Run">
          <Back />
          <h1>Run {shortRunId(runId)}</h1>
        </Toolbar>
        <div className={classes['error']}>
          <ErrorCard
            title="This run could not be read"
            error={error}
            actions={
              <Button size="xs" variant="default" onClick={reload}>
                Try again
              </Button>
            }
          />
        </div>
      </div>
    );
  }
  if (detail === null || summary === null) return <Loading runId={runId} />;

  const ended = model.endedAt !== null && summary.status === 'RUNNING';
  const { status, word } = RUN_STATUS[summary.status];
  const failed = jobs.filter(({ result }) => result?.status === 'FAILED').length;
  return (
    <div className={classes['screen']}>
      <Toolbar label="Run">
        <Back />
        <h1>Run {shortRunId(runId)}</h1>
        {cancelling && running ? (
          <StatusWord status="running">Cancelling</StatusWord>
        ) : (
          <StatusWord status={status}>{ended ? 'Finishing' : word}</StatusWord>
        )}
        <Badge data-drop="narrow">
          {summary.sample_rows === null ? `into ${summary.destination}` : `dry run into ${summary.destination}`}
        </Badge>
        <span className={`small faint truncate ${classes['since']}`}>
          started {momentText(summary.started_at)} from{' '}
          {summary.trigger === 'window' ? 'this application' : 'the command line'}
          {summary.sample_rows === null ? '' : `, about ${countText(summary.sample_rows)} rows a job`}
        </span>
        <span className="grow" />
        {failed > 0 && !running ? (
          <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={() => void retry()}>
            Retry failed ({failed})
          </Button>
        ) : null}
        <Button
          variant="default"
          data-fold="first"
          title="Copy diagnostics"
          leftSection={<IconCopy size={14} />}
          onClick={() => void copy()}
        >
          Copy diagnostics
        </Button>
        {running && detail.here ? (
          <Button
            variant="default"
            className={classes['cancel']}
            leftSection={<IconPlayerStopFilled size={12} />}
            disabled={cancelling}
            onClick={() => void cancel()}
          >
            {cancelling ? 'Cancelling …' : 'Cancel run'}
          </Button>
        ) : null}
        {running ? null : (
          <Button
            leftSection={<IconTableShare size={14} />}
            onClick={() => app.window.go('results', summary.destination)}
          >
            See results
          </Button>
        )}
      </Toolbar>
      <Progress jobs={jobs} total={summary.jobs.total} />
      <Facts
        health={healthText(detail.metrics)}
        jobs={jobs}
        total={summary.jobs.total}
        startedAt={Date.parse(summary.started_at)}
        now={running ? now : (model.endedAt ?? endOf(summary))}
      />
      {summary.status === 'INTERRUPTED' ? (
        <div className={classes['error']}>
          <ErrorCard
            title="This run did not come to its end"
            error={{
              code: 'RUN_INTERRUPTED',
              message: 'Its process ended before it did: it was killed, it crashed, or the computer went off.',
              hint: 'Run the jobs again. What was loaded is in the destination; what was read and not loaded is loaded first.',
              detail: null,
            }}
          />
        </div>
      ) : null}
      <RunJobs
        jobs={jobs}
        total={summary.jobs.total}
        startedAt={model.startedAt ?? Date.parse(summary.started_at)}
        now={running ? now : (model.endedAt ?? endOf(summary))}
        running={running}
        cancelling={cancelling && running}
        selected={selected?.name ?? null}
        onSelect={setPicked}
      />
      <div className={classes['lower']}>
        <RunLog directory={document.directory} runId={runId} jobs={jobs} version={version} live={running} />
        <JobDetail job={selected} destination={summary.destination} />
      </div>
    </div>
  );
}

function Back() {
  const app = useApp();
  return (
    <Tooltip label="All runs">
      <ActionIcon aria-label="All runs" onClick={() => app.window.go('runs')}>
        <IconArrowLeft size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

/** What people want to see first: what failed, then what goes on. */
function firstOfInterest(jobs: readonly RunJob[]): RunJob | null {
  const of = (wanted: string) => jobs.find((job) => jobStatus(job) === wanted);
  return of('error') ?? of('warning') ?? of('running') ?? jobs[0] ?? null;
}

function endOf({ started_at, duration_seconds }: { started_at: string; duration_seconds: number | null }): number {
  return Date.parse(started_at) + (duration_seconds ?? 0) * 1000;
}

function Progress({ jobs, total }: { jobs: readonly RunJob[]; total: number }) {
  const count = (wanted: (job: RunJob) => boolean) => jobs.filter(wanted).length;
  const part = (number: number) => `${(number / Math.max(total, 1)) * 100}%`;
  const done = count(({ result }) => result !== null);
  return (
    <div
      className={classes['progress']}
      role="progressbar"
      aria-label="Jobs done"
      aria-valuenow={done}
      aria-valuemin={0}
      aria-valuemax={total}
    >
      <i style={{ width: part(count(({ result }) => result?.status === 'SUCCESS')) }} data-status="ok" />
      <i style={{ width: part(count(({ result }) => result?.status === 'FAILED')) }} data-status="err" />
      <i
        style={{ width: part(count(({ state }) => state === 'running' || state === 'waiting')) }}
        data-status="running"
      />
    </div>
  );
}

function Facts({
  health,
  jobs,
  total,
  startedAt,
  now,
}: {
  health: ReturnType<typeof healthText>;
  jobs: readonly RunJob[];
  total: number;
  startedAt: number;
  now: number;
}) {
  const sum = (value: (job: RunJob) => number) => jobs.reduce((all, job) => all + value(job), 0);
  const seconds = Math.max(0, now - startedAt) / 1000;
  const rows = sum((job) => job.rows);
  const warnings = sum((job) => job.warnings.length);
  const facts: [string, string][] = [
    ['Done', `${jobs.filter(({ result }) => result !== null).length} of ${plural(total, 'job')}`],
    ['Elapsed', durationText(seconds)],
    ['Rows', countText(rows)],
    ['Rows/s', seconds > 0.2 ? countText(Math.round(rows / seconds)) : '–'],
    ['Read', bytesText(sum((job) => job.bytes))],
    ['Retries', countText(sum((job) => job.result?.retries ?? job.retries.length))],
    ...(warnings > 0 ? [['Warnings', countText(warnings)] as [string, string]] : []),
  ];
  return (
    <div className={classes['summary']}>
      <dl className={classes['facts']}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {health === null ? null : (
          <div>
            <dt>Health</dt>
            <dd>
              {health.score} <span className={classes['parts']}>{health.parts}</span>
            </dd>
          </div>
        )}
      </dl>
      <div className={classes['legend']} aria-hidden>
        {(['Extract', 'Normalize', 'Load'] as const).map((stage) => (
          <span key={stage}>
            <i data-stage={stage.toLowerCase()} />
            {stage}
          </span>
        ))}
      </div>
      <span className="sr" aria-live="polite">
        {jobs.filter(({ result }) => result !== null).length === total
          ? `All ${total} jobs have ended at ${clockText(now)}`
          : ''}
      </span>
    </div>
  );
}

function Loading({ runId }: { runId: string }) {
  return (
    <div className={classes['screen']} aria-busy="true">
      <Toolbar label="Run">
        <Back />
        <h1>Run {shortRunId(runId)}</h1>
      </Toolbar>
      <div className={classes['error']}>
        {Array.from({ length: 9 }, (_, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows without content
          <Skeleton key={at} height={16} mb={16} width={`${94 - ((at * 11) % 30)}%`} />
        ))}
      </div>
    </div>
  );
}
