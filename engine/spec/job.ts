import type {
  AuthType, FileFormat, IncrementalMode, LoadType, PaginationType, SchemaContract, SourceType, WriteDisposition,
} from './kinds.ts';
import type { ResourceOptions } from './resource.ts';

/** An overlap re-read behind the watermark: a duration (`2h`, `1d`) in seconds, or a number for numeric watermarks. */
export type Lag = { kind: 'duration'; seconds: number } | { kind: 'number'; value: string };

/**
 * One validated job: a row of `SourceConfig` after precedence (cell, then resource, then connection, then built-in default).
 * Text cells that are blank everywhere are null.
 */
export interface Job {
  /** 1-based row in the workbook. */
  row: number;
  source_type: SourceType;
  source_name: string;
  table_name: string;
  load_type: LoadType;
  enabled: boolean;
  schema_name: string | null;
  watermark_column: string | null;
  last_watermark: string | null;
  chunk_size: number;
  api_endpoint: string | null;
  pagination_type: PaginationType;
  auth_type: AuthType;
  page_size: number;
  data_selector: string | null;
  file_glob: string;
  file_format: FileFormat;
  incremental_mode: IncrementalMode;
  source_object: string | null;
  target_schema: string | null;
  /** Normalised name of the target table. */
  target_table: string;
  primary_key: string[];
  write_disposition: WriteDisposition;
  /** Columns to read; empty = all. */
  columns: string[];
  /** Column name → DuckDB type text. */
  column_types: Record<string, string>;
  filter: string | null;
  lag: Lag | null;
  schema_contract: SchemaContract;
  tags: string[];
  description: string | null;
  /** Everything that has no column: `[sources.X.resources.TABLE]` over the connection's own options. */
  options: ResourceOptions;
}

/** How a job is named to people and on the command line. */
export function jobName(job: Pick<Job, 'source_name' | 'table_name'>): string {
  return `${job.source_name}.${job.table_name}`;
}
