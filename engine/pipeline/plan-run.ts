import { IngestError } from '../errors.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import type { Finding } from '../spec/finding.ts';
import type { Job } from '../spec/job.ts';
import type { Project, Validation } from '../spec/project.ts';
import { findingsFor, select, selectRows } from '../spec/selector.ts';
import { didYouMean } from '../spec/suggest.ts';

export interface PlanRequest {
  /** Tables, `source.table` or `tag:x`; empty runs all enabled jobs. */
  selectors: string[];
  /** Rows of SourceConfig in place of selectors; disabled ones among them are left out. */
  rows?: readonly number[];
  /** Name of the destination; default by the rules of spec section 1. */
  destination?: string;
  /** Default: the Pipeline sheet's `parallel`. */
  parallel?: boolean;
  /** Jobs at a time where parallel. Default: the Pipeline sheet's `max_workers`. */
  workers?: number;
  /** Most jobs at a time on this computer, whatever else says. */
  maxWorkers?: number;
  /** Default: the Pipeline sheet's `stop_on_error`. */
  stopOnError?: boolean;
  /** Run the valid jobs although others are invalid. */
  skipInvalid?: boolean;
}

export interface RunPlan {
  /** In workbook order. */
  jobs: Job[];
  /** Selected rows with errors, left out because of `skipInvalid`. */
  skipped: Validation['invalidJobs'];
  destination: DestinationConfig;
  /** Jobs at a time. */
  workers: number;
  stopOnError: boolean;
}

/** A project, or the selected part of it, that cannot run; carries what stands against it. */
export class ProjectInvalidError extends IngestError {
  readonly findings: Finding[];

  constructor(findings: Finding[]) {
    const count = findings.length === 1 ? 'an error' : `${findings.length} errors`;
    super('PROJECT_INVALID', `The project has ${count} in what this run needs, so nothing was read.`, {
      hint: 'Correct the cells below and run again; `ingest validate` shows everything. --skip-invalid runs the jobs without errors.',
    });
    this.findings = findings;
  }
}

/**
 * What a run will do, decided before anything is read; pure.
 * @throws ProjectInvalidError; IngestError SELECTOR_UNKNOWN, SELECTOR_DISABLED, SELECTION_EMPTY, DESTINATION_UNKNOWN
 */
export function planRun(validation: Validation, request: PlanRequest): RunPlan {
  const { project } = validation;
  const unreadable = validation.findings.filter(
    ({ severity, code }) => severity === 'error' && /^(WORKBOOK|SHEET)_/.test(code),
  );
  // whatever else seems wrong (unknown selectors, unused connections) is so because nothing could be read
  if (unreadable.length > 0) throw new ProjectInvalidError(unreadable);
  const selection =
    request.rows === undefined
      ? select(project.jobs, validation.invalidJobs, request.selectors)
      : selectRows(project.jobs, validation.invalidJobs, request.rows);
  const [problem] = selection.problems;
  if (problem)
    throw new IngestError(problem.code, problem.message, problem.hint === null ? {} : { hint: problem.hint });
  const destination = findDestination(project, request.destination);
  const blocking = findingsFor(validation, selection).filter(
    (finding) => finding.severity === 'error' && concerns(finding, destination, request.skipInvalid ?? false),
  );
  if (blocking.length > 0 || destination === null) throw new ProjectInvalidError(blocking);
  if (selection.jobs.length === 0) {
    throw new IngestError('SELECTION_EMPTY', 'There is no enabled job without errors to run.', {
      hint: 'Set enabled to Y for a row of SourceConfig; `ingest list` shows all jobs.',
    });
  }
  const { settings } = project;
  const parallel = request.parallel ?? settings.parallel;
  return {
    jobs: selection.jobs,
    skipped: selection.invalid,
    destination,
    workers: parallel
      ? Math.min(
          request.workers ?? settings.max_workers,
          request.maxWorkers ?? Number.POSITIVE_INFINITY,
          selection.jobs.length,
        )
      : 1,
    stopOnError: request.stopOnError ?? settings.stop_on_error,
  };
}

/**
 * The destination that a run uses: the one asked for, else the project's own choice.
 * @throws IngestError DESTINATION_UNKNOWN, DESTINATION_NOT_CHOSEN
 */
export function chooseDestination(project: Project, asked: string | undefined): DestinationConfig {
  const found = findDestination(project, asked);
  if (found) return found;
  throw new IngestError('DESTINATION_NOT_CHOSEN', 'It cannot be told which destination is meant.', {
    hint: 'Give --destination, or set `destination` in sheet Pipeline; `ingest validate` says what is wrong.',
  });
}

function findDestination(project: Project, asked: string | undefined): DestinationConfig | null {
  const name = asked ?? project.destination;
  const found = name === null ? undefined : project.destinations[name];
  if (found) return found;
  if (asked === undefined) return null;
  const names = Object.keys(project.destinations);
  const near = didYouMean(asked, names);
  throw new IngestError(
    'DESTINATION_UNKNOWN',
    `--destination ${asked}: the project has no valid destination of this name.`,
    {
      hint: `${near === null ? '' : `Did you mean ${near}? `}It has: ${names.join(', ') || 'none'}.`,
    },
  );
}

/** Does an error stand against this run? Rows that are left out do not, nor destinations that it does not use. */
function concerns(finding: Finding, destination: DestinationConfig | null, skipInvalid: boolean): boolean {
  if (finding.sheet === 'SourceConfig' && finding.row !== null) return !skipInvalid;
  const [table] = finding.column?.split('.') ?? [];
  if (table === 'sources') return !skipInvalid;
  if (table === 'destination' || table === 'destinations') return destination === null;
  return true;
}
