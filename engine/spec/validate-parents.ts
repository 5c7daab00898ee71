import { meant } from './finding-list.ts';
import type { Job } from './job.ts';
import type { JobColumnName } from './job-columns.ts';
import { INCREMENTAL_BOUNDS, parentNames, placeholdersOf } from './placeholders.ts';
import { didYouMean } from './suggest.ts';

/** What is wrong with how a job of an API depends on others. */
export interface ParentProblem {
  column: JobColumnName;
  code: string;
  problem: string;
  hint: string | null;
}

/** Names, `[0]` and `['a name']`, with dots between names; `$` at the beginning allows all of JSONPath. */
const FIELD_PATH =
  /^(?:\$.*|(?:[^.[\]*?$'"\s]+|\[(?:-?\d+|'[^']*'|"[^"]*")\])(?:\.[^.[\]*?$'"\s]+|\[(?:-?\d+|'[^']*'|"[^"]*")\])*)$/s;
/** `{resource.users.id}`: written like a placeholder, but of nothing. */
const OTHER_CONTEXT = /\{\s*((?!(?:resources|incremental)\.)[A-Za-z_]\w*)\.[^{}]+\}/;
const HOW = 'Write {resources.PARENT.FIELD}, for example {resources.users.id}.';

/** Problems of placeholders and parents, a job at a time. */
export function parentCheck(jobs: readonly Job[]): (job: Job) => ParentProblem[] {
  /** By connection, by table_name; made for the first job that has something to check. */
  let siblings: Map<string, Map<string, Job>> | null = null;
  return (job) => {
    if (job.source_type !== 'api') return [];
    if (parentNames(job).length === 0 && !hasBraces(job)) return [];
    if (siblings === null) {
      siblings = new Map();
      for (const other of jobs) {
        const known = siblings.get(other.source_name);
        if (known === undefined) siblings.set(other.source_name, new Map([[other.table_name, other]]));
        else known.set(other.table_name, other);
      }
    }
    return parentProblems(job, siblings.get(job.source_name) ?? new Map());
  };
}

function hasBraces(job: Job): boolean {
  return (job.api_endpoint?.includes('{') ?? false) || placeholdersOf(job).length > 0;
}

function parentProblems(job: Job, siblings: ReadonlyMap<string, Job>): ParentProblem[] {
  const found: ParentProblem[] = [];
  const placeholders = placeholdersOf(job);
  for (const { text, context, resource, field, inEndpoint } of placeholders) {
    const add = (problem: string, hint: string | null) =>
      found.push({ column: inEndpoint ? 'api_endpoint' : 'table_name', code: 'JOB_PLACEHOLDER', problem, hint });
    if (context === 'incremental') {
      if (INCREMENTAL_BOUNDS.includes(field as never)) continue;
      const near = didYouMean(field, INCREMENTAL_BOUNDS);
      add(
        `the placeholder ${text} is not known`,
        near === null ? `Use one of ${INCREMENTAL_BOUNDS.join(', ')}.` : meant(near),
      );
    } else if (resource === null) add(`the placeholder ${text} names no field of its parent`, HOW);
    else if (!FIELD_PATH.test(field)) add(`"${field}" in the placeholder ${text} is no path of a field`, HOW);
  }
  const other = OTHER_CONTEXT.exec(job.api_endpoint ?? '');
  if (other) {
    const near = didYouMean(other[1] as string, ['resources', 'incremental']);
    found.push({
      column: 'api_endpoint',
      code: 'JOB_PLACEHOLDER',
      problem: `the placeholder ${other[0]} is not known`,
      hint: near === null ? HOW : meant(near),
    });
  }
  const parents = parentNames(job);
  const inEndpoint = (name: string) => placeholders.some(({ resource, inEndpoint: is }) => is && resource === name);
  const column = (name: string): JobColumnName => (inEndpoint(name) ? 'api_endpoint' : 'table_name');
  const [first, second] = parents;
  if (first !== undefined && second !== undefined) {
    found.push({
      column: column(second),
      code: 'JOB_PARENT_SEVERAL',
      problem: `it has two parents, ${first} and ${second}`,
      hint: 'A resource can have one parent; fields of its own parent can be taken along with include.',
    });
  }
  for (const parent of parents) {
    if (!siblings.has(parent)) {
      found.push({
        column: column(parent),
        code: 'JOB_PARENT_UNKNOWN',
        problem: `its parent ${parent} is no job of connection ${job.source_name}`,
        hint: meant(didYouMean(parent, [...siblings.keys()])),
      });
    } else {
      const loop = loopOf(job, parent, siblings);
      if (loop === null) continue;
      found.push({
        column: column(parent),
        code: 'JOB_PARENT_LOOP',
        problem: `a resource cannot be its own parent: ${loop.join(' → ')}`,
        hint: 'Correct the parent of one of them.',
      });
    }
  }
  return found;
}

/** The way from a job over its parents back to itself; null where there is none. */
function loopOf(job: Job, parent: string, siblings: ReadonlyMap<string, Job>): string[] | null {
  const way = [job.table_name];
  for (let name: string | undefined = parent; name !== undefined; ) {
    if (name === job.table_name) return [...way, name];
    if (way.includes(name)) return null;
    way.push(name);
    const next = siblings.get(name);
    [name] = next ? parentNames(next) : [];
  }
  return null;
}
