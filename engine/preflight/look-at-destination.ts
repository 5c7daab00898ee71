import path from 'node:path';
import { openDestination } from '../connectors.ts';
import type { Destination } from '../destinations/destination.ts';
import { Mutex } from '../destinations/mutex.ts';
import type { Workspace } from '../duckdb/workspace.ts';
import type { DestinationConfig } from '../spec/destination.ts';

export interface LookOptions {
  config: DestinationConfig;
  /** The project's destinations: Databricks stages its files in one of them. */
  destinations: Readonly<Record<string, DestinationConfig>>;
  workspace: Workspace;
  /** Relative paths of local destinations start here. */
  baseDirectory: string;
  /** A private folder. */
  folder: string;
}

/** A destination that several ask, none of whom changes anything there. */
export class DestinationLook implements AsyncDisposable {
  readonly #destination: Promise<Destination>;
  readonly #turns = new Mutex();
  /** A DuckDB file is held for each look only: a run that wants it waits as long. */
  readonly #lettingGo: boolean;
  #opened: Promise<void> | null = null;

  constructor({ config, folder, ...options }: LookOptions) {
    this.#destination = openDestination(config, {
      ...options,
      tempDirectory: path.join(folder, 'rewrite'),
      lookOnly: true,
    });
    // Whoever asks hears of a failure.
    this.#destination.catch(() => undefined);
    this.#lettingGo = config.type === 'duckdb';
  }

  /** What can be said without asking the place: capabilities, schema, location. */
  async about(): Promise<Pick<Destination, 'name' | 'capabilities' | 'defaultSchema' | 'location' | 'checkFit'>> {
    return await this.#destination;
  }

  /**
   * Asks the place.
   * @throws IngestError LOCKED while a run writes to a file, and what opening throws
   */
  async ask<Result>(signal: AbortSignal, task: (destination: Destination) => Promise<Result>): Promise<Result> {
    const destination = await this.#destination;
    if (!this.#lettingGo) {
      this.#opened ??= destination.open(signal);
      await this.#opened;
      return await task(destination);
    }
    return await this.#turns.run(signal, async () => {
      await destination.open(signal);
      try {
        return await task(destination);
      } finally {
        await destination.close();
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const destination = await this.#destination.catch(() => null);
    await destination?.close();
  }
}
