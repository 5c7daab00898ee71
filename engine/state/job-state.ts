import { z } from 'zod';

/** Version of the persisted state; an older runner refuses a newer one. */
export const STATE_VERSION = 1;

/**
 * How far a job has come in one destination, for one target table. The destination is the authority and commits it together with the data.
 */
export const jobStateModel = z.object({
  version: z.literal(STATE_VERSION),
  pipeline: z.string(),
  destination: z.string(),
  target_schema: z.string(),
  target_table: z.string(),
  source_name: z.string(),
  table_name: z.string(),
  /** The source's own text; null before the first incremental load. */
  watermark: z.string().nullable(),
  /** Rows already loaded that the next `>=` read will meet again: hash of the row (or of its primary key) and how many there were. */
  boundary: z.array(z.tuple([z.string(), z.int().positive()])),
  /** Columns that the boundary's hashes were made of. */
  boundary_columns: z.array(z.string()).default([]),
  /** The source's own, e.g. identities of loaded files. */
  source_state: z.unknown(),
  load_id: z.string(),
  updated_at: z.string().describe('ISO 8601, UTC'),
});
export type JobState = z.infer<typeof jobStateModel>;

/** What identifies a state inside a destination. */
export type StateKey = Pick<JobState, 'pipeline' | 'target_schema' | 'target_table'>;
