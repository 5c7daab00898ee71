import type { PackageManifest, PackageTable } from '../load/load-package.ts';
import { contentHash } from '../state/state-text.ts';

/** The version of dlt's schema documents that is written: dlt 1.x reads it, newer ones migrate it. */
const DLT_ENGINE_VERSION = 11;

/** dlt's own types by DuckDB type; anything else is text. */
const DLT_TYPES: [RegExp, string][] = [
  [/^(TINY|SMALL|BIG|UTINY|USMALL|U)?INT(EGER)?$/, 'bigint'],
  [/^(UBIGINT|U?HUGEINT)$/, 'wei'],
  [/^(FLOAT|DOUBLE)$/, 'double'],
  [/^BOOLEAN$/, 'bool'],
  [/^TIMESTAMP/, 'timestamp'],
  [/^DATE$/, 'date'],
  [/^TIME$/, 'time'],
  [/^DECIMAL/, 'decimal'],
  [/^BLOB$/, 'binary'],
  [/^JSON$|^STRUCT|^MAP|\]$/, 'json'],
];

/** Without these, dlt takes a schema for damaged. */
const SYSTEM_TABLES = {
  _dlt_version: systemTable('_dlt_version', {
    version: 'bigint',
    engine_version: 'bigint',
    inserted_at: 'timestamp',
    schema_name: 'text',
    version_hash: 'text',
    schema: 'text',
  }),
  _dlt_loads: systemTable(
    '_dlt_loads',
    { load_id: 'text', schema_name: 'text', status: 'bigint', inserted_at: 'timestamp', schema_version_hash: 'text' },
    ['schema_name', 'schema_version_hash'],
  ),
};

/** A schema document in dlt's stored form. */
export interface DltSchema {
  version: number;
  version_hash: string;
  engine_version: number;
  previous_hashes: string[];
  name: string;
  tables: Record<string, unknown>;
  settings: Record<string, unknown>;
  normalizers: Record<string, unknown>;
}

/**
 * What `_dlt_version` says about a job's tables. The name is the target's own and not the pipeline's, so that a schema that dlt
 * keeps in the same dataset stays the newest of its name.
 */
export function dltSchemaOf(manifest: PackageManifest): DltSchema {
  const tables = Object.fromEntries(manifest.tables.map((table) => [table.name, dltTable(table, manifest)]));
  const content = {
    engine_version: DLT_ENGINE_VERSION,
    name: schemaName(manifest.target_table),
    previous_hashes: [],
    tables: { ...SYSTEM_TABLES, ...tables },
    settings: {},
    normalizers: { names: 'snake_case', json: { module: 'dlt.common.normalizers.json.relational' } },
  };
  return { version: 1, version_hash: contentHash(JSON.stringify(content)), ...content };
}

/** dlt wants a Python identifier of at most 64 characters. */
function schemaName(table: string): string {
  const name = `ingest_${table.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
  if (name.length <= 64) return name;
  return `${name.slice(0, 53)}_${contentHash(name)
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 10)
    .toLowerCase()}`;
}

function dltTable(table: PackageTable, manifest: PackageManifest): Record<string, unknown> {
  const columns = table.columns.map((column) => [
    column.name,
    {
      name: column.name,
      data_type: DLT_TYPES.find(([pattern]) => pattern.test(column.type))?.[1] ?? 'text',
      nullable: column.nullable,
      ...(table.parent === null && manifest.primary_key.includes(column.name) && { primary_key: true }),
    },
  ]);
  return {
    name: table.name,
    columns: Object.fromEntries(columns),
    ...(table.parent === null
      ? { write_disposition: manifest.write_disposition, resource: table.name }
      : { parent: table.parent }),
  };
}

function systemTable(name: string, types: Record<string, string>, nullable: string[] = []): Record<string, unknown> {
  const columns = Object.entries(types).map(([column, type]) => [
    column,
    { name: column, data_type: type, nullable: nullable.includes(column) },
  ]);
  return { name, columns: Object.fromEntries(columns), write_disposition: 'skip', resource: name };
}
