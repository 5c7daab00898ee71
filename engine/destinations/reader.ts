/** What runs have loaded into a destination, to look at: nothing is ever written through it. */
export interface DestinationReader {
  /** Tables of people, parents before children; without dlt's system tables. */
  readonly tables: readonly ReadableTable[];
  /** Where people find the data: a path or URL without secrets. */
  readonly location: string;
  /** Schemas in which a query finds tables by their bare name, for DuckDB's `search_path`. */
  readonly searchPath: readonly string[];
  /** Files that may still be opened once everything else is forbidden. */
  readonly files: readonly string[];
  close(): Promise<void>;
}

export interface ReadableTable {
  schema: string;
  table: string;
  /** Null for a job's own table. */
  parent: string | null;
  columns: { name: string; type: string }[];
  rows: number;
  /** ISO 8601, UTC; null where no load is known. */
  loadedAt: string | null;
  /** FROM item in the connection that the reader was opened with. */
  from: string;
}

/** What a reader needs of a DuckDB connection. */
export interface ReaderConnection {
  run(sql: string): Promise<unknown>;
  /** Rows as objects with plain JSON values (bigints and decimals as text). */
  rows<Row>(sql: string): Promise<Row[]>;
}

export interface ReaderContext {
  /** In a workspace of the reader's own. */
  connection: ReaderConnection;
  /** Relative paths of local destinations start here. */
  baseDirectory: string;
  /** Called when a run needs the place for itself: what reads must end soon. */
  onStop(): void;
}
