import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApp, useProject } from '../../app.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { plural } from '../../ui/number-text.ts';
import { type Status, StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import classes from './preflight-dialog.module.css';
import { PreflightReport } from './preflight-report.tsx';
import type { JobPreflight } from './suggestions.ts';
import { type Looked, type Preflight, usePreflight } from './use-preflight.ts';

const VERDICTS: Readonly<Record<JobPreflight['verdict'], { status: Status; word: string; counted: string }>> = {
  ready: { status: 'ok', word: 'Ready', counted: 'ready' },
  attention: { status: 'warning', word: 'Look at this first', counted: 'to look at' },
  fails: { status: 'error', word: 'Would fail', counted: 'would fail' },
};

/** What a run of these rows would do now; nothing is written by looking. */
export function PreflightDialog({ rowIds }: { rowIds: readonly string[] }) {
  const preflight = usePreflight(rowIds);
  const { jobs, busy, look, cancelAll } = preflight;
  const count = (verdict: JobPreflight['verdict']) =>
    [...jobs.values()].filter((job) => job.status === 'done' && job.report.verdict === verdict).length;
  const failed = [...jobs.values()].filter(({ status }) => status === 'failed').length;
  const done = [...jobs.values()].filter(({ status }) => status !== 'waiting' && status !== 'asking').length;
  return (
    <div className={classes['dialog']}>
      <div className={classes['summary']} role="status">
        {busy ? (
          <StatusWord status="running">
            Asking sources and destination: {done} of {rowIds.length}
          </StatusWord>
        ) : (
          <span className="medium">{plural(rowIds.length, 'job')}</span>
        )}
        {(['ready', 'attention', 'fails'] as const).map((verdict) =>
          count(verdict) === 0 ? null : (
            <StatusWord key={verdict} status={VERDICTS[verdict].status}>
              {count(verdict)} {VERDICTS[verdict].counted}
            </StatusWord>
          ),
        )}
        {failed === 0 ? null : <StatusWord status="error">{failed} not told</StatusWord>}
        <span className="grow" />
        <span className="faint small">Nothing is written.</span>
        {busy ? (
          <Button variant="default" size="xs" onClick={cancelAll}>
            Cancel
          </Button>
        ) : (
          <Button variant="default" size="xs" onClick={() => look(rowIds)}>
            Look again
          </Button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={`${classes['jobs']} scroll`} aria-label="Preflight of each job" tabIndex={0}>
        {rowIds.map((rowId) => (
          <JobSection
            key={rowId}
            rowId={rowId}
            looked={jobs.get(rowId) ?? { status: 'waiting' }}
            preflight={preflight}
            only={rowIds.length === 1}
          />
        ))}
      </section>
    </div>
  );
}

function JobSection({
  rowId,
  looked,
  preflight,
  only,
}: {
  rowId: string;
  looked: Looked;
  preflight: Preflight;
  only: boolean;
}) {
  const { project } = useApp();
  useProject((state) => state.revision);
  const [toggled, setToggled] = useState<boolean | null>(null);
  const name = [project.cell('SourceConfig', rowId, 'source_name'), project.cell('SourceConfig', rowId, 'table_name')]
    .map((text) => text.trim())
    .join('.');
  const interesting = looked.status === 'failed' || (looked.status === 'done' && looked.report.verdict !== 'ready');
  const open = toggled ?? (only || interesting);
  const bodyId = `preflight-${rowId}`;
  const hasBody = looked.status === 'done' || looked.status === 'failed';
  return (
    <article className={classes['job']} aria-label={name}>
      <div className={classes['head']}>
        <button
          type="button"
          className={classes['toggle']}
          aria-expanded={open && hasBody}
          aria-controls={bodyId}
          disabled={!hasBody}
          onClick={() => setToggled(!open)}
        >
          <StatusIcon status={statusOf(looked)} label="" />
          <span className="medium truncate">{name}</span>
          {looked.status === 'done' ? (
            <span className={`${classes['target']} dim truncate`}>→ {looked.report.target}</span>
          ) : null}
        </button>
        <span className="grow" />
        <span className="small dim">{wordOf(looked)}</span>
        {looked.status === 'waiting' || looked.status === 'asking' ? (
          <Button
            variant="subtle"
            size="compact-xs"
            aria-label={`Cancel ${name}`}
            onClick={() => preflight.cancel(rowId)}
          >
            Cancel
          </Button>
        ) : null}
      </div>
      <div id={bodyId} hidden={!open || !hasBody} className={classes['body']}>
        {!open ? null : looked.status === 'failed' ? (
          <ErrorCard title="It cannot be told" error={looked.error} />
        ) : looked.status === 'done' ? (
          <PreflightReport rowId={rowId} report={looked.report} onApplied={() => preflight.look([rowId])} />
        ) : null}
      </div>
    </article>
  );
}

function statusOf(looked: Looked): Status {
  switch (looked.status) {
    case 'waiting':
      return 'queued';
    case 'asking':
      return 'running';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return 'error';
    case 'done':
      return VERDICTS[looked.report.verdict].status;
    default:
      return looked satisfies never;
  }
}

function wordOf(looked: Looked): string {
  switch (looked.status) {
    case 'waiting':
      return 'Waiting';
    case 'asking':
      return 'Asking …';
    case 'cancelled':
      return 'Cancelled';
    case 'failed':
      return 'Cannot be told';
    case 'done':
      return VERDICTS[looked.report.verdict].word;
    default:
      return looked satisfies never;
  }
}
