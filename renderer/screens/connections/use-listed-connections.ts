import { useMemo } from 'react';
import { useApp, useProject } from '../../app.ts';
import { type ListedConnection, listedConnections } from './connection-list.ts';

/** The project's connections with the edited jobs that use them; the same list until one of the two changes. */
export function useListedConnections(): ListedConnection[] {
  const { project } = useApp();
  const document = useProject((state) => state.document);
  const revision = useProject((state) => state.revision);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the document and the revision stand for the sheets, which are read through the store
  return useMemo(() => listedConnections(project), [project, document, revision]);
}
