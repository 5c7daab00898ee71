import { Tooltip } from '@mantine/core';
import { IconArrowRight, IconX } from '@tabler/icons-react';
import { type CSSProperties, memo, useRef } from 'react';
import { Sparkline } from '../../ui/charts.tsx';
import { countText, durationText } from '../../ui/number-text.ts';
import { StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import { UndrawnRows } from '../../ui/undrawn-rows.tsx';
import { useLongTable } from '../../ui/use-long-table.ts';
import { useWidth } from '../../ui/use-width.ts';
import classes from './run-jobs.module.css';
import { jobStatus, meanRate, type RunJob, ticksOf, verdictText } from './run-model.ts';

/** Of a job's row, in pixels. */
const ROW_PX = 28;
/** A time on the axis with room around it, in pixels. */
const TICK_PX = 56;

export interface RunJobsProps {
  jobs: readonly RunJob[];
  total: number;
  startedAt: number;
  now: number;
  running: boolean;
  cancelling: boolean;
  selected: string | null;
  onSelect(name: string): void;
}

/** Jobs on one time axis. Only the axis moves with time: rows are drawn again when their job changes. */
export function RunJobs({ jobs, total, startedAt, now, running, cancelling, selected, onSelect }: RunJobsProps) {
  const elapsed = Math.max(1, (now - startedAt) / 1000);
  const span = running ? elapsed * 1.15 : elapsed * 1.02;
  const [axis, axisWidth] = useWidth<HTMLDivElement>();
  const { ticks } = ticksOf(span, Math.max(1, Math.min(5, Math.floor(axisWidth / TICK_PX) - 1)));
  const scroller = useRef<HTMLDivElement>(null);
  const drawn = useLongTable(scroller, jobs.length, ROW_PX);
  const style = { '--span': span, '--now': elapsed } as CSSProperties;
  const queued = total - jobs.length;
  return (
    <div ref={scroller} className={`${classes['jobs']} scroll`}>
      <table className={classes['table']} aria-label="Jobs of this run" aria-rowcount={jobs.length + 1} style={style}>
        <thead>
          <tr>
            <th>Job</th>
            <th>
              <div ref={axis} className={classes['track']}>
                <span className="sr">Timeline</span>
                {ticks.map((tick) => (
                  <span key={tick} className={classes['tick']} style={{ '--from': tick } as CSSProperties}>
                    {axisText(tick)}
                  </span>
                ))}
              </div>
            </th>
            <th className={classes['number']}>Rows</th>
            <th className={classes['number']}>Rows/s</th>
            <th>Watermark</th>
            <th>Why it stopped</th>
          </tr>
        </thead>
        <tbody>
          <UndrawnRows height={drawn.above} columns={6} />
          {jobs.slice(drawn.from, drawn.to).map((job, index) => (
            <JobRow
              key={job.name}
              job={job}
              index={drawn.from + index}
              startedAt={startedAt}
              cancelling={cancelling}
              selected={job.name === selected}
              onSelect={onSelect}
            />
          ))}
          <UndrawnRows height={drawn.below} columns={6} />
          {queued > 0 ? (
            <tr className={classes['queued']}>
              <td colSpan={6}>
                <StatusWord status="queued">
                  {cancelling ? `${queued} will not start` : `${queued} more in the queue`}
                </StatusWord>
              </td>
            </tr>
          ) : null}
        </tbody>
      </table>
    </div>
  );
}

interface JobRowProps {
  job: RunJob;
  /** Among all jobs of the run. */
  index: number;
  startedAt: number;
  cancelling: boolean;
  selected: boolean;
  onSelect(name: string): void;
}

const JobRow = memo(function JobRow({ job, index, startedAt, cancelling, selected, onSelect }: JobRowProps) {
  const status = jobStatus(job);
  const [source, ...table] = job.name.split('.');
  const before = job.result?.watermark_before ?? null;
  const after = job.result?.watermark_after ?? null;
  const rate = meanRate(job, Date.now());
  const verdict = verdictText(job, cancelling);
  return (
    <tr data-selected={selected || undefined} aria-rowindex={index + 2} onClick={() => onSelect(job.name)}>
      <td>
        <span className="row">
          <StatusIcon status={status} />
          <button
            type="button"
            className={`${classes['name']} truncate`}
            aria-pressed={selected}
            onClick={() => onSelect(job.name)}
          >
            <span className="faint">{source}.</span>
            <span className="medium">{table.join('.')}</span>
          </button>
        </span>
      </td>
      <td>
        <div className={classes['track']}>
          <Stages job={job} startedAt={startedAt} />
          <i className={classes['now']} />
        </div>
      </td>
      <td className={classes['number']}>{job.state === 'queued' ? '' : countText(job.rows)}</td>
      <td>
        {rate === null ? null : (
          <span className={classes['rate']}>
            <Sparkline
              values={job.rates}
              tone={status === 'running' ? 'accent' : 'idle'}
              label={`Rows a second over time, ${countText(Math.round(rate))} on average`}
            />
            <span className="num">{countText(Math.round(rate))}</span>
          </span>
        )}
      </td>
      <td>
        {before === null && after === null ? null : (
          <span className={classes['watermark']}>
            <span className="dim truncate">{before ?? 'none'}</span>
            {job.result === null ? null : (
              <>
                <IconArrowRight size={12} aria-label="to" />
                <span className={after === before || after === null ? 'dim' : 'truncate'}>
                  {after === before || after === null ? 'kept' : after}
                </span>
              </>
            )}
          </span>
        )}
      </td>
      <td title={verdict}>
        <span className={classes['verdict']} data-tone={status}>
          <span className={classes['sign']} aria-hidden>
            <StatusIcon status={status} size={13} />
          </span>
          <span className="truncate">{verdict}</span>
        </span>
      </td>
    </tr>
  );
});

function Stages({ job, startedAt }: { job: RunJob; startedAt: number }) {
  const failed = job.result?.status === 'FAILED';
  const last = job.stages.at(-1);
  return (
    <>
      {job.stages.map(({ stage, from, to }, at) => {
        const length = to === null ? 'still going on' : durationText((to - from) / 1000);
        return (
          <Tooltip key={`${stage} ${from}`} label={`${stage}, ${length}`}>
            <span
              className={classes['stage']}
              data-stage={stage}
              data-open={to === null || undefined}
              data-failed={(failed && at === job.stages.length - 1) || undefined}
              role="img"
              aria-label={`${stage}, ${length}`}
              style={
                {
                  '--from': (from - startedAt) / 1000,
                  '--to': to === null ? 'var(--now)' : (to - startedAt) / 1000,
                } as CSSProperties
              }
            />
          </Tooltip>
        );
      })}
      {failed && last?.to ? (
        <span className={classes['fail']} style={{ '--from': (last.to - startedAt) / 1000 } as CSSProperties}>
          <IconX size={10} stroke={3} aria-hidden />
        </span>
      ) : null}
    </>
  );
}

/** `0:30`, `1:00:00` */
function axisText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
