import type { RunEvent } from './events.ts';

/** Warnings, retries, checks and schema changes that are kept a job. */
export const KEPT_A_JOB = 50;

/** What happened in a run, small enough to be sent whole: no `log`, no progress that newer progress of its job supersedes. */
export class CompactEvents {
  readonly #events: RunEvent[] = [];
  readonly #progress = new Map<string, RunEvent>();
  readonly #counts = new Map<string, number>();

  /** Whether only so many of a type are kept a job. */
  static isCounted(type: RunEvent['type']): boolean {
    return type === 'job_warning' || type === 'job_retry' || type === 'job_check' || type === 'job_schema_change';
  }

  add(event: RunEvent): void {
    switch (event.type) {
      case 'log':
        return;
      case 'job_progress':
        this.#progress.set(event.job, event);
        return;
      case 'job_warning':
      case 'job_retry':
      case 'job_check':
      case 'job_schema_change': {
        const count = (this.#counts.get(event.job) ?? 0) + 1;
        this.#counts.set(event.job, count);
        if (count <= KEPT_A_JOB) this.#events.push(event);
        return;
      }
      case 'job_finished':
        this.#progress.delete(event.job);
        this.#events.push(event);
        return;
      case 'run_started':
      case 'job_started':
      case 'job_stage':
      case 'run_finished':
        this.#events.push(event);
        return;
      default:
        event satisfies never;
    }
  }

  /** In the order in which they happened; progress of jobs that go on comes last. */
  list(): RunEvent[] {
    return [...this.#events, ...this.#progress.values()];
  }
}
