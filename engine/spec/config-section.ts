import type { Table } from './project.ts';
import { addEntries, type Entries, isTable, remark, type TomlContext, unknownKey } from './toml-table.ts';

/**
 * The keys of a section of config.toml that stands alone (`[notifications]`, `[telemetry]`, `[history]`); unknown ones are reported.
 * Null where there is no such section; `'wrong'` where it is no table, which is reported.
 */
export function sectionEntries(
  context: TomlContext,
  config: Table,
  name: string,
  known: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): Entries | null | 'wrong' {
  const table = config[name];
  if (table === undefined) return null;
  if (!isTable(table)) {
    remark(context, { value: table, path: [name] }, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
    return 'wrong';
  }
  const entries: Entries = new Map();
  addEntries(entries, table, [name], aliases);
  for (const [key, { path }] of entries) if (!known.includes(key)) unknownKey(context, path, known);
  return entries;
}
