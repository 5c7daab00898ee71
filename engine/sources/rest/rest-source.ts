import { IngestError } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import type { PreviewLimits, ReadContext, ReadRequest, Source } from '../source.ts';
import type { BodyLimits } from './body.ts';
import type { Clock } from './clock.ts';
import { testConnection } from './connection-test.ts';
import { discoverResources } from './openapi.ts';
import { boundsOf, type PagePlan, planPages } from './pages.ts';
import { parentOf } from './placeholders.ts';
import { previewJob, recordedClient } from './preview.ts';
import { describeIncremental, readJob } from './read.ts';
import { pageRequest } from './request.ts';
import { type ApiSession, openSession } from './session.ts';
import { slicesOf } from './slices.ts';
import { pageStreams } from './streams.ts';

export interface RestSourceDependencies {
  /** Default: the system's clock. */
  clock?: Clock;
  /** Default: `DEFAULT_BODY_LIMITS` of body.ts. */
  limits?: BodyLimits;
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up; default: the process's own. */
  environment?: Record<string, string | undefined>;
  /** The project's jobs, among which parents of child resources are found. */
  jobs?: readonly Job[];
  /** A run's folder for temporary files that several jobs use; without it nothing is kept for other jobs. */
  spoolDirectory?: string;
  /** Makes a path of the project's folder absolute; default: from the process's folder. */
  resolvePath?: (path: string) => string;
}

/**
 * A REST API as a source. One object a connection: its jobs share the rate limit, the access token, the connections and the answers of parents.
 */
export function createRestSource(connection: ApiConnection, deps: RestSourceDependencies = {}): Source {
  const session = openSession(connection, deps);
  return {
    test: (signal) => testConnection(session, signal),
    discover: (filter, signal) => discoverResources(session, filter, signal),
    explain: async (request) => explain(session, request),
    read: (request, context) => readJob(session, request, context),
    async preview(request, context, limits) {
      return previewJob({
        plan: await previewPlan(session, request, context, limits),
        request,
        limits,
        client: session.clientOf(request.job),
        redactor: session.redactor,
        rateLimit: connection.rate_limit ?? null,
        signal: context.signal,
      });
    },
    close: () => session.close(),
  };
}

/** The first request of the next read; of a child, with the placeholders of its parent as they stand. */
function explain(session: ApiSession, { job, incremental }: ReadRequest): string {
  const { connection, redactor, clock } = session;
  const link = parentOf(job);
  const slices = slicesOf(job, incremental, clock);
  const slice = slices[0] ?? null;
  const parent = link ? Object.fromEntries(link.bound.map((field) => [field, `{${link.resource}.${field}}`])) : null;
  const plan = planPages(connection, job, slice, { ...boundsOf(job, slice), parent });
  const first = pageRequest(plan.template, plan.paginator.first().patch);
  const shown = redactor.url(first.url).replaceAll('%7B', '{').replaceAll('%7D', '}');
  const lines = [`${first.method} ${shown}`];
  if (first.body !== undefined) lines.push(JSON.stringify(redactor.body(first.body)));
  lines.push(`${job.pagination_type} pagination`);
  if (link) lines.push(`one request for each record of ${link.resource}`);
  if (slices.length > 1) lines.push(`in ${slices.length} slices of ${job.options.slice}`);
  if (incremental) lines.push(describeIncremental(incremental, job));
  return lines.join('\n');
}

/** The pages that a preview shows: those of the first parent record, those of the first slice. What is asked of the parent is recorded too. */
async function previewPlan(
  session: ApiSession,
  { job, incremental }: ReadRequest,
  context: ReadContext,
  limits: PreviewLimits,
): Promise<PagePlan> {
  const connection =
    limits.replay === undefined ? session.connection : { ...session.connection, base_url: limits.replay.baseUrl };
  if (parentOf(job) === null) return planPages(connection, job, slicesOf(job, incremental, session.clock)[0] ?? null);
  const streams = pageStreams(job, incremental, {
    session: {
      ...session,
      connection,
      clientOf: (parent) => recordedClient(session.clientOf(parent), limits, session.redactor),
    },
    spoolDirectory: context.spoolDirectory,
    signal: context.signal,
    onRetry: () => undefined,
    warn: context.warn,
    log: context.log,
    parentLimit: 1,
  });
  const { value } = await streams.next();
  await streams.return();
  if (value) return value.plan;
  throw new IngestError('API_PARENT_EMPTY', `${job.table_name} cannot be previewed: its parent has no records.`, {
    hint: 'Preview the parent resource first.',
  });
}
