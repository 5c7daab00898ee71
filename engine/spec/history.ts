import { z } from 'zod';
import { sectionEntries } from './config-section.ts';
import type { RawProject } from './project.ts';
import { parseEntries, type TomlContext } from './toml-table.ts';

/** `[history]` of config.toml: how long logs, metrics and quality reports of runs stay in `metadata/`. 0: for ever. */
export const historyModel = z.object({
  keep_days: z.coerce.number().int().min(0).max(36_500).default(365),
  keep_runs: z.coerce.number().int().min(0).max(1_000_000).default(2000),
});
export type HistoryLimits = z.infer<typeof historyModel>;

/** The defaults where nothing is said, or nothing that could be. */
export function readHistoryLimits(context: TomlContext, raw: Pick<RawProject, 'config'>): HistoryLimits {
  const entries = sectionEntries(context, raw.config, 'history', Object.keys(historyModel.shape));
  if (entries === null) return historyModel.parse({});
  // A limit that is wrong removes nothing.
  const parsed = entries === 'wrong' ? null : parseEntries(context, historyModel, entries, {}, ['history']);
  return parsed ?? { keep_days: 0, keep_runs: 0 };
}
