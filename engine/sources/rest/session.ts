import { IngestError, orCancelled } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { Job } from '../../spec/job.ts';
import type { AuthType } from '../../spec/kinds.ts';
import { parentNames } from '../../spec/placeholders.ts';
import { openTransport, type Transport } from './agent.ts';
import { type Authenticator, createAuthenticator } from './auth.ts';
import { DEFAULT_BODY_LIMITS } from './body.ts';
import { ApiClient } from './client.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { PageClient } from './pages.ts';
import { TokenBucket } from './rate-limit.ts';
import { isSensitiveKey, Redactor } from './redact.ts';
import { ResponseStore } from './response-store.ts';
import type { RestSourceDependencies } from './rest-source.ts';

/** What all reads of one connection share: rate limit, access tokens, sockets, and the answers of parent resources. */
export interface ApiSession {
  connection: ApiConnection;
  /** Jobs of the connection, among which parents are looked up. */
  jobs: readonly Job[];
  clock: Clock;
  redactor: Redactor;
  /** Signs as the connection says. */
  client: ApiClient;
  /** Signs as the job says. In a run a parent's answers are kept, so that it is read once however many children it has. */
  clientOf(job: Job): PageClient;
  authenticator(): Authenticator;
  transport(): Promise<Transport>;
  close(): Promise<void>;
}

export function openSession(connection: ApiConnection, deps: RestSourceDependencies): ApiSession {
  const clock = deps.clock ?? SYSTEM_CLOCK;
  const redactor = new Redactor(secretsOf(connection));
  const lifetime = new AbortController();
  const jobs = (deps.jobs ?? []).filter((job) => job.source_type === 'api');
  const parents = new Set(jobs.flatMap(parentNames));
  const answers = deps.spoolDirectory === undefined ? null : new ResponseStore(deps.spoolDirectory);
  let opened: Promise<Transport> | null = null;
  let dispatcher: Transport['dispatcher'] | null = null;
  const transport = () => {
    if (lifetime.signal.aborted)
      return Promise.reject(new IngestError('SOURCE_CLOSED', `Connection ${connection.name} is closed.`));
    opened ??= openTransport(
      connection,
      deps.environment ?? process.env,
      deps.resolvePath ?? ((path) => path),
      lifetime.signal,
    );
    return opened;
  };
  const authenticators = new Map<AuthType, Authenticator>();
  const authenticator = (type: AuthType): Authenticator => {
    const known = authenticators.get(type);
    if (known) return known;
    const made = createAuthenticator(
      { ...connection.auth, type },
      { transport: (request, signal) => client.sendToken(request, signal), clock, redactor, lifetime: lifetime.signal },
    );
    authenticators.set(type, made);
    return made;
  };
  const client = new ApiClient(
    {
      timeoutSeconds: connection.timeout,
      bucket: new TokenBucket(connection.rate_limit ?? null, clock),
      authenticator: () => authenticator(connection.auth.type),
      authType: connection.auth.type,
      redactor,
      clock,
      limits: deps.limits ?? DEFAULT_BODY_LIMITS,
    },
    async (signal) => {
      dispatcher ??= (await orCancelled(transport(), signal)).dispatcher;
      return dispatcher;
    },
  );
  return {
    connection,
    jobs,
    clock,
    redactor,
    client,
    clientOf(job) {
      for (const secret of [...sensitiveValues(job.options.headers), ...sensitiveValues(job.options.params)])
        redactor.add(secret);
      const own = client.with({ authenticator: () => authenticator(job.auth_type), authType: job.auth_type });
      return answers && parents.has(job.table_name) ? answers.keeping(own, job.auth_type) : own;
    },
    authenticator: () => authenticator(connection.auth.type),
    transport,
    async close() {
      lifetime.abort();
      await answers?.remove();
      await opened?.then(
        (open) => open.close(),
        () => undefined,
      );
    },
  };
}

function secretsOf(connection: ApiConnection): string[] {
  const { api_key, token, password, client_secret } = connection.auth;
  const own = [api_key, token, password, client_secret].filter((secret) => secret !== undefined);
  const proxy = connection.proxy;
  if (proxy !== undefined && URL.canParse(proxy) && new URL(proxy).password !== '')
    own.push(decodeURIComponent(new URL(proxy).password));
  return [...own, ...sensitiveValues(connection.headers), ...sensitiveValues(connection.params)];
}

function sensitiveValues(values: Record<string, unknown>): string[] {
  return Object.entries(values).flatMap(([key, value]) =>
    isSensitiveKey(key) && typeof value === 'string' ? [value] : [],
  );
}
