import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../bundle/write-atomic.ts';
import { IngestError } from '../errors.ts';
import type {
  KnownSecrets,
  PreviewRecorder,
  RecordedFailure,
  RecordedRequest,
  RecordedResponse,
} from '../sources/source.ts';
import { SecretHider } from './hide-secrets.ts';

/** What stands in a recording file. A newer version is refused, an older one is still read. */
export const RECORDING_VERSION = 1;
const FORMAT = 'ingest-studio-recording';

const requestModel = z.object({
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
});
const responseModel = z.object({
  status: z.int(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  text: z.string(),
  bytes: z.number(),
  durationMs: z.number(),
});
const failureModel = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

const exchangeModel = z.union([
  z.object({ request: requestModel, response: responseModel }),
  z.object({ request: requestModel, failure: failureModel }),
]);

export const recordingModel = z.object({
  format: z.literal(FORMAT),
  version: z.int().min(1),
  created_at: z.string(),
  job: z.string(),
  base_url: z.string(),
  exchanges: z.array(exchangeModel),
});
export type Recording = z.infer<typeof recordingModel>;
export type RecordedExchange = Recording['exchanges'][number];

/** Text of all responses together: what a file of a recording may weigh, and what is kept in memory for one. */
const MOST_CHARACTERS = 64 * 2 ** 20;
const MOST_FILE_BYTES = 256 * 2 ** 20;

interface Kept {
  request: RecordedRequest;
  outcome: { response: RecordedResponse } | { failure: RecordedFailure };
  secrets: KnownSecrets;
}

/** Keeps the exchanges of one preview in memory; secrets are removed when the recording is made of them. */
export class Recorder implements PreviewRecorder {
  readonly #kept: Kept[] = [];
  #characters = 0;

  /** More came than a recording may hold. */
  get isTooLarge(): boolean {
    return this.#characters > MOST_CHARACTERS;
  }

  add(request: RecordedRequest, response: RecordedResponse, secrets: KnownSecrets): void {
    this.#characters += response.text.length;
    if (this.isTooLarge) this.#kept.length = 0;
    else this.#kept.push({ request, outcome: { response: only(response) }, secrets });
  }

  addFailure(request: RecordedRequest, failure: RecordedFailure, secrets: KnownSecrets): void {
    if (!this.isTooLarge) this.#kept.push({ request, outcome: { failure }, secrets });
  }

  /**
   * The recording: known secrets, tokens learned on the way, and what stands under the name of a secret (headers, query, body) are not in it.
   * @throws IngestError RECORDING_TOO_LARGE, RECORDING_EMPTY
   */
  recording(about: { job: string; baseUrl: string; now: Date }): Recording {
    if (this.isTooLarge) {
      const size = (this.#characters / 2 ** 20).toFixed(1);
      throw new IngestError(
        'RECORDING_TOO_LARGE',
        `The responses have ${size} MiB of text; a recording holds 64 MiB at most, so nothing was recorded.`,
        { hint: 'Preview with a smaller page_size, or fewer pages.' },
      );
    }
    const [first] = this.#kept;
    if (first === undefined)
      throw new IngestError('RECORDING_EMPTY', 'No request was answered, so there is nothing to record.');
    const hider = new SecretHider((name) => first.secrets.isSecretName(name));
    return {
      format: FORMAT,
      version: RECORDING_VERSION,
      created_at: about.now.toISOString(),
      job: about.job,
      base_url: hider.text(
        first.secrets.hide(isWeb(about.baseUrl) ? about.baseUrl : new URL(first.request.url).origin),
      ),
      exchanges: this.#kept.map((kept) => redacted(kept, hider)),
    };
  }
}

/** The sample's address is another one each time: `sample:shop`. */
function isWeb(address: string): boolean {
  return /^https?:\/\//i.test(address);
}

/** A response without what a client keeps beside it (its bytes). */
function only({ status, url, headers, text, bytes, durationMs }: RecordedResponse): RecordedResponse {
  return { status, url, headers, text, bytes, durationMs };
}

function redacted({ request, outcome, secrets }: Kept, hider: SecretHider): RecordedExchange {
  const clean = (text: string) => hider.text(secrets.hide(text));
  const headers = (of: Record<string, string>) =>
    hider.headers(Object.fromEntries(Object.entries(of).map(([name, value]) => [name, secrets.hide(value)])));
  const asked = {
    method: request.method,
    url: clean(request.url),
    headers: headers(request.headers),
    body: request.body === undefined ? null : (JSON.parse(clean(JSON.stringify(request.body))) as unknown),
  };
  if ('failure' in outcome) {
    const { code, message, hint } = outcome.failure;
    return {
      request: asked,
      failure: { code, message: clean(message), ...(hint === undefined ? {} : { hint: clean(hint) }) },
    };
  }
  const { response } = outcome;
  return {
    request: asked,
    response: { ...response, url: clean(response.url), headers: headers(response.headers), text: clean(response.text) },
  };
}

/** Writes it whole or not at all. */
export async function writeRecording(file: string, recording: Recording): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(recording, null, 1)}\n`, { mode: 0o600 });
}

/** @throws IngestError RECORDING_NOT_FOUND, RECORDING_INVALID, RECORDING_TOO_NEW */
export async function readRecording(file: string): Promise<Recording> {
  const invalid = (why: string, cause?: unknown) =>
    new IngestError('RECORDING_INVALID', `${file} is no recording of a preview: ${why}.`, {
      hint: 'Recordings are made by `ingest preview JOB --record FILE` or by Save recording in the API preview.',
      cause,
    });
  let text: string;
  try {
    if ((await stat(file)).size > MOST_FILE_BYTES) throw invalid('it is larger than 256 MB');
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof IngestError) throw error;
    throw new IngestError('RECORDING_NOT_FOUND', `${file} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw invalid('it is no JSON', error);
  }
  const head = z.object({ format: z.literal(FORMAT), version: z.int() }).safeParse(raw);
  if (!head.success) throw invalid('it does not begin like one');
  if (head.data.version > RECORDING_VERSION) {
    throw new IngestError('RECORDING_TOO_NEW', `${file} was made by a newer version of Ingest Studio.`, {
      hint: 'Update this one, or record again.',
    });
  }
  const parsed = recordingModel.safeParse(raw);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).split('\n')[0] ?? 'its form is wrong', parsed.error);
  return parsed.data;
}
