import { useProject, useWindow } from '../../app.ts';
import { RunHistory } from './run-history.tsx';
import { RunView } from './run-view.tsx';

/** Runs of the project; with a run's id as its subject, that run. */
export function RunsScreen() {
  const document = useProject((state) => state.document);
  const subject = useWindow((state) => state.subject);
  if (document === null) return null;
  if (subject !== null) return <RunView key={subject} document={document} runId={subject} />;
  return <RunHistory document={document} />;
}
