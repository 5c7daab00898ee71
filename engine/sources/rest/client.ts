import type { Readable } from 'node:stream';
import { type Dispatcher, request as undiciRequest } from 'undici';
import { cancelled, IngestError, isIngestError, throwIfCancelled } from '../../errors.ts';
import type { ResponseRule } from '../../spec/resource.ts';
import type { Authenticator, Credentials } from './auth.ts';
import { ACCEPT_ENCODING, type BodyLimits, decodeText, readBody } from './body.ts';
import type { Clock } from './clock.ts';
import { connectionError, httpError, isRetryableStatus } from './http-errors.ts';
import { askedPauseMs, MAX_PAUSE_MS, type TokenBucket } from './rate-limit.ts';
import type { Redactor } from './redact.ts';

/** A request before it is signed. */
export interface ApiRequest {
  method: 'GET' | 'POST';
  url: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** Sent as JSON. */
  body: unknown;
  /** Charset of a response that declares none. */
  encoding: string;
  /** What to do with certain responses (options.response_actions); the first that fits counts. */
  rules?: readonly ResponseRule[];
}

export interface ApiResponse {
  status: number;
  /** Where it came from in the end, after redirects; without the credentials that were added. */
  url: string;
  headers: Record<string, string>;
  text: string;
  /** The decoded body where it is UTF-8 without a byte order mark; null else. */
  utf8: Buffer | null;
  /** Bytes received. */
  bytes: number;
  durationMs: number;
  /** A rule of the job says so: nothing in it counts. `status` may be any. */
  dropped?: 'ignore' | 'stop';
}

export interface ClientOptions {
  timeoutSeconds: number;
  bucket: TokenBucket;
  authenticator: () => Authenticator;
  authType: string;
  redactor: Redactor;
  clock: Clock;
  limits: BodyLimits;
}

export const MAX_ATTEMPTS = 5;
const BASE_WAIT_MS = 1000;
const MAX_REDIRECTS = 10;
/** A body that trickles must end some day: so many timeouts for one exchange, at least ten minutes. */
const TOTAL_TIMEOUTS = 20;
const MIN_TOTAL_SECONDS = 600;

/** Called before a request is sent again. */
export type OnRetry = (retry: { attempt: number; waitMs: number; error: IngestError }) => void;

interface Exchange {
  status: number;
  headers: Record<string, string>;
  text: string;
  utf8: Buffer | null;
  bytes: number;
}

/** HTTP for one connection: signs, limits the rate, retries, follows redirects without giving credentials away, decodes. */
export class ApiClient {
  readonly #options: ClientOptions;
  readonly #agent: (signal: AbortSignal) => Promise<Dispatcher>;

  /** @param agent called before each request; opened once */
  constructor(options: ClientOptions, agent: (signal: AbortSignal) => Promise<Dispatcher>) {
    this.#options = options;
    this.#agent = agent;
  }

  /** The same connection with another sign-in (a job's auth_type). */
  with(options: Partial<ClientOptions>): ApiClient {
    return new ApiClient({ ...this.#options, ...options }, this.#agent);
  }

  /**
   * Sends a request until it has a 2xx answer, or one that a rule of the job drops: 5 attempts for 429, 5xx, connection errors and timeouts, with
   * exponential back-off and jitter, or as long as the server's headers say (at most 300 s). A 401 is tried once more with renewed credentials.
   * @throws IngestError described by http-errors.ts, API_RESPONSE_ACTION
   */
  async send(request: ApiRequest, signal: AbortSignal, onRetry: OnRetry): Promise<ApiResponse> {
    const { bucket, clock, redactor } = this.#options;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      throwIfCancelled(signal);
      await bucket.take(signal);
      const authenticator = this.#options.authenticator();
      const credentials = await authenticator.credentials(signal);
      const started = clock.now();
      let error: IngestError;
      let asked: number | null = null;
      try {
        const { response, url } = await this.#follow(request, credentials, signal);
        const { status } = response;
        asked = askedPauseMs(response.headers, clock.now());
        // What one job is told holds for all jobs of the connection.
        if (asked !== null) bucket.pauseUntil(clock.now() + asked);
        if (status === 401 && !renewed) {
          renewed = true;
          if (await authenticator.renew(credentials, signal)) {
            attempt -= 1;
            continue;
          }
        }
        const rule = request.rules?.find((candidate) => fits(candidate, response));
        if (rule?.action === 'ignore' || rule?.action === 'stop' || (!rule && status >= 200 && status < 300)) {
          // Not a copy: that would make the text, which not every reader needs.
          return Object.assign(response, {
            url,
            durationMs: clock.now() - started,
            ...(rule ? { dropped: rule.action as 'ignore' | 'stop' } : {}),
          });
        }
        if (rule) error = ruleError(rule, response, `${request.method} ${redactor.url(url)}`, redactor);
        else {
          const answered = { status, text: response.text, url, method: request.method };
          error = httpError(answered, this.#options.authType, redactor, asked !== null);
        }
      } catch (thrown) {
        if (signal.aborted) throw cancelled(signal);
        error = isIngestError(thrown)
          ? thrown
          : connectionError(thrown, request.url, this.#options.timeoutSeconds, redactor);
      }
      if (!error.retryable) throw error;
      if (attempt >= MAX_ATTEMPTS) {
        throw new IngestError(error.code, `${error.message} (${MAX_ATTEMPTS} attempts)`, {
          hint: error.hint,
          retryable: true,
          cause: error,
        });
      }
      const waitMs = retryWait(attempt, asked, clock);
      onRetry({ attempt, waitMs, error });
      await clock.sleep(waitMs, signal);
    }
  }

  /** A token request: retried like any other, but neither signed nor redirected. Answers of 4xx are the caller's. */
  async sendToken(
    request: { url: string; headers: Record<string, string>; body: string },
    signal: AbortSignal,
  ): Promise<{ status: number; text: string; headers: Record<string, string> }> {
    for (let attempt = 1; ; attempt += 1) {
      let error: IngestError;
      let asked: number | null = null;
      try {
        const response = await this.#exchange('POST', request.url, request.headers, request.body, 'utf-8', signal);
        if (!isRetryableStatus(response.status)) return response;
        asked = askedPauseMs(response.headers, this.#options.clock.now());
        error = httpError({ ...response, url: request.url, method: 'POST' }, 'oauth2', this.#options.redactor);
      } catch (thrown) {
        if (signal.aborted) throw cancelled(signal);
        error = isIngestError(thrown)
          ? thrown
          : connectionError(thrown, request.url, this.#options.timeoutSeconds, this.#options.redactor);
      }
      if (!error.retryable || attempt >= MAX_ATTEMPTS) throw error;
      await this.#options.clock.sleep(retryWait(attempt, asked, this.#options.clock), signal);
    }
  }

  async #follow(
    request: ApiRequest,
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<{ response: Exchange; url: string }> {
    let { method, url } = request;
    const home = new URL(url).origin;
    for (let redirects = 0; ; redirects += 1) {
      const trusted = new URL(url).origin === home;
      // Headers of the connection may be secrets too: another origin gets none of them.
      const headers: Record<string, string> = {
        'user-agent': 'ingest-studio',
        accept: 'application/json',
        ...(trusted ? signedHeaders(request.headers, credentials.headers) : {}),
      };
      headers['accept-encoding'] ??= ACCEPT_ENCODING;
      const body = method === 'POST' && trusted ? JSON.stringify(request.body ?? {}) : null;
      if (body !== null) headers['content-type'] ??= 'application/json';
      const signed = trusted ? withQuery(url, credentials.query) : url;
      const response = await this.#exchange(method, signed, headers, body, request.encoding, signal);
      const location = response.headers.location;
      if (response.status < 300 || response.status > 399 || response.status === 304 || location === undefined)
        return { response, url };
      const target = URL.canParse(location, url) ? new URL(location, url) : null;
      if (!target || !/^https?:$/.test(target.protocol) || redirects >= MAX_REDIRECTS) {
        throw new IngestError(
          'API_REDIRECT',
          `${this.#options.redactor.url(url)} redirects ${target ? 'without end' : 'to no address'}.`,
          {
            hint: 'Check base_url and api_endpoint.',
          },
        );
      }
      if (target.origin !== home && method === 'POST') {
        throw new IngestError(
          'API_REDIRECT',
          `${this.#options.redactor.url(url)} redirects a POST to ${target.origin}.`,
          {
            hint: 'The request body is not sent to another origin: set base_url to the new address if it is right.',
          },
        );
      }
      if (response.status === 303) method = 'GET';
      for (const name of Object.keys(credentials.query)) target.searchParams.delete(name);
      url = target.href;
    }
  }

  async #exchange(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | null,
    encoding: string,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const timeout = this.#options.timeoutSeconds * 1000;
    const total = Math.max(timeout * TOTAL_TIMEOUTS, MIN_TOTAL_SECONDS * 1000);
    return await withDeadline(total, signal, (either) => this.#answer(method, url, headers, body, encoding, either));
  }

  async #answer(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | null,
    encoding: string,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const timeout = this.#options.timeoutSeconds * 1000;
    const response = await undiciRequest(url, {
      dispatcher: await this.#agent(signal),
      method: method as Dispatcher.HttpMethod,
      headers,
      body,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      signal,
    });
    const received = flatHeaders(response.headers);
    const { bytes, received: length } = await readBody(
      response.body as unknown as Readable,
      received['content-encoding'] ?? null,
      this.#options.limits,
    );
    const { text, isUtf8 } = decodeText(bytes, received['content-type'] ?? null, encoding);
    return {
      status: response.statusCode,
      headers: received,
      utf8: isUtf8 ? bytes : null,
      bytes: length,
      get text() {
        const made = text();
        Object.defineProperty(this, 'text', { value: made, enumerable: true });
        return made;
      },
    };
  }
}

/** AbortSignal.timeout would keep a timer and a signal of every request for the whole time. */
async function withDeadline<Result>(
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const either = new AbortController();
  const cancel = () => either.abort(signal.reason);
  const timer = setTimeout(
    () => either.abort(new DOMException('The exchange takes too long.', 'TimeoutError')),
    milliseconds,
  );
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    return await work(either.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}

/** Milliseconds before attempt n + 1: what the server asks for, else a random time that doubles (full jitter above half). */
export function retryWait(attempt: number, asked: number | null, clock: Clock): number {
  if (asked !== null) return Math.min(asked, MAX_PAUSE_MS);
  const ceiling = Math.min(BASE_WAIT_MS * 2 ** (attempt - 1), MAX_PAUSE_MS);
  return Math.round(ceiling / 2 + (clock.random() * ceiling) / 2);
}

function fits(rule: ResponseRule, response: Exchange): boolean {
  if (rule.status_code !== undefined && rule.status_code !== response.status) return false;
  return rule.content === undefined || response.text.includes(rule.content);
}

function ruleError(rule: ResponseRule, response: Exchange, where: string, redactor: Redactor): IngestError {
  const because = rule.content === undefined ? '' : ` with "${rule.content}" in it`;
  return new IngestError(
    'API_RESPONSE_ACTION',
    `${where} answered ${response.status}${because}, which response_actions take for ${rule.action === 'retry' ? 'a passing failure' : 'an error'}: ${redactor.excerpt(response.text)}`,
    {
      hint: "Change response_actions in the resource's options if such a response is fine.",
      retryable: rule.action === 'retry',
    },
  );
}

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

/** A key that is sent as a cookie stands beside the job's own cookies. */
function signedHeaders(own: Record<string, string>, signature: Record<string, string>): Record<string, string> {
  const cookies = [own.cookie, signature.cookie].filter((cookie) => cookie !== undefined);
  return { ...own, ...signature, ...(cookies.length > 0 ? { cookie: cookies.join('; ') } : {}) };
}

function withQuery(url: string, query: Record<string, string>): string {
  if (Object.keys(query).length === 0) return url;
  const copy = new URL(url);
  for (const [name, value] of Object.entries(query)) copy.searchParams.set(name, value);
  return copy.href;
}
