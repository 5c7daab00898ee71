import type { DestinationCapabilities } from '../destinations/capabilities.ts';
import type { ExistingTable } from '../destinations/destination.ts';
import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../errors.ts';
import type { PackageTable } from '../load/load-package.ts';
import type { ReadContext, ReadRequest, ReadSummary, Segment, Source } from '../sources/source.ts';
import { jobName } from '../spec/job.ts';
import { Normalizer } from './normalize.ts';
import { planTables, type TablePlan } from './table-plan.ts';

export interface ExtractInput {
  source: Source;
  request: ReadRequest;
  context: ReadContext;
  /** Normalises while the source reads on. */
  connection: WorkspaceConnection;
  /** The package's folder. */
  folder: string;
  loadId: string;
  existing: ExistingTable[];
  /** The load replaces every row. */
  replaces: boolean;
  capabilities: DestinationCapabilities;
  /** Milliseconds of a steady clock. */
  now(): number;
}

export interface Extracted {
  tables: PackageTable[];
  /** Null where the source gave no segment, and so no schema. */
  plan: TablePlan | null;
  summary: ReadSummary;
  /** Rows in the job's own table. */
  rows: number;
  bytes: number;
  extractSeconds: number;
  normalizeSeconds: number;
}

/**
 * Reads a job's source and writes what it yields into a load package. One segment is normalised while the source fetches the next, so at most two are held.
 * Every segment is released, whatever happens.
 */
export async function extract(input: ExtractInput): Promise<Extracted> {
  const { source, request, context, now } = input;
  const stop = new AbortController();
  const reading = source.read(request, { ...context, signal: AbortSignal.any([context.signal, stop.signal]) });
  let plan: TablePlan | null = null;
  let normalizer: Normalizer | null = null;
  let rows = 0;
  let bytes = 0;
  let waited = 0;
  let normalizing = 0;
  let finished = false;
  let pending: Promise<void> = Promise.resolve();
  const stopWatching = input.connection.interruptOn(context.signal);

  const normalize = async (segment: Segment, into: Normalizer) => {
    const start = now();
    try {
      const landed = await into.add(segment);
      // the source counted what it handed over; a contract may leave rows out, nothing else may
      if (segment.rows !== null && landed !== segment.rows && plan?.keep.length === 0) {
        throw new IngestError(
          'ROWS_LOST',
          `${jobName(request.job)}: ${segment.rows} rows were read and ${landed} arrived in the load package.`,
          {
            hint: 'This is a fault of the program: nothing was loaded. Please report it with the run log.',
          },
        );
      }
      rows += landed;
      bytes += segment.bytes;
    } finally {
      normalizing += now() - start;
      await segment.release();
    }
  };

  try {
    for (;;) {
      const start = now();
      // a failure of the segment before must end the read at once, not only after the source has fetched another
      const next = await Promise.race([reading.next(), pending.then(() => new Promise<never>(() => {}))]);
      waited += now() - start;
      if (next.done) {
        await pending;
        finished = true;
        return {
          tables: normalizer?.tables() ?? [],
          plan,
          summary: next.value,
          rows,
          bytes,
          extractSeconds: waited / 1000,
          normalizeSeconds: normalizing / 1000,
        };
      }
      const segment = next.value;
      try {
        throwIfCancelled(context.signal);
        if (!normalizer) {
          plan = planTables(tablePlanInput(input, segment));
          for (const name of plan.empty)
            context.log('INFO', `Column ${name} has no value yet and is left out until it has one.`);
          normalizer = new Normalizer({
            connection: input.connection,
            plan,
            folder: input.folder,
            loadId: input.loadId,
          });
        }
        await pending;
      } catch (error) {
        await segment.release();
        throw error;
      }
      pending = normalize(segment, normalizer);
      // observed above and below; without this a failure between two awaits would count as unhandled
      pending.catch(() => undefined);
    }
  } finally {
    stopWatching();
    // a source that still reads for a batch that failed must let go
    if (!finished) stop.abort();
    await Promise.allSettled([
      pending,
      reading.return({ verdict: { reason: 'stopped', detail: '', records: 0 }, retries: 0 }),
    ]);
  }
}

function tablePlanInput(input: ExtractInput, segment: Segment) {
  const { job } = input.request;
  return {
    job: jobName(job),
    table: job.target_table,
    columns: segment.columns,
    // records nest because JSON does; a database's arrays and Parquet's structs are types of their own
    unnest: job.source_type === 'api' || (job.source_type === 'filesystem' && job.file_format === 'jsonl'),
    maxNesting: job.options.max_table_nesting,
    existing: input.existing,
    replaces: input.replaces,
    contract: job.schema_contract,
    capabilities: input.capabilities,
  };
}
