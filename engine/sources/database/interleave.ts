import type { FilledTable } from '../../duckdb/chunk-writer.ts';

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
