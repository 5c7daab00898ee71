import { z } from 'zod';
import { SCHEMA_CONTRACTS, WRITE_DISPOSITIONS } from '../spec/kinds.ts';
import { jobStateModel } from '../state/job-state.ts';

/** Version of the persisted manifest. */
export const PACKAGE_VERSION = 1;

export const packageColumnModel = z.object({
  /** Normalised. */
  name: z.string(),
  /** DuckDB type that the destination's column has or gets. */
  type: z.string(),
  /** DuckDB type in the Parquet file, where Parquet cannot hold `type` exactly (INTERVAL is kept as text); else equal to `type`. */
  stored_type: z.string(),
  nullable: z.boolean(),
});
export type PackageColumn = z.infer<typeof packageColumnModel>;

export const packageTableModel = z.object({
  name: z.string(),
  /** Null for the job's own table, the parent's name for a child table. */
  parent: z.string().nullable(),
  columns: z.array(packageColumnModel),
  /** Parquet files inside the package's folder; their names hold the load id and are never used again. */
  files: z.array(z.object({ name: z.string(), rows: z.int(), bytes: z.int() })),
});
export type PackageTable = z.infer<typeof packageTableModel>;

/**
 * `manifest.json` of a load package: written and fsynced last, so a package without it is incomplete.
 * Columns, files and state are everything a destination needs; the source is not asked again.
 */
export const packageManifestModel = z.object({
  version: z.literal(PACKAGE_VERSION),
  load_id: z.string(),
  run_id: z.string(),
  pipeline: z.string(),
  destination: z.string(),
  target_schema: z.string(),
  target_table: z.string(),
  write_disposition: z.enum(WRITE_DISPOSITIONS),
  schema_contract: z.enum(SCHEMA_CONTRACTS),
  /** Normalised names; empty for none. */
  primary_key: z.array(z.string()),
  created_at: z.string(),
  /** The job's own table first, then its child tables, parents before children. */
  tables: z.array(packageTableModel),
  /** State that holds once this package is loaded; null for loads that leave it untouched (`--sample`). */
  state: jobStateModel.nullable(),
});
export type PackageManifest = z.infer<typeof packageManifestModel>;

/** A complete package on disk. */
export interface LoadPackage {
  /** Absolute. */
  folder: string;
  manifest: PackageManifest;
}
