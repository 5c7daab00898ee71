import { Skeleton, UnstyledButton } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { RunDetail } from '../../../engine/contract.ts';
import { useApp, useProject, useRuns } from '../../app.ts';
import { call, isCancelled } from '../../client.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { countText, durationText, momentText } from '../../ui/number-text.ts';
import { StatusIcon } from '../../ui/status-icon.tsx';
import classes from './job-drawer.module.css';

/** Runs that are looked through for the job. */
const RUNS = 12;

type JobRun = RunDetail['results'][number] & { runId: string; startedAt: string; isSample: boolean };

/** How the last runs of one job went; each opens its run. */
export function JobHistory({ job }: { job: string }) {
  const app = useApp();
  const directory = useProject((state) => state.document?.directory ?? null);
  const history = useRuns((state) => state.history);
  const [found, setFound] = useState<{ runs: JobRun[]; done: boolean }>({ runs: [], done: false });

  useEffect(() => {
    if (directory === null || history === null) return;
    const controller = new AbortController();
    const { signal } = controller;
    setFound({ runs: [], done: false });
    async function look(): Promise<void> {
      for (const { run_id, started_at, sample_rows } of history?.slice(0, RUNS) ?? []) {
        try {
          const { results } = await call('run.get', { directory: directory as string, run_id }, { signal });
          const own = results.filter(({ source_name, table_name }) => `${source_name}.${table_name}` === job);
          const runs = own.map((one) => ({
            ...one,
            runId: run_id,
            startedAt: started_at,
            isSample: sample_rows !== null,
          }));
          setFound((before) => ({ ...before, runs: [...before.runs, ...runs] }));
        } catch (error) {
          if (isCancelled(error)) return;
          // A run whose files are gone says nothing of the others.
        }
      }
      setFound((before) => ({ ...before, done: true }));
    }
    void look();
    return () => controller.abort();
  }, [directory, history, job]);

  if (found.runs.length === 0) {
    if (found.done || history?.length === 0) {
      return (
        <EmptyState title="Not run yet">The last {RUNS} runs of the project that had this job show up here.</EmptyState>
      );
    }
    return (
      <div aria-busy="true">
        <span className="sr">Reading the runs</span>
        <Skeleton height={16} mb={12} />
        <Skeleton height={16} width="80%" />
      </div>
    );
  }
  return (
    <ul className={classes['facts']} aria-label="Runs of this job">
      {found.runs.map((run) => (
        <li key={run.runId} className={classes['fact']}>
          <StatusIcon status={run.status === 'SUCCESS' ? 'ok' : run.status === 'FAILED' ? 'error' : 'skipped'} />
          <UnstyledButton className={classes['run']} onClick={() => app.window.go('runs', run.runId)}>
            {momentText(run.startedAt)}
          </UnstyledButton>
          {run.isSample ? <span className="small dim">dry run</span> : null}
          <span className="grow truncate small dim">{run.error?.message ?? run.watermark_after ?? ''}</span>
          <span className="num small">{countText(run.rows_processed)} rows</span>
          <span className="num small dim">{durationText(run.durations.total_seconds)}</span>
        </li>
      ))}
    </ul>
  );
}
