import { useMemo } from 'react';
import { useApp, useProject } from '../../app.ts';
import { type ListedConnection, listConnections } from './connection-list.ts';

/** The project's connections with the edited jobs that use them; the same list until one of the two changes. */
export function useListedConnections(): ListedConnection[] {
  const { project } = useApp();
  const document = useProject((state) => state.document);
  const revision = useProject((state) => state.revision);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision stands for the sheets, which are read through the store
  return useMemo(() => {
    if (document === null) return [];
    const jobs = project.rowIds('SourceConfig').map((rowId) => ({
      rowId,
      source_name: project.cell('SourceConfig', rowId, 'source_name'),
      source_type: project.cell('SourceConfig', rowId, 'source_type'),
    }));
    return listConnections(document, project.rawSheet('SourceConfig'), jobs);
  }, [project, document, revision]);
}
