import { parseFlag } from './cells.ts';
import { type FindingList, meant } from './finding-list.ts';
import { SOURCE_ALIASES, SOURCE_TYPES, type SourceType } from './kinds.ts';
import type { RawSheet, Table } from './project.ts';
import { readSourceTable, type SourceTable } from './source-table.ts';
import { didYouMean } from './suggest.ts';
import { CONFIG_FILE, isTable, remark, scalarText, type TomlContext } from './toml-table.ts';

/** How the workbook uses a connection. */
export interface ConnectionUse {
  /** Kind of the first job that names it with a valid source_type. */
  type: SourceType | null;
  /** Some enabled job uses it. */
  enabled: boolean;
}

/** All connections of a project. */
export interface Connections {
  /** By section name; those whose kind could not be told are left out. */
  tables: ReadonlyMap<string, SourceTable>;
  names: readonly string[];
  /** Sections with an error of their own, whatever their kind. */
  broken: ReadonlySet<string>;
}

const TYPE_WORDS = new Map<string, SourceType>([
  ...SOURCE_TYPES.map((type) => [type, type] as const),
  ...Object.entries(SOURCE_ALIASES),
]);

/** A kind of source as people write it. */
export function sourceTypeOf(text: string): SourceType | null {
  return TYPE_WORDS.get(text.trim().toLowerCase()) ?? null;
}

/** Which connections the jobs use, before rows are judged: a broken row uses its connection too. */
export function connectionUses(
  sheet: RawSheet | null,
  index: ReadonlyMap<string, number>,
  sections: Table,
): Map<string, ConnectionUse> {
  const uses = new Map<string, ConnectionUse>();
  const [nameAt, typeAt, enabledAt] = ['source_name', 'source_type', 'enabled'].map(
    (name) => index.get(name) ?? -1,
  ) as [number, number, number];
  for (const { cells } of sheet?.rows ?? []) {
    const type = sourceTypeOf(cells[typeAt] ?? '');
    const named = (cells[nameAt] ?? '').trim();
    const name = Object.hasOwn(sections, named) ? named : type;
    if (name === null) continue;
    const flag = parseFlag(cells[enabledAt] ?? '');
    const enabled = flag.ok ? flag.value : true;
    const use = uses.get(name);
    if (use === undefined) uses.set(name, { type, enabled });
    else {
      use.enabled ||= enabled;
      use.type ??= type;
    }
  }
  return uses;
}

/** Reads `[sources.*]`. Errors in what no enabled job uses are warnings. */
export function readConnections(
  list: FindingList,
  config: Table,
  secretPaths: ReadonlySet<string>,
  uses: ReadonlyMap<string, ConnectionUse>,
): Connections {
  const sources = config.sources;
  const tables = new Map<string, SourceTable>();
  const broken = new Set<string>();
  if (sources !== undefined && !isTable(sources)) {
    remark(
      { list, secretPaths, severity: 'error' },
      { value: sources, path: ['sources'] },
      'CONFIG_VALUE_NOT_ALLOWED',
      'must be tables: [sources.NAME]',
    );
  }
  const sections = isTable(sources) ? Object.entries(sources) : [];
  for (const [name, table] of sections) {
    const use = uses.get(name);
    const context: TomlContext = { list, secretPaths, severity: use?.enabled === true ? 'error' : 'warning' };
    if (!isTable(table)) {
      remark(context, { value: table, path: ['sources', name] }, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
      broken.add(name);
      continue;
    }
    if (use === undefined) {
      list.add(
        { sheet: CONFIG_FILE, column: `sources.${name}` },
        {
          severity: 'warning',
          code: 'CONNECTION_UNUSED',
          problem: 'no job uses this connection',
          hint: 'Name it in source_name of a job, or remove it.',
        },
      );
    }
    const type = connectionType(context, name, table, use);
    if (type === null) continue;
    const read = readSourceTable(context, name, type, table);
    tables.set(name, read);
    if (read.connection === null) broken.add(name);
  }
  return { tables, names: sections.map(([name]) => name), broken };
}

/** By `type`, else by the first job, else by the section's name, else by the keys that only one kind has. */
function connectionType(
  context: TomlContext,
  name: string,
  table: Table,
  use: ConnectionUse | undefined,
): SourceType | null {
  const said = table.type ?? table.source_type;
  if (said !== undefined) {
    const type = typeof said === 'string' ? sourceTypeOf(said) : null;
    if (type !== null) return type;
    const fix = didYouMean(scalarText(said), SOURCE_TYPES);
    remark(
      context,
      { value: said, path: ['sources', name, 'type'] },
      'CONFIG_VALUE_NOT_ALLOWED',
      `use ${SOURCE_TYPES.join(', ')}`,
      {
        hint: meant(fix),
        fix,
      },
    );
  }
  if (use?.type != null) return use.type;
  const byName = sourceTypeOf(name);
  if (byName !== null) return byName;
  if (table.base_url !== undefined) return 'api';
  return table.bucket_url === undefined ? null : 'filesystem';
}

/** The connection of a job; undefined where there is none. */
export function tableOf(connections: Connections, name: string, type: SourceType): SourceTable | undefined {
  const direct = connections.tables.get(name);
  if (direct !== undefined || connections.names.includes(name)) return direct;
  return connections.tables.get(type);
}

/** Does any section stand for this job, valid or not? The rule of `connectionOf`. */
export function sectionOf(connections: Connections, name: string, type: SourceType): string | null {
  if (connections.names.includes(name)) return name;
  return connections.names.includes(type) ? type : null;
}
