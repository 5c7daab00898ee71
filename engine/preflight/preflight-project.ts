import { withScratch } from '../cli/scratch.ts';
import type { OpenProject } from '../open-project.ts';
import { chooseDestination } from '../pipeline/plan-run.ts';
import { SharedSources } from '../pipeline/shared-sources.ts';
import type { Job } from '../spec/job.ts';
import { DestinationLook } from './look-at-destination.ts';
import { type PreflightOptions, preflightJob } from './preflight-job.ts';
import { type JobPreflight, type PreflightReport, summaryOf } from './preflight-report.ts';

/** Jobs that are looked at at the same time: mostly they wait for others' servers. */
const AT_A_TIME = 4;

export interface ProjectPreflightOptions extends PreflightOptions {
  jobs: readonly Job[];
  /** Name of the destination; default by the rules of spec section 1. */
  destination?: string;
  /** Where runs write; default: the project's folder. */
  workDirectory?: string;
  signal: AbortSignal;
  /** Hears of each job as it is there. */
  onJob?(report: JobPreflight): void;
}

/**
 * Looks at what a run of these jobs would do now (`ingest preflight`). One job's failure stops no other. Nothing is written, locked or moved.
 * Secrets are redacted.
 * @throws IngestError DESTINATION_UNKNOWN, DESTINATION_NOT_CHOSEN, CANCELLED
 */
export async function preflightProject(
  opened: Pick<OpenProject, 'project' | 'directory' | 'redactor'>,
  options: ProjectPreflightOptions,
): Promise<PreflightReport> {
  const { project, redactor } = opened;
  const config = chooseDestination(project, options.destination);
  const workDirectory = options.workDirectory ?? opened.directory;
  return await withScratch(async ({ workspace, folder }) => {
    const { destinations } = project;
    await using look = new DestinationLook({ config, destinations, workspace, baseDirectory: workDirectory, folder });
    const sources = new SharedSources(opened, folder);
    try {
      const { name, location } = await look.about().then((about) => ({ name: about.name, location: about.location() }));
      const environment = {
        ...options,
        pipeline: project.settings.name,
        look,
        workDirectory,
        workspace,
        folder,
        source: (job: Job) => sources.of(job),
      };
      const reports: (JobPreflight | undefined)[] = options.jobs.map(() => undefined);
      const waiting = [...options.jobs.entries()];
      const worker = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const [index, job] = next;
          const report = redactor.data(await preflightJob(job, environment), { keys: 'keep' });
          reports[index] = report;
          options.onJob?.(report);
        }
      };
      const workers = Array.from({ length: Math.min(AT_A_TIME, options.jobs.length) }, worker);
      // what is still asked holds the workspace
      const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
      const jobs = reports.filter((report) => report !== undefined);
      return {
        pipeline: project.settings.name,
        destination: name,
        location: redactor.text(location),
        checked_at: new Date().toISOString(),
        jobs,
        summary: summaryOf(jobs),
      };
    } finally {
      await sources.close();
    }
  });
}
