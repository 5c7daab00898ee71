import type { LoadPackage, PackageColumn } from '../load/load-package.ts';
import type { CheckRunner } from '../quality/check-runner.ts';
import type { WriteDisposition } from '../spec/kinds.ts';
import type { JobState, StateKey } from '../state/job-state.ts';
import type { DestinationCapabilities } from './capabilities.ts';

/**
 * A place that load packages go to. It is the authority on state: a package and the state it stands for are committed together,
 * or the state after the data with the load made idempotent by its load id.
 */
export interface Destination {
  /** Name in the project, part of every state's key. */
  readonly name: string;
  readonly capabilities: DestinationCapabilities;
  /** Default schema for jobs without `target_schema`. */
  readonly defaultSchema: string;
  /** Connects and creates what must exist; throws when the place is read-only or not there. */
  open(signal: AbortSignal): Promise<void>;
  /** One run a target at a time. Throws LOCKED with owner and age. */
  lock(target: TargetRef, owner: LockOwner): Promise<TargetLock>;
  /** Removes a lock that a run on another computer left behind, whoever holds it; gives back who it was. Missing where locks end with their process. */
  breakLock?(target: TargetRef): Promise<(LockOwner & { at: string }) | null>;
  /** Who holds a target's lock; null for nobody, or for a process that is gone. Writes nothing. Missing where {@link open} says it. */
  lockHolder?(target: TargetRef): Promise<(LockOwner & { at: string }) | null>;
  /** Null where this target was never loaded by this pipeline. Throws where the stored version is newer than this runner. */
  readState(key: StateKey): Promise<JobState | null>;
  listStates(pipeline: string | null): Promise<JobState[]>;
  /** Sets (or, with null, removes) a state by hand: `ingest state set|reset`. */
  writeState(key: StateKey, state: JobState | null): Promise<void>;
  /** The job's table and its child tables as they are now; empty where there are none. */
  describeTables(target: TargetRef): Promise<ExistingTable[]>;
  /** Loads a package once: a load id that is already there changes nothing. `changes` brings the tables to the package's columns first. */
  load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult>;
  /**
   * Predicts, before anything is written, what a load of these columns would meet in the live tables: one finding a column, of all columns.
   * Missing where the pipeline's own evolution rules say everything.
   */
  checkFit?(
    target: TargetRef,
    columns: readonly FitColumn[],
    disposition: WriteDisposition,
    signal: AbortSignal,
  ): Promise<FitFinding[]>;
  /** A FROM item for a loaded table, for results and checks; runs in a connection that {@link Destination} was opened with. */
  from(target: TargetRef, table: string): Promise<string>;
  /** Runs data quality checks in the destination's own SQL. Missing where {@link from} gives items that the engine's DuckDB reads: then they run there. */
  checkRunner?(signal: AbortSignal): Promise<CheckRunner>;
  /** Where people find the data: a path or URL without secrets. */
  location(): string;
  close(): Promise<void>;
}

export interface TargetRef {
  schema: string;
  /** The job's table; child tables are `table__…`. */
  table: string;
}

export interface LockOwner {
  runId: string;
  pid: number;
  host: string;
}

export interface TargetLock {
  release(): Promise<void>;
}

export interface ExistingTable {
  name: string;
  columns: { name: string; type: string; nullable: boolean }[];
}

/** One step of schema evolution, planned by `pipeline/evolution.ts`, carried out by the destination inside its load. */
export type SchemaChange =
  | { kind: 'create_table'; table: string; columns: PackageColumn[] }
  | { kind: 'add_column'; table: string; column: PackageColumn }
  | { kind: 'widen_column'; table: string; column: string; from: string; to: string }
  /** Of a replace only: the old values go with their rows, so the column is dropped and made anew. */
  | { kind: 'retype_column'; table: string; column: string; from: string; to: string }
  | { kind: 'allow_null'; table: string; column: string };

/** A column as a load would bring it, after naming, type adapters and `column_types`. */
export interface FitColumn {
  /** The job's table or a child table. */
  table: string;
  name: string;
  /** DuckDB type, as in a load package. */
  type: string;
  nullable: boolean;
}

/**
 * `fits`: the column is there and takes every value; `new`: table or column will be made; `widens`: the column's type will be made wider;
 * `replaced`: a replace gives the column another type, with its rows; `depends`: each value is checked before anything is written, one that does
 * not fit fails the job; `fails`: the load would be refused.
 */
export type FitVerdict = 'fits' | 'new' | 'widens' | 'replaced' | 'depends' | 'fails';

export interface FitFinding {
  table: string;
  column: string;
  verdict: FitVerdict;
  /** The type that the load brings, in the destination's own words. */
  incoming: string;
  /** The live column's type in the same words; null where there is none yet. */
  live: string | null;
  /** Error class that the destination raises for such a column where nothing casts it, e.g. `DELTA_FAILED_TO_MERGE_FIELDS`; null for none. */
  error: string | null;
  /** One sentence for people. */
  message: string;
  /** The way out; null where none is needed. */
  hint: string | null;
  /** An entry for `column_types` that makes it fit; null where none does or none is needed. */
  columnTypes: string | null;
}

export interface LoadResult {
  /** False when the load id was there already. */
  loaded: boolean;
  /** Rows inserted, or inserted and updated for a merge, of the job's own table. */
  rows: number;
}
