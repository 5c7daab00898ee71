import { Button } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useApp } from '../../app.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { bytesText, countText, durationText, plural } from '../../ui/number-text.ts';
import { type Status, StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import classes from './job-detail.module.css';
import { showJob } from './job-rows.ts';
import { jobStatus, type RunJob } from './run-model.ts';

const WARNINGS_SHOWN = 20;

/** What one job did, and what to do about it. */
export function JobDetail({ job, destination }: { job: RunJob | null; destination: string }) {
  const app = useApp();
  if (job === null) return <section className={classes['detail']} aria-label="Job" />;
  const { result } = job;
  const [source, ...table] = job.name.split('.');
  const pairs: [string, React.ReactNode][] = [
    [
      'Rows',
      `${countText(job.rows)}, ${bytesText(job.bytes)}${job.pages === null ? '' : `, ${plural(job.pages, 'page')}`}`,
    ],
  ];
  if (result !== null) {
    const { extract_seconds, normalize_seconds, load_seconds } = result.durations;
    if (result.watermark_before !== null || result.watermark_after !== null) {
      pairs.push([
        'Watermark',
        <span key="watermark" className={classes['watermark']}>
          <span>{result.watermark_before ?? 'none'}</span>
          <IconArrowRight size={12} aria-label="to" />
          <span className="medium">
            {result.watermark_after === result.watermark_before ? 'kept' : (result.watermark_after ?? 'none')}
          </span>
        </span>,
      ]);
    }
    if (result.stop !== null) {
      pairs.push([
        'Stopped',
        `${result.stop.detail}${result.stop.looksTruncated === true ? ' (looks truncated)' : ''}`,
      ]);
    }
    pairs.push([
      'Stages',
      `extract ${durationText(extract_seconds)} · normalize ${durationText(normalize_seconds)} · load ${durationText(load_seconds)}`,
    ]);
    if (result.target !== '')
      pairs.push(result.status === 'SUCCESS' ? ['Loaded', `into ${result.target}`] : ['Target', result.target]);
  }
  const retry = job.retries.at(-1);
  if (retry !== undefined)
    pairs.push(['Retries', `${job.retries.length}: ${retry.code}, waited ${durationText(retry.wait_ms / 1000)}`]);
  return (
    <section className={classes['detail']} aria-label={job.name}>
      <div className={classes['bar']}>
        <h2 className="truncate">
          <span className="faint">{source}.</span>
          {table.join('.')}
        </h2>
        <StatusWord status={jobStatus(job)}>{stateWord(job)}</StatusWord>
        <span className="grow" />
        {result?.status === 'SUCCESS' ? (
          <Button
            size="xs"
            variant="subtle"
            onClick={() => app.window.go('results', `${destination}/${result.target}`)}
          >
            See rows
          </Button>
        ) : null}
      </div>
      {/* biome-ignore-start lint/a11y: what scrolls must be reachable by keyboard */}
      <div className={`${classes['body']} scroll`} tabIndex={0} role="group" aria-label="What this job did">
        {result?.error ? (
          <div className={classes['error']}>
            <ErrorCard
              title="This job failed"
              error={{
                code: result.error.code,
                message: result.error.message,
                hint: result.error.hint ?? null,
                detail: null,
              }}
              actions={
                <Button size="xs" variant="default" onClick={() => showJob(app, job.name)}>
                  Go to the job
                </Button>
              }
            />
          </div>
        ) : null}
        <dl className={classes['pairs']}>
          {pairs.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {job.checks.length > 0 ? (
          <>
            <h3>Checks</h3>
            <ul className={classes['list']}>
              {job.checks.map((check, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: two checks may have one name, and they only ever grow
                <li key={at}>
                  <StatusIcon status={checkStatus(check)} size={13} />
                  <span>
                    <span className="medium">{check.check_name}</span>: {check.message}
                  </span>
                </li>
              ))}
            </ul>
          </>
        ) : null}
        {job.changes.length > 0 ? (
          <>
            <h3>Schema changes</h3>
            <ul className={classes['list']}>
              {job.changes.map((change) => (
                <li key={change}>
                  <span aria-hidden>
                    <StatusIcon status="info" size={13} />
                  </span>
                  <span>{change}</span>
                </li>
              ))}
            </ul>
          </>
        ) : null}
        {job.warnings.length > 0 ? (
          <>
            <h3>Warnings</h3>
            <ul className={classes['list']}>
              {job.warnings.slice(0, WARNINGS_SHOWN).map(({ code, message, hint }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: warnings have no identity and only ever grow
                <li key={at}>
                  <StatusIcon status="warning" size={13} />
                  <span>
                    {message}
                    {hint === undefined ? null : <span className="dim"> {hint}</span>}{' '}
                    <code className="faint">{code}</code>
                  </span>
                </li>
              ))}
            </ul>
            {job.warnings.length > WARNINGS_SHOWN ? (
              <p className="faint">{job.warnings.length - WARNINGS_SHOWN} more in the log</p>
            ) : null}
          </>
        ) : null}
      </div>
      {/* biome-ignore-end lint/a11y: what scrolls must be reachable by keyboard */}
    </section>
  );
}

function checkStatus({ status, severity }: RunJob['checks'][number]): Status {
  if (status === 'skipped') return 'skipped';
  if (status === 'passed') return 'ok';
  return severity === 'warning' ? 'warning' : 'error';
}

/** `Loaded, 1 warning` */
function stateWord({ result, state, warnings }: RunJob): string {
  if (result === null) return state === 'queued' ? 'Queued' : state === 'waiting' ? 'Waiting' : 'Running';
  const word = { SUCCESS: 'Loaded', FAILED: 'Failed', CANCELLED: 'Cancelled', SKIPPED: 'Skipped' }[result.status];
  return warnings.length === 0 ? word : `${word}, ${plural(warnings.length, 'warning')}`;
}
