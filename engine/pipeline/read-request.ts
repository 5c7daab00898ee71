import type { ReadRequest } from '../sources/source.ts';
import type { Job } from '../spec/job.ts';
import type { TypePolicy } from '../spec/kinds.ts';
import type { JobState } from '../state/job-state.ts';

/** What the next run of a job will ask its source for. `state` is that of its destination, null before the first load (or to begin anew). */
export function readRequest(
  job: Job,
  state: JobState | null,
  options: { types: TypePolicy; sampleRows: number | null },
): ReadRequest {
  const incremental =
    job.load_type === 'INCREMENTAL'
      ? {
          column: job.source_type === 'filesystem' ? '' : (job.watermark_column ?? ''),
          from: state?.watermark ?? job.last_watermark,
          continued: state?.watermark != null,
          lag: state?.watermark != null ? job.lag : null,
          end: job.options.end_value ?? null,
          nullWatermarks: job.options.null_watermarks,
        }
      : null;
  return {
    job,
    types: options.types,
    incremental,
    sourceState: state?.source_state ?? null,
    sampleRows: options.sampleRows,
  };
}
