import { z } from 'zod';
import { SCHEMA_CONTRACTS } from './kinds.ts';

/** One row of sheet `Pipeline`. */
export interface SettingKey {
  name: keyof PipelineSettings;
  help: string;
  kind: 'text' | 'integer' | 'boolean' | 'enum';
  /** As a cell would say it; null where there is none. */
  default: string | null;
  values?: readonly string[];
  min?: number;
  max?: number;
}

export const pipelineSettingsModel = z.object({
  name: z.string().min(1).default('dlt_pipeline'),
  parallel: z.boolean().default(false),
  max_workers: z.int().min(1).max(20).default(5),
  stop_on_error: z.boolean().default(false),
  /** Name of the destination; null where the sheet does not say. */
  destination: z.string().min(1).nullable().default(null),
  schema_contract: z.enum(SCHEMA_CONTRACTS).default('evolve'),
  /** IANA name. */
  timezone: z.string().min(1).default('UTC'),
});
export type PipelineSettings = z.infer<typeof pipelineSettingsModel>;

/** The keys of sheet `Pipeline` in the order of a new workbook. */
export const SETTING_KEYS: readonly SettingKey[] = [
  {
    name: 'name',
    help: 'Name of the pipeline; part of state, metrics and file names',
    kind: 'text',
    default: 'dlt_pipeline',
  },
  {
    name: 'parallel',
    help: 'Run several jobs at a time',
    kind: 'boolean',
    default: 'false',
    values: ['true', 'false'],
  },
  { name: 'max_workers', help: 'Jobs at a time, where parallel', kind: 'integer', default: '5', min: 1, max: 20 },
  {
    name: 'stop_on_error',
    help: 'Start no further job after one has failed',
    kind: 'boolean',
    default: 'false',
    values: ['true', 'false'],
  },
  { name: 'destination', help: 'Name of the destination to load into', kind: 'text', default: null },
  {
    name: 'schema_contract',
    help: 'What happens when a source changes its columns, where the job does not say',
    kind: 'enum',
    default: 'evolve',
    values: SCHEMA_CONTRACTS,
  },
  { name: 'timezone', help: 'Time zone of schedules and of dates without one', kind: 'text', default: 'UTC' },
];
