import { IngestError } from '../errors.ts';
import type { OpenProject } from '../open-project.ts';
import { type Job, jobName } from '../spec/job.ts';
import { select } from '../spec/selector.ts';

type Jobs = Pick<OpenProject, 'project' | 'invalidJobs'>;

/**
 * Rows that selectors name, disabled and invalid ones too: to look at a job it need not be fit to run. No selectors name all rows.
 * @throws IngestError SELECTOR_UNKNOWN
 */
export function selectedRows({ project, invalidJobs }: Jobs, selectors: readonly string[]): Set<number> {
  const awake = <Candidate extends { enabled: boolean }>(candidate: Candidate) => ({ ...candidate, enabled: true });
  const { jobs, invalid, problems } = select(project.jobs.map(awake), invalidJobs.map(awake), selectors);
  const problem = problems[0];
  if (problem !== undefined)
    throw new IngestError(problem.code, problem.message.replace(/^-j /, ''), { hint: problem.hint ?? undefined });
  return new Set([...jobs, ...invalid].map(({ row }) => row));
}

/**
 * The valid jobs that selectors name, disabled ones too.
 * @throws IngestError SELECTOR_UNKNOWN, JOB_INVALID
 */
export function selectJobs(opened: Jobs, selectors: readonly string[]): Job[] {
  const rows = selectedRows(opened, selectors);
  const broken = selectors.length === 0 ? undefined : opened.invalidJobs.find(({ row }) => rows.has(row));
  if (broken !== undefined) {
    throw new IngestError('JOB_INVALID', `SourceConfig row ${broken.row}, ${jobName(broken)}, has errors.`, {
      hint: 'ingest validate says which.',
    });
  }
  return opened.project.jobs.filter(({ row }) => rows.has(row));
}

/**
 * The one valid job that a selector names.
 * @throws IngestError SELECTOR_UNKNOWN, SELECTOR_AMBIGUOUS, JOB_INVALID
 */
export function selectOne(opened: Jobs, selector: string): Job {
  const jobs = selectJobs(opened, [selector]);
  if (jobs.length === 1) return jobs[0] as Job;
  throw new IngestError(
    'SELECTOR_AMBIGUOUS',
    `"${selector}" names ${jobs.length} jobs: ${jobs.map(jobName).join(', ')}.`,
    {
      hint: 'Name one of them as source.table.',
    },
  );
}
