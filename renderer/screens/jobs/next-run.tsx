import { Loader } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Output } from '../../../engine/contract.ts';
import { shownError } from '../../actions/project-commands.ts';
import { useApp, useJobsView, useProject } from '../../app.ts';
import { call, isCancelled } from '../../client.ts';
import { sourceTypeOfRow } from '../../stores/job-cells.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { CodeView } from '../../ui/code-view.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import classes from './job-drawer.module.css';

/** After the last change; the source's catalogue is asked. */
const DELAY_MS = 400;

type Explained = Output<'job.explain'>;

/** The statement, request or files of the next run, as the row stands now. */
export function NextRun({ rowId }: { rowId: string }) {
  const { project, running } = useApp();
  useJobsView((state) => state.target);
  const document = useProject((state) => state.document);
  const row = JSON.stringify(project.rowValues('SourceConfig', rowId));
  const wrong = project.rowFindings('SourceConfig', rowId).some(({ severity }) => severity === 'error');
  const [explained, setExplained] = useState<Explained | null>(null);
  const [error, setError] = useState<ShownError | null>(null);
  const [asking, setAsking] = useState(false);
  const directory = document?.directory;
  const env = document?.env ?? null;
  const destination = running.chosenTarget();
  useEffect(() => {
    if (directory === undefined || wrong) return;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      setAsking(true);
      try {
        const values = JSON.parse(row) as Record<string, string>;
        const { signal } = controller;
        const found = await call('job.explain', { directory, env, row: values, destination }, { signal });
        setExplained(found);
        setError(null);
      } catch (thrown) {
        if (isCancelled(thrown)) return;
        setExplained(null);
        setError(shownError(thrown));
      }
      setAsking(false);
    }, DELAY_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [directory, env, row, wrong, destination]);

  const type = sourceTypeOfRow(project, rowId);
  const language = type === 'api' || type === 'filesystem' ? 'text' : 'sql';
  return (
    <section className={classes['next']} aria-label="Next run will read">
      <div className="row">
        <h3>Next run will read</h3>
        {asking ? <Loader size={12} aria-label="Asking" /> : <span className="faint small">updates as you type</span>}
        <span className="grow" />
        {explained?.watermark == null || wrong ? null : (
          <span className={classes['watermark']}>
            <span className="faint">from</span> <span className={classes['from']}>{explained.watermark}</span>
          </span>
        )}
      </div>
      {wrong ? (
        <p className="small dim">Fix the errors of this row to see it.</p>
      ) : error !== null ? (
        <div className={`${classes['explainError']} scroll`}>
          <ErrorCard title="It cannot be told yet" error={error} />
        </div>
      ) : explained === null ? (
        <p className="small dim">Asking the source …</p>
      ) : (
        <CodeView
          text={explained.statement}
          language={language}
          label="what the next run reads"
          wrap
          className={classes['statement']}
        />
      )}
    </section>
  );
}
