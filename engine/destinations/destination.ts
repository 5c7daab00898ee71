import type { LoadPackage, PackageColumn } from '../load/load-package.ts';
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
  /** Null where this target was never loaded by this pipeline. Throws where the stored version is newer than this runner. */
  readState(key: StateKey): Promise<JobState | null>;
  listStates(pipeline: string | null): Promise<JobState[]>;
  /** Sets (or, with null, removes) a state by hand: `ingest state set|reset`. */
  writeState(key: StateKey, state: JobState | null): Promise<void>;
  /** The job's table and its child tables as they are now; empty where there are none. */
  describeTables(target: TargetRef): Promise<ExistingTable[]>;
  /** Loads a package once: a load id that is already there changes nothing. `changes` brings the tables to the package's columns first. */
  load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult>;
  /** A FROM item for a loaded table, for results and checks; runs in a connection that {@link Destination} was opened with. */
  from(target: TargetRef, table: string): Promise<string>;
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

export interface LoadResult {
  /** False when the load id was there already. */
  loaded: boolean;
  /** Rows inserted, or inserted and updated for a merge, of the job's own table. */
  rows: number;
}
