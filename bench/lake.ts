import { randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { BlobServiceClient, type ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { ObjectStore } from '../engine/object-stores/object-store.ts';
import { openObjectStore } from '../engine/object-stores/open-object-store.ts';
import { FileStore } from '../engine/sources/filesystem/file-store.ts';
import { selectFiles } from '../engine/sources/filesystem/select-files.ts';
import type { Job } from '../engine/spec/job.ts';
import { ACCOUNT, ACCOUNT_KEY, startAzurite } from '../tests/servers/azurite.ts';
import { startObjectsInChild } from './lake-server.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const MIN_UPLOAD = 0.8;
const MOST_LISTING = 1.5;
const PART_BYTES = 8 * 2 ** 20;
const CONCURRENCY = 4;
const FILES = 10_000;

/**
 * Uploads a file through the object store and through the bare SDK with the same parts and concurrency, and lists and plans {@link FILES} files
 * beside the SDK's own listing, against Azurite and an S3 server in processes of their own. `rows` is the size of the upload in MB (5000 for the large one).
 */
export async function bench({ rows: megabytes = 100, rounds = 5 }: BenchOptions): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ingest-bench-lake-'));
  // Azurite frees memory only after minutes: what is large goes to the disk.
  const azurite = await startAzurite([], megabytes > 500 ? join(folder, 'azurite') : undefined);
  const s3 = await startObjectsInChild();
  try {
    const file = join(folder, 'upload.parquet');
    const bytes = megabytes * 1_000_000;
    for (let left = bytes; left > 0; left -= PART_BYTES)
      await writeFile(file, randomFillSync(Buffer.alloc(Math.min(left, PART_BYTES))), { flag: 'a' });
    const service = new BlobServiceClient(azurite.url, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY));
    const container = service.getContainerClient('bench');
    await container.create();
    const azure = await openObjectStore(
      'az://bench',
      {
        azure_storage_account_name: ACCOUNT,
        azure_storage_account_key: ACCOUNT_KEY,
        azure_account_host: azurite.url,
      },
      { baseDirectory: folder, environment: {} },
    );
    const keys = { accessKeyId: 'AKTEST', secretAccessKey: 'bench-not-a-secret' };
    const client = new S3Client({ endpoint: s3.url, region: 'us-east-1', forcePathStyle: true, credentials: keys });
    const bucket = await openObjectStore(
      's3://bench',
      { aws_access_key_id: keys.accessKeyId, aws_secret_access_key: keys.secretAccessKey, endpoint_url: s3.url },
      { baseDirectory: folder, environment: {} },
    );
    const upload = await uploads(azure, container, file, bytes, rounds);
    const listing = [
      ...(await listings('S3', bucket, () => listBare(client), rounds)),
      ...(await listings('Azure', azure, () => listBareAzure(container), rounds)),
    ];
    await Promise.all([azure.close(), bucket.close()]);
    return [...upload, ...listing, { what: 'peak memory', value: process.resourceUsage().maxRSS / 1024, unit: 'MiB' }];
  } finally {
    await azurite.stop();
    s3.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function uploads(
  store: ObjectStore,
  container: ContainerClient,
  file: string,
  bytes: number,
  rounds: number,
): Promise<Measurement[]> {
  const times = { own: [] as number[], bare: [] as number[] };
  const own = () => store.write('own.parquet', createReadStream(file), bytes);
  const bare = () =>
    container
      .getBlockBlobClient('bare.parquet')
      .uploadStream(createReadStream(file, { highWaterMark: PART_BYTES }), PART_BYTES, CONCURRENCY);
  await bare();
  for (let round = 0; round < rounds; round += 1) {
    times.own.push(await timed(own));
    times.bare.push(await timed(bare));
  }
  const ratio = median(times.bare.map((time, round) => time / (times.own[round] as number)));
  return [
    { what: 'Azure: upload', value: bytes / 1000 / median(times.own), unit: 'MB/s' },
    {
      what: 'Azure: upload to the bare SDK',
      value: ratio,
      unit: 'ratio',
      target: `at least ${MIN_UPLOAD}`,
      met: ratio >= MIN_UPLOAD,
    },
  ];
}

async function listings(
  name: string,
  store: ObjectStore,
  bare: () => Promise<unknown>,
  rounds: number,
): Promise<Measurement[]> {
  const keys = Array.from(
    { length: FILES },
    (_, at) => `files/2024-01-${String((at % 28) + 1).padStart(2, '0')}/${at}.csv`,
  );
  for (let at = 0; at < keys.length; at += 50)
    await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, 'id\n1\n', null)));
  const job = {
    file_glob: 'files/**/*.csv',
    file_format: 'csv',
    incremental_mode: 'folder_date',
    last_watermark: null,
  };
  const incremental = { column: '', from: null, continued: false, lag: null, end: null, nullWatermarks: 'exclude' };
  const plan = async () => {
    const { files } = await new FileStore(store).list('files', new AbortController().signal);
    const selection = selectFiles(files, job as Job, incremental as never, null);
    if (selection.files.length !== FILES) throw new Error(`${selection.files.length} files were planned.`);
  };
  const times = { own: [] as number[], bare: [] as number[] };
  await bare();
  for (let round = 0; round < rounds; round += 1) {
    times.own.push(await timed(plan));
    times.bare.push(await timed(bare));
  }
  const ratio = median(times.own.map((time, round) => time / (times.bare[round] as number)));
  return [
    { what: `${name}: ${FILES} files listed and planned`, value: median(times.own), unit: 'ms' },
    {
      what: `${name}: to the bare SDK's listing`,
      value: ratio,
      unit: 'ratio',
      target: `at most ${MOST_LISTING}`,
      met: ratio <= MOST_LISTING,
    },
  ];
}

async function listBare(client: S3Client): Promise<void> {
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: 'bench', Prefix: 'files/', ...(token ? { ContinuationToken: token } : {}) }),
    );
    token = page.NextContinuationToken;
  } while (token);
}

async function listBareAzure(container: ContainerClient): Promise<number> {
  let count = 0;
  for await (const _ of container.listBlobsFlat({ prefix: 'files/' })) count += 1;
  return count;
}
