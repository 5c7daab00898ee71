import type { RunEvent } from '../runs/events.ts';
import type { RunMetrics } from '../spec/metrics.ts';
import type { OpenProject } from '../open-project.ts';

export interface RunOptions {
  /** Tables, `source.table` or `tag:x`; empty runs all enabled jobs. */
  selectors: string[];
  /** Name of the destination; default by the rules of spec section 1. */
  destination?: string;
  /** Default: the Pipeline sheet's `parallel`. */
  parallel?: boolean;
  /** Default: the Pipeline sheet's `max_workers`. */
  workers?: number;
  /** Default: the Pipeline sheet's `stop_on_error`. */
  stopOnError?: boolean;
  /** Read about so many rows of each job and leave state untouched. */
  sampleRows?: number;
  /** Forget the watermarks of the selected jobs and load everything again (replace). */
  fullRefresh?: boolean;
  /** Run the valid jobs although others are invalid. */
  skipInvalid?: boolean;
  /** Where everything that the run writes goes (packages, logs, metrics); default: the project's folder. */
  workDirectory?: string;
  signal: AbortSignal;
  /** Told as it happens, redacted already. */
  onEvent(event: RunEvent): void;
}

export interface RunOutcome {
  metrics: RunMetrics;
  metricsPath: string;
  logPath: string;
  /** Where the data lies, for people. */
  location: string;
  /** 0 all well, 1 a job failed or rows were skipped as invalid, 130 cancelled. */
  exitCode: 0 | 1 | 130;
}

/**
 * Runs the selected jobs of a project into one destination.
 * Throws IngestError `PROJECT_INVALID` (exit code 2) before anything is read when a selected row has an error and `skipInvalid` is off.
 */
export declare function runProject(project: OpenProject, options: RunOptions): Promise<RunOutcome>;
