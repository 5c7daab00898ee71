import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createRestSource } from '../engine/sources/rest/rest-source.ts';
import { apiConnectionModel } from '../engine/spec/connection.ts';
import { resourceOptionsModel } from '../engine/spec/resource.ts';
import { makeJob } from '../tests/helpers/pipeline.ts';
import type { BenchOptions, Measurement } from './main.ts';

const RATE = 50;
const BURST = 10;
const JOBS = 4;
/** What the way from the bucket to the server may vary, in seconds. */
const JITTER = 0.05;

/**
 * Four parallel jobs of one connection for `rounds` × 12 seconds (60 by default) against a server that notes when requests arrive:
 * never more than rate × t + burst in any stretch of time, and nearly the rate altogether.
 */
export async function bench(options: BenchOptions): Promise<Measurement[]> {
  const seconds = (options.rounds ?? 5) * 12;
  const arrivals: number[] = [];
  const server = http.createServer((_request, response) => {
    arrivals.push(performance.now() / 1000);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ data: [{ id: arrivals.length }], next: arrivals.length }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const source = createRestSource(
    apiConnectionModel.parse({
      type: 'api',
      name: 'bench',
      base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      rate_limit: { requests_per_second: RATE, burst_limit: BURST },
    }),
  );
  const stop = new AbortController();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-rate-'));
  try {
    const jobs = Array.from({ length: JOBS }, (_none, index) => readUntilStopped(source, index, folder, stop.signal));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    stop.abort();
    await Promise.allSettled(jobs);
  } finally {
    await source.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
  const span = (arrivals.at(-1) as number) - (arrivals[0] as number);
  const reached = (arrivals.length - BURST) / span / RATE;
  const excess = worstExcess(arrivals);
  return [
    {
      what: `API: ${JOBS} jobs at ${RATE} requests/s, burst ${BURST}, ${seconds} s`,
      value: arrivals.length,
      unit: 'requests',
    },
    {
      what: `API: requests beyond rate × t + burst (${JITTER * 1000} ms of jitter)`,
      value: excess,
      unit: 'requests',
      target: '<= 0',
      met: excess <= 0,
    },
    { what: 'API: of the rate', value: reached, unit: 'ratio', target: '>= 0.97', met: reached >= 0.97 },
  ];
}

async function readUntilStopped(
  source: ReturnType<typeof createRestSource>,
  index: number,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const job = makeJob({
    source_type: 'api',
    table_name: `events_${index}`,
    pagination_type: 'cursor',
    options: resourceOptionsModel.parse({ cursor_path: 'next' }),
  });
  const spoolDirectory = await mkdtemp(path.join(folder, 'spool-'));
  const reading = source.read(
    { job, types: 'native', incremental: null, sourceState: null, sampleRows: null },
    { workspace: null as never, spoolDirectory, signal, progress: () => {}, warn: () => {}, log: () => {} },
  );
  await reading.next();
}

/** The most requests that any stretch of time has beyond rate × t + burst; 0 where none has any. */
function worstExcess(arrivals: readonly number[]): number {
  // count(i..j) - rate × (t_j - t_i) is (j - rate × t_j) - (i - rate × t_i) + 1: the least of the second part so far is enough.
  let least = Number.POSITIVE_INFINITY;
  let worst = 0;
  for (const [index, time] of arrivals.entries()) {
    const level = index - RATE * time;
    least = Math.min(least, level);
    worst = Math.max(worst, level - least + 1 - BURST - RATE * JITTER);
  }
  return Math.max(0, worst);
}
