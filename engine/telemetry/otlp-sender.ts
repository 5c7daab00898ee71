import { request } from 'undici';
import { messageOf } from '../errors.ts';
import { openDispatcher } from '../network/dispatcher.ts';
import type { Environment } from '../network/environment.ts';
import type { TelemetrySettings } from './telemetry-settings.ts';

/** Statuses after which the protocol asks to try again. */
const BUSY = new Set([429, 502, 503, 504]);
const TRIES = 2;
const WAIT_MS = 300;

/** Sends telemetry like every other request of a run: proxy and authorities of the environment, no redirects. */
export class OtlpSender {
  readonly #settings: TelemetrySettings;
  readonly #dispatcher: ReturnType<typeof openDispatcher>;
  readonly #closing = new AbortController();
  /** The first thing that went wrong, without an address's secrets; null where all arrived. */
  problem: string | null = null;

  /** @throws IngestError PROXY_UNUSABLE */
  constructor(settings: TelemetrySettings, environment: Environment) {
    this.#settings = settings;
    this.#dispatcher = openDispatcher(environment, settings.timeout);
  }

  /** Never throws. @returns whether it arrived */
  async send(url: URL, body: Uint8Array): Promise<boolean> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#settings.timeout)]);
    const { json, headers } = this.#settings;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await request(withoutUser(url), {
          method: 'POST',
          headers: {
            ...userOf(url),
            ...headers,
            'content-type': json ? 'application/json' : 'application/x-protobuf',
          },
          body,
          dispatcher: this.#dispatcher,
          signal,
        });
        await answer.body.dump({ limit: 64 * 1024, signal });
        if (answer.statusCode >= 200 && answer.statusCode < 300) return true;
        if (attempt >= TRIES || !BUSY.has(answer.statusCode))
          return this.#failed(`${url.host} answered with status ${answer.statusCode}`);
        await new Promise((resolve) => setTimeout(resolve, WAIT_MS).unref());
      }
    } catch (error) {
      if (signal.aborted) return this.#failed(`${url.host} did not answer in time`);
      return this.#failed(messageOf(error).replaceAll(url.href, url.host).slice(0, 300));
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#dispatcher.destroy();
  }

  #failed(problem: string): false {
    this.problem ??= problem;
    return false;
  }
}

function withoutUser(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

function userOf({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
