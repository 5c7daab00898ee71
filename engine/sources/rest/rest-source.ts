import type { Dispatcher } from 'undici';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import type { AuthType } from '../../spec/kinds.ts';
import type { Source } from '../source.ts';
import { type Authenticator, createAuthenticator } from './auth.ts';
import { type BodyLimits, DEFAULT_BODY_LIMITS } from './body.ts';
import { ApiClient, createAgent } from './client.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { testConnection } from './connection-test.ts';
import { planPages } from './pages.ts';
import { previewJob } from './preview.ts';
import { TokenBucket } from './rate-limit.ts';
import { describeIncremental, readJob } from './read.ts';
import { isSensitiveKey, Redactor } from './redact.ts';
import { pageRequest } from './request.ts';

export interface RestSourceDependencies {
  /** Default: the system's clock. */
  clock?: Clock;
  /** Default: {@link DEFAULT_BODY_LIMITS}. */
  limits?: BodyLimits;
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up; default: the process's own. */
  environment?: Record<string, string | undefined>;
  /** Sends the requests; default: an agent of its own. One that is passed in is not closed. */
  dispatcher?: Dispatcher;
}

/**
 * A REST API as a source. One object a connection: its jobs share the rate limit, the access token and the connections.
 */
export function createRestSource(connection: ApiConnection, deps: RestSourceDependencies = {}): Source {
  const clock = deps.clock ?? SYSTEM_CLOCK;
  const redactor = new Redactor(secretsOf(connection));
  const lifetime = new AbortController();
  const ownAgent = deps.dispatcher ? null : createAgent(connection.timeout, deps.environment ?? process.env);
  const authenticators = new Map<AuthType, Authenticator>();
  const authenticator = (type: AuthType): Authenticator => {
    const known = authenticators.get(type);
    if (known) return known;
    const made = createAuthenticator(
      { ...connection.auth, type },
      { transport: (request, signal) => base.sendToken(request, signal), clock, redactor, lifetime: lifetime.signal },
    );
    authenticators.set(type, made);
    return made;
  };
  const base = new ApiClient(
    {
      timeoutSeconds: connection.timeout,
      bucket: connection.rate_limit ? new TokenBucket(connection.rate_limit, clock) : null,
      authenticator: () => authenticator(connection.auth.type),
      authType: connection.auth.type,
      redactor,
      clock,
      limits: deps.limits ?? DEFAULT_BODY_LIMITS,
    },
    deps.dispatcher ?? (ownAgent as Dispatcher),
  );
  const clientOf = (job: Job): ApiClient => {
    for (const secret of [...sensitiveValues(job.options.headers), ...sensitiveValues(job.options.params)])
      redactor.add(secret);
    return base.with({ authenticator: () => authenticator(job.auth_type), authType: job.auth_type });
  };
  return {
    test: (signal) =>
      testConnection(
        {
          connection,
          client: () => base,
          authenticator: () => authenticator(connection.auth.type),
          redactor,
          now: clock.now,
        },
        signal,
      ),
    // Resources are what the jobs name; reading an OpenAPI document comes with the API preview.
    discover: async () => [],
    async explain(request) {
      const plan = planPages(connection, request.job, request.incremental);
      const first = pageRequest(plan.template, plan.paginator.first().patch);
      const lines = [`${first.method} ${redactor.url(first.url)}`];
      if (first.body !== undefined) lines.push(JSON.stringify(redactor.body(first.body)));
      lines.push(`${request.job.pagination_type} pagination`);
      if (request.incremental)
        lines.push(describeIncremental(request.incremental, request.job.options.incremental?.start_param));
      return lines.join('\n');
    },
    async *read(request, context) {
      const plan = planPages(connection, request.job, request.incremental);
      return yield* readJob(plan, request, context, clientOf(request.job), redactor);
    },
    async preview(request, context, limits) {
      const at = limits.replay === undefined ? connection : { ...connection, base_url: limits.replay.baseUrl };
      return previewJob({
        plan: planPages(at, request.job, request.incremental),
        request,
        limits,
        client: clientOf(request.job),
        redactor,
        rateLimit: connection.rate_limit ?? null,
        signal: context.signal,
      });
    },
    async close() {
      lifetime.abort();
      await ownAgent?.destroy();
    },
  };
}

function secretsOf(connection: ApiConnection): string[] {
  const { api_key, token, password, client_secret } = connection.auth;
  const own = [api_key, token, password, client_secret].filter((secret) => secret !== undefined);
  return [...own, ...sensitiveValues(connection.headers), ...sensitiveValues(connection.params)];
}

function sensitiveValues(values: Record<string, unknown>): string[] {
  return Object.entries(values).flatMap(([key, value]) =>
    isSensitiveKey(key) && typeof value === 'string' ? [value] : [],
  );
}
