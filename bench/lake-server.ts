/** An S3 server in a process of its own, so that its work is not counted: `node bench/lake-server.ts` prints its URL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ObjectBuckets } from '../tests/servers/object-server.ts';
import { startS3 } from '../tests/servers/object-server-s3.ts';

/** Starts it, with a bucket `bench` and a key that is no secret. */
export async function startObjectsInChild(): Promise<{ url: string; stop(): void }> {
  const child = spawn(process.execPath, [import.meta.filename], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: line.toString().trim(), stop: () => child.kill() };
}

if (import.meta.main) {
  const buckets = new ObjectBuckets();
  buckets.create('bench');
  const server = await startS3(buckets, { keys: { AKTEST: 'bench-not-a-secret' } });
  console.log(server.url);
}
