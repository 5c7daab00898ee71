import { IngestError } from '../errors.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import type { Finding } from '../spec/finding.ts';
import type { Job } from '../spec/job.ts';
import type { Validation } from '../spec/project.ts';
import { selectJobs } from '../spec/selector.ts';

export interface RunPlan {
  /** In workbook order. */
  jobs: Job[];
  /** Selected rows with errors, left out because of `--skip-invalid`. */
  skipped: Validation['invalidJobs'];
  destination: DestinationConfig;
  /** Jobs at a time. */
  workers: number;
  stopOnError: boolean;
}

export interface PlanRequest {
  selectors: string[];
  destination?: string;
  parallel?: boolean;
  workers?: number;
  stopOnError?: boolean;
  skipInvalid?: boolean;
}
