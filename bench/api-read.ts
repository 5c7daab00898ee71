import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { identifier, literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { createRestSource } from '../engine/sources/rest/rest-source.ts';
import { apiConnectionModel } from '../engine/spec/connection.ts';
import { resourceOptionsModel } from '../engine/spec/resource.ts';
import { makeJob } from '../tests/helpers/pipeline.ts';

export const PER_PAGE = 1000;

/**
 * Pages of bench/api-server.ts read by the source (spooled, schema inferred) and written to Parquet by DuckDB.
 * Gives back the most memory (MiB) that the process took until the last page came.
 */
export async function read(url: string, pages: number, folder: string): Promise<number> {
  const spoolDirectory = path.join(folder, 'spool');
  await mkdir(spoolDirectory, { recursive: true });
  const workspace = await Workspace.open({
    memoryLimitMiB: 512,
    threads: os.availableParallelism(),
    tempDirectory: path.join(folder, 'duckdb'),
  });
  const connection = await workspace.connect();
  const source = createRestSource(apiConnectionModel.parse({ type: 'api', name: 'bench', base_url: url }));
  const job = makeJob({
    source_type: 'api',
    table_name: 'orders',
    pagination_type: 'page_number',
    page_size: PER_PAGE,
    options: resourceOptionsModel.parse({}),
  });
  const reading = source.read(
    { job, types: 'native', incremental: null, sourceState: null, sampleRows: null },
    {
      workspace,
      spoolDirectory,
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    },
  );
  let records = 0;
  let whileReading = 0;
  for (let number = 0; ; number += 1) {
    const next = await reading.next();
    if (number === 0) whileReading = peakMemory();
    if (next.done) break;
    const list = next.value.columns
      .map(({ name, landedType }) => `CAST(${identifier(name)} AS ${landedType}) AS ${identifier(name)}`)
      .join(', ');
    await connection.run(
      `COPY (SELECT ${list} FROM ${next.value.from}) TO ${literal(path.join(folder, `${number}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`,
    );
    records += next.value.rows ?? 0;
    await next.value.release();
  }
  await source.close();
  workspace.close();
  if (records !== pages * PER_PAGE) throw new Error(`${records} records came`);
  return whileReading;
}

function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** A process of its own, `URL PAGES`: what its memory came to at most while it read, and at all, in MiB, goes to the parent. */
if (import.meta.main) {
  const [url = '', pages = '0'] = process.argv.slice(2);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-api-read-'));
  try {
    process.send?.([await read(url, Number(pages), folder), peakMemory()]);
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.disconnect();
  }
}
