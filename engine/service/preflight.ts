import { IngestError } from '../errors.ts';
import { preflightProject } from '../preflight/preflight-project.ts';
import { parseLag } from '../spec/lag.ts';
import type { HandlerGroup } from './handlers.ts';
import { jobOfRow } from './jobs.ts';
import { readSettings } from './settings.ts';

export const preflightHandlers: HandlerGroup<'job.preflight'> = (service) => ({
  async 'job.preflight'({ directory, env, row, destination, look_back: lookBack }, { signal }) {
    if (lookBack !== null && parseLag(lookBack) === null)
      throw new IngestError('LAG_INVALID', `"${lookBack}" is no distance to look back.`, {
        hint: 'Write a duration (12h, 7d) or a number (50000).',
      });
    const { opened, project, job } = await jobOfRow(service, directory, env, row);
    const workDirectory = (await readSettings(service)).work_directory;
    const report = await preflightProject(
      // a child resource finds its parent among all jobs, not only the row's own
      { ...opened, project: { ...project, jobs: opened.project.jobs } },
      {
        jobs: [job],
        asksSource: true,
        looksForLateRows: true,
        lookBack,
        signal,
        ...(destination === null ? {} : { destination }),
        ...(workDirectory == null ? {} : { workDirectory }),
      },
    );
    const [looked] = report.jobs;
    if (looked === undefined) throw new Error('The preflight of one job gave no report.');
    return service.redact({ ...looked, destination: report.destination, location: report.location });
  },
});
