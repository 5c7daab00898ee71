import type { Readable } from 'node:stream';
import type { S3ClientConfig, S3Client as Service } from '@aws-sdk/client-s3';
import { IngestError } from '../errors.ts';
import { loadDriver } from '../load-driver.ts';
import { type CloudClient, type CloudFailure, type CloudUpload, retryAfterOf } from './cloud-client.ts';
import type { StoreCredentials, StoreNetwork } from './credentials.ts';
import type { BucketLocation } from './location.ts';
import type { PutCondition } from './object-store.ts';

/** An upload has 10,000 parts at most. */
const MOST_PARTS = 10_000;
const PART_BYTES = 8 * 2 ** 20;
/** Metadata key of {@link CloudClient.put}'s stamp. */
const STAMP = 'ingest-stamp';

type Sdk = typeof import('@aws-sdk/client-s3');

/**
 * A bucket of Amazon S3 or of a compatible service (`endpoint_url`, addressed by path). Signs in with the first that is given:
 * access key, profile; else with the default chain (environment, shared config, web identity, the machine's role). `role_arn` is then assumed.
 * @throws IngestError DRIVER_MISSING, OBJECT_STORE_CREDENTIALS
 */
export async function openS3Client(
  location: BucketLocation,
  credentials: StoreCredentials,
  network: StoreNetwork,
): Promise<CloudClient> {
  const sdk = await loadDriver('@aws-sdk/client-s3', () => import('@aws-sdk/client-s3'));
  const endpoint = credentials.endpoint_url;
  const requestHandler = { httpAgent: network.httpAgent, httpsAgent: network.httpsAgent, connectionTimeout: 30_000 };
  const identity = await identityOf(credentials, requestHandler);
  const region = credentials.region_name ?? (endpoint ? 'us-east-1' : undefined);
  const config = {
    maxAttempts: 1,
    followRegionRedirects: true,
    requestHandler,
    ...(credentials.profile_name ? { profile: credentials.profile_name } : {}),
    ...(region ? { region } : {}),
    ...(identity ? { credentials: identity } : {}),
    // Compatible services know neither the checksums that Amazon's SDK adds nor a host name for each bucket.
    ...(endpoint
      ? {
          endpoint,
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }
      : {}),
  } satisfies S3ClientConfig as S3ClientConfig;
  return new S3Client(sdk, config, location.bucket);
}

async function identityOf(
  credentials: StoreCredentials,
  requestHandler: NonNullable<S3ClientConfig['requestHandler']>,
): Promise<S3ClientConfig['credentials']> {
  const { aws_access_key_id: id, aws_secret_access_key: secret, profile_name: profile, role_arn: role } = credentials;
  if (Boolean(id) !== Boolean(secret)) {
    throw new IngestError(
      'OBJECT_STORE_CREDENTIALS',
      `${id ? 'aws_access_key_id' : 'aws_secret_access_key'} needs ${id ? 'aws_secret_access_key' : 'aws_access_key_id'} beside it.`,
      { hint: 'Give both, or neither and a profile_name or the environment.' },
    );
  }
  const token = credentials.aws_session_token;
  const own =
    id && secret ? { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) } : undefined;
  if (!role && (own || !profile)) return own;
  const providers = await loadDriver('@aws-sdk/credential-providers', () => import('@aws-sdk/credential-providers'));
  const region = credentials.region_name;
  const clientConfig = { requestHandler, ...(region ? { region } : {}) };
  const base = own ?? (profile ? providers.fromIni({ profile, clientConfig }) : undefined);
  if (!role) return base;
  return providers.fromTemporaryCredentials({
    params: { RoleArn: role, RoleSessionName: 'ingest-studio' },
    ...(base ? { masterCredentials: base } : {}),
    clientConfig,
  });
}

class S3Client implements CloudClient {
  readonly kind = 's3';
  readonly location: string;
  readonly removeAtOnce = 1000;
  readonly #sdk: Sdk;
  readonly #config: S3ClientConfig;
  readonly #service: Service;
  readonly #bucket: string;

  constructor(sdk: Sdk, config: S3ClientConfig, bucket: string) {
    this.#sdk = sdk;
    this.#config = config;
    this.#service = new sdk.S3Client(config);
    this.#bucket = bucket;
    this.location = `s3://${bucket}`;
  }

  async endpoint(): Promise<URL> {
    let origin = '';
    const command = new this.#sdk.ListObjectsV2Command({ Bucket: this.#bucket });
    // The SDK makes the address out of region, bucket and settings with the request: it is looked at there and not sent.
    command.middlewareStack.add(
      () =>
        async ({ request }) => {
          const { protocol, hostname, port } = request as { protocol: string; hostname: string; port?: number };
          origin = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
          return { response: null, output: { $metadata: {} } };
        },
      { step: 'build', priority: 'low' },
    );
    // It would ask for the credentials first, wherever they are.
    const nobody = new this.#sdk.S3Client({ ...this.#config, credentials: { accessKeyId: '-', secretAccessKey: '-' } });
    await nobody.send(command);
    return new URL(origin);
  }

  async listPage(
    prefix: string,
    token: string | null,
    { shallow, most, signal }: Parameters<CloudClient['listPage']>[2],
  ): ReturnType<CloudClient['listPage']> {
    const page = await this.#service.send(
      new this.#sdk.ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        ...(shallow ? { Delimiter: '/' } : {}),
        ...(token === null ? {} : { ContinuationToken: token }),
        ...(most === undefined ? {} : { MaxKeys: most }),
      }),
      { abortSignal: signal },
    );
    return {
      objects: (page.Contents ?? []).map((object) => ({
        key: object.Key ?? '',
        bytes: object.Size ?? 0,
        modified: object.LastModified?.getTime() ?? 0,
        etag: tidyEtag(object.ETag),
      })),
      folders: (page.CommonPrefixes ?? []).map((common) => common.Prefix ?? ''),
      next: page.IsTruncated ? (page.NextContinuationToken ?? null) : null,
    };
  }

  async stat(key: string, signal: AbortSignal): ReturnType<CloudClient['stat']> {
    const found = await this.#service.send(new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key }), {
      abortSignal: signal,
    });
    return {
      key,
      bytes: found.ContentLength ?? 0,
      modified: found.LastModified?.getTime() ?? 0,
      etag: tidyEtag(found.ETag),
      stamp: found.Metadata?.[STAMP] ?? null,
    };
  }

  async read(
    key: string,
    { start = 0, end, etag, signal }: Parameters<CloudClient['read']>[1],
  ): ReturnType<CloudClient['read']> {
    const ranged = start > 0 || end !== undefined;
    const { Body: body } = await this.#service.send(
      new this.#sdk.GetObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        ...(ranged ? { Range: `bytes=${start}-${end === undefined ? '' : end - 1}` } : {}),
        ...(etag ? { IfMatch: `"${etag}"` } : {}),
      }),
      { abortSignal: signal },
    );
    return body as Readable;
  }

  async put(
    key: string,
    body: Buffer,
    condition: PutCondition | null,
    stamp: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#service.send(
      new this.#sdk.PutObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        Body: body,
        ...(stamp === null ? {} : { Metadata: { [STAMP]: stamp } }),
        ...(condition === null
          ? {}
          : condition === 'absent'
            ? { IfNoneMatch: '*' }
            : { IfMatch: `"${condition.etag}"` }),
      }),
      { abortSignal: signal },
    );
  }

  partBytes(bytes: number): number {
    return Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS));
  }

  async upload(key: string, _bytes: number, signal: AbortSignal): Promise<CloudUpload> {
    const [sdk, service] = [this.#sdk, this.#service];
    const { UploadId: id } = await service.send(
      new sdk.CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: key }),
      { abortSignal: signal },
    );
    const place = { Bucket: this.#bucket, Key: key, UploadId: id };
    const etags: (string | undefined)[] = [];
    return {
      concurrency: 4,
      async part(number, _start, body, _last, abortSignal) {
        const command = new sdk.UploadPartCommand({ ...place, PartNumber: number + 1, Body: body });
        etags[number] = (await service.send(command, { abortSignal })).ETag;
      },
      async complete(abortSignal) {
        const parts = etags.map((etag, number) => ({ ETag: etag, PartNumber: number + 1 }));
        const command = new sdk.CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts: parts } });
        await service.send(command, { abortSignal });
      },
      async abort() {
        await service.send(new sdk.AbortMultipartUploadCommand(place));
      },
    };
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    const { Errors: errors } = await this.#service.send(
      new this.#sdk.DeleteObjectsCommand({
        Bucket: this.#bucket,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      }),
      { abortSignal: signal },
    );
    const [first] = errors ?? [];
    if (first === undefined) return;
    const name = first.Code ?? 'Error';
    const status = name === 'AccessDenied' ? 403 : name === 'InternalError' || name === 'SlowDown' ? 503 : 400;
    throw Object.assign(new Error(first.Message ?? name), { name, $metadata: { httpStatusCode: status } });
  }

  async dropUploads(prefix: string, signal: AbortSignal): Promise<void> {
    const { Uploads: uploads } = await this.#service.send(
      new this.#sdk.ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix }),
      { abortSignal: signal },
    );
    for (const { Key, UploadId } of uploads ?? [])
      await this.#service.send(new this.#sdk.AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }), {
        abortSignal: signal,
      });
  }

  failureOf(error: unknown): CloudFailure {
    const { name, code, message, $metadata, $response } = error as {
      name?: string;
      code?: string;
      message?: string;
      $metadata?: { httpStatusCode?: number };
      $response?: { headers?: Record<string, string> };
    };
    const status = $metadata?.httpStatusCode ?? null;
    return {
      status,
      code: (status === null ? (code ?? name) : name) ?? '',
      message: message ?? '',
      retryAfter: retryAfterOf($response?.headers?.['retry-after']),
    };
  }

  close(): void {
    this.#service.destroy();
  }
}

function tidyEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}
