import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { IngestError } from '../../errors.ts';
import { type RetryOptions, withRetry } from '../../retry.ts';
import { literal } from './sql-text.ts';
import { askedWait } from './warehouse-errors.ts';

/** Where Parquet files wait for COPY INTO: an object store or a volume. Keys are parts joined with `/`. */
export interface StagingPlace {
  /** For people, without secrets. */
  readonly location: string;
  /** Address of a folder (its key ends in `/`) as the warehouse takes it. */
  url(folder: string): string;
  /** What COPY INTO needs to read there, made for each statement anew; null where the warehouse has its own access. */
  credential(): Promise<StagingCredential | null>;
  write(key: string, body: Readable, bytes: number, signal: AbortSignal): Promise<void>;
  /** Keys of everything below a folder. */
  list(folder: string, signal: AbortSignal): Promise<string[]>;
  remove(keys: readonly string[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export type StagingCredential =
  | { kind: 'named'; name: string }
  | { kind: 'azure_sas'; token: string }
  | { kind: 'aws_session'; accessKey: string; secretKey: string; sessionToken: string };

/** A FROM clause's `'url' WITH (CREDENTIAL …)`, and the secrets in it. */
export interface StagedSource {
  sql: string;
  secrets: string[];
}

const FILES_AT_ONCE = 4;

/**
 * The staged files of one target's loads: `ingest-staging/<place>/<schema>/<table>/<load id>/<n>/<file>`.
 * A load id's paths are never used again, since COPY INTO passes over every path that it has loaded, whatever is in the file now.
 */
export class Staging {
  readonly #place: StagingPlace;
  readonly #folder: string;
  readonly #retry: Pick<RetryOptions, 'attempts' | 'firstWait' | 'longestWait'>;

  /** @param owner what tells this destination from others that stage in the same place */
  constructor(
    place: StagingPlace,
    owner: string,
    schema: string,
    table: string,
    retry: Pick<RetryOptions, 'attempts' | 'firstWait' | 'longestWait'> = {},
  ) {
    this.#place = place;
    this.#retry = retry;
    const tag = createHash('sha256').update(owner).digest('hex').slice(0, 10);
    this.#folder = `ingest-staging/${tag}/${keyPart(schema)}/${keyPart(table)}/`;
  }

  /** Uploads the files of one table of a load. */
  async put(loadId: string, table: number, files: readonly string[], signal: AbortSignal): Promise<void> {
    const folder = this.#tableFolder(loadId, table);
    const waiting = [...files];
    const worker = async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const { size } = await stat(file);
        const key = folder + basename(file);
        // a stream is read once, so each try opens the file anew
        await withRetry(() => this.#place.write(key, createReadStream(file), size, signal), {
          attempts: 4,
          ...this.#retry,
          signal,
          askedWait,
        });
      }
    };
    const results = await Promise.allSettled(Array.from({ length: Math.min(FILES_AT_ONCE, files.length) }, worker));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async source(loadId: string, table: number): Promise<StagedSource> {
    const url = literal(this.#place.url(this.#tableFolder(loadId, table)));
    const credential = await this.#place.credential();
    if (credential === null) return { sql: url, secrets: [] };
    switch (credential.kind) {
      case 'named':
        return { sql: `${url} WITH (CREDENTIAL \`${credential.name.replaceAll('`', '``')}\`)`, secrets: [] };
      case 'azure_sas':
        return {
          sql: `${url} WITH (CREDENTIAL (AZURE_SAS_TOKEN = ${literal(credential.token)}))`,
          secrets: [credential.token, ...signatures(credential.token)],
        };
      case 'aws_session': {
        const { accessKey, secretKey, sessionToken } = credential;
        return {
          sql: `${url} WITH (CREDENTIAL (AWS_ACCESS_KEY = ${literal(accessKey)}, AWS_SECRET_KEY = ${literal(secretKey)}, AWS_SESSION_TOKEN = ${literal(sessionToken)}))`,
          secrets: [secretKey, sessionToken],
        };
      }
      default:
        return credential satisfies never;
    }
  }

  /** Removes the files of a load, and of every other load that ended without doing so: the caller holds the target's lock. */
  async clear(except: string | null, signal: AbortSignal): Promise<void> {
    const kept = except === null ? null : `${this.#folder}${keyPart(except)}/`;
    const keys = await this.#place.list(this.#folder, signal);
    const gone = keys.filter((key) => kept === null || !key.startsWith(kept));
    if (gone.length > 0) await this.#place.remove(gone, signal);
  }

  #tableFolder(loadId: string, table: number): string {
    return `${this.#folder}${keyPart(loadId)}/${table}/`;
  }
}

/** Writes, reads the listing of, and deletes a small object: what a load will do. */
export async function probeStaging(place: StagingPlace, signal: AbortSignal): Promise<void> {
  const folder = 'ingest-staging/probe/';
  const key = `${folder}${process.pid}-${Date.now().toString(36)}.txt`;
  const body = Buffer.from('ingest');
  await place.write(key, Readable.from([body]), body.length, signal);
  const seen = await place.list(folder, signal);
  await place.remove([key], signal);
  if (seen.includes(key)) return;
  throw new IngestError('STAGING_UNREADABLE', `What was written to ${place.location} is not in its listing.`, {
    hint: 'Give the staging credentials the rights to read, write, list and delete.',
  });
}

/** As it stands in the token and as it is decoded: services quote either. */
function signatures(token: string): string[] {
  const signature = /(?:^|&)sig=([^&]+)/.exec(token)?.[1];
  return signature === undefined ? [] : [signature, decodeURIComponent(signature)];
}

function keyPart(name: string): string {
  return encodeURIComponent(name).replace(/[%*'()~!]/g, (character) =>
    character === '%' ? '=' : `=${character.charCodeAt(0).toString(16)}`,
  );
}
