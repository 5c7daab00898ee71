import type { FilledTable } from '../../duckdb/chunk-writer.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { Segment, SourceColumn } from '../source.ts';

/** Reads one part of a table into one in-memory table after another. */
export interface TableReader {
  /** The next filled table; null after the last. */
  next(): Promise<FilledTable | null>;
}

/**
 * Tables of all readers as they become full. Where the caller ends early, tables that are still being filled are dropped as soon as they come:
 * `leftovers` gets a promise for each, to be awaited once the readers are closed.
 */
export async function* interleave(
  readers: readonly TableReader[],
  leftovers: Promise<void>[],
): AsyncGenerator<FilledTable> {
  const waiting = new Map(readers.map((reader) => [reader, ask(reader)]));
  try {
    while (waiting.size > 0) {
      const { reader, table } = await Promise.race(waiting.values());
      waiting.delete(reader);
      if (!table) continue;
      yield table;
      waiting.set(reader, ask(reader));
    }
  } finally {
    for (const promise of waiting.values()) {
      leftovers.push(promise.then(({ table }) => table?.release()).catch(() => undefined));
    }
  }
}

async function ask(reader: TableReader): Promise<{ reader: TableReader; table: FilledTable | null }> {
  return { reader, table: await reader.next() };
}

export interface SegmentsOptions {
  signal: AbortSignal;
  /** As of {@link interleave}. */
  leftovers: Promise<void>[];
  /** Told of each table with rows before it is handed on. */
  onTable?: (table: FilledTable) => Promise<void>;
}

/** Segments of all readers, and how many rows they had. Where there is no row, one empty segment says which columns there are. */
export async function* readSegments(
  readers: readonly TableReader[],
  columns: SourceColumn[],
  { signal, leftovers, onTable }: SegmentsOptions,
): AsyncGenerator<Segment, number> {
  let rows = 0;
  let empty: FilledTable | null = null;
  try {
    for await (const table of interleave(readers, leftovers)) {
      if (table.rows === 0) {
        await empty?.release();
        empty = table;
        continue;
      }
      await onTable?.(table);
      rows += table.rows;
      yield { ...table, columns };
      throwIfCancelled(signal);
    }
    if (empty && rows === 0) yield { ...empty, columns };
    return rows;
  } finally {
    await empty?.release();
  }
}
