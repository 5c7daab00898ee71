import type { ProjectDocument } from '../../engine/contract.ts';
import type { DestinationConfig } from '../../engine/spec/destination.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';

/** Destinations of the project that can be used as they are written, and the name of the one that a run uses where nobody says otherwise. */
export function destinationsOf({ sheets, config }: Pick<ProjectDocument, 'sheets' | 'config'>): {
  destinations: DestinationConfig[];
  usual: string | null;
} {
  const { project } = validateProject(
    { jobs: null, checks: null, settings: sheets.Pipeline, config, secretPaths: new Set(), deferredPaths: new Set() },
    { secrets: false },
  );
  return { destinations: Object.values(project.destinations), usual: project.destination };
}
