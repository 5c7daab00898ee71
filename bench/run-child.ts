/**
 * A run in a process of its own, so that its peak memory is its own: `node bench/run-child.ts PROJECT DESTINATION WORKERS`.
 * Prints what {@link ChildRun} says, as JSON.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openProject } from '../engine/open-project.ts';
import { runProject } from '../engine/pipeline/run-project.ts';

export interface ChildRun {
  /** Of the run itself, without the process's start. */
  milliseconds: number;
  rows: number;
  peakMemoryMiB: number;
  errors: string[];
}

/** Runs a project in a child process. */
export async function runInChild(project: string, destination: string, workers = 1): Promise<ChildRun> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    import.meta.filename,
    project,
    destination,
    String(workers),
  ]);
  const run = JSON.parse(stdout) as ChildRun;
  if (run.errors.length > 0) throw new Error(run.errors.join('\n'));
  return run;
}

if (import.meta.main) {
  const [directory = '.', destination = '', workers = '1'] = process.argv.slice(2);
  const project = await openProject(directory);
  const start = performance.now();
  const { metrics } = await runProject(project, {
    selectors: [],
    destination,
    parallel: Number(workers) > 1,
    workers: Number(workers),
    fullRefresh: true,
    signal: new AbortController().signal,
    onEvent: () => undefined,
  });
  const run: ChildRun = {
    milliseconds: performance.now() - start,
    rows: metrics.summary.total_rows,
    peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
    errors: metrics.jobs.flatMap((job) => (job.error ? [job.error.message] : [])),
  };
  console.log(JSON.stringify(run));
}
