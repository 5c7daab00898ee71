import type { Job } from '../../spec/job.ts';
import { type KnownTable, type Place, placesOf, sameWord, tableNotFound } from '../database/find-table.ts';
import { quoteName, textLiteral } from './literal.ts';
import type { MssqlSession } from './session.ts';

/** A column as the catalogue knows it. */
export interface CatalogColumn {
  name: string;
  /** For people, e.g. `decimal(12,2)`, `nvarchar(max)`, or the name of an alias type. */
  sourceType: string;
  nullable: boolean;
  /** The system type below, e.g. `decimal`; of a type of .NET its own name: `geometry`, `hierarchyid`. */
  baseType: string;
  /** The system type as SQL writes it, with its numbers: `decimal(12,2)`. */
  typeSql: string;
  /** Characters or bytes; null for `max` and for types without. */
  length: number | null;
  precision: number | null;
  scale: number | null;
  /** The user may SELECT this column. */
  readable: boolean;
}

export interface CatalogObject {
  schema: string;
  name: string;
  id: string;
  kind: 'table' | 'view';
  /** Rows, as the partitions' counters say; 0 for a view. */
  rows: number;
  /** Where rows live in memory no transaction can read them in SNAPSHOT isolation: a statement alone sees one moment. */
  inMemory: boolean;
  columns: CatalogColumn[];
  /** Columns of the primary key, in its order. */
  primaryKey: string[];
}

/**
 * Finds what a job reads: `source_object` (the exact name) or else `table_name`, in `schema_name`, in the schema that the name begins with, in the
 * user's default schema, or in dbo. A name that differs by case alone is taken where it is the only one.
 */
export async function findObject(session: MssqlSession, job: Job, signal: AbortSignal): Promise<CatalogObject> {
  // A null schema: the user's default schema, then dbo.
  const wanted = placesOf(job);
  const names = [...new Set(wanted.map(({ name }) => textLiteral(name.toLowerCase())))].join(', ');
  const doing = `Looking up ${job.source_object ?? job.table_name}`;
  const rows = await session.query(
    `SELECT s.name AS [schema], o.name AS [name], o.object_id AS [id], o.type AS [type], SCHEMA_NAME() AS [default_schema],
       CASE WHEN t.is_memory_optimized = 1 THEN 1 ELSE 0 END AS [in_memory],
       (SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)) AS [rows]
     FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id LEFT JOIN sys.tables t ON t.object_id = o.object_id
     WHERE o.type IN ('U', 'V') AND LOWER(o.name) IN (${names}) ORDER BY s.name, o.name`,
    doing,
    signal,
  );
  const matches = ({ schema, name }: Place, same: (one: string, other: string) => boolean) => {
    const schemas = schema === null ? [rows[0]?.default_schema ?? 'dbo', 'dbo'] : [schema];
    for (const each of schemas) {
      const found = rows.filter((row) => same(row.schema as string, each) && same(row.name as string, name));
      if (found.length === 1) return found[0];
    }
    return undefined;
  };
  const found =
    wanted.map((place) => matches(place, (one, other) => one === other)).find((row) => row !== undefined) ??
    wanted.map((place) => matches(place, sameWord)).find((row) => row !== undefined);
  if (!found) {
    throw await tableNotFound(job, {
      sameName: rows,
      list: () => listTables(session, job, signal),
      otherwise: 'A name with other characters goes into source_object.',
    });
  }
  const id = found.id as string;
  return {
    schema: found.schema as string,
    name: found.name as string,
    id,
    kind: (found.type as string).trim() === 'V' ? 'view' : 'table',
    rows: Number(found.rows ?? 0),
    inMemory: found.in_memory === '1',
    columns: await readColumns(session, id, quoteName(found.schema as string, found.name as string), doing, signal),
    primaryKey: await readPrimaryKey(session, id, doing, signal),
  };
}

/** The catalogue shows only what the user has some right to. */
async function listTables(session: MssqlSession, job: Job, signal: AbortSignal): Promise<KnownTable[]> {
  const rows = await session.query(
    `SELECT TOP (5000) s.name AS [schema], o.name AS [name] FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
     WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name`,
    'Listing tables',
    signal,
  );
  return rows.map(({ schema, name }) => ({
    schema: schema as string,
    name: name as string,
    visible: job.schema_name === null || sameWord(schema as string, job.schema_name),
  }));
}

async function readColumns(
  session: MssqlSession,
  id: string,
  quoted: string,
  doing: string,
  signal: AbortSignal,
): Promise<CatalogColumn[]> {
  const rows = await session.query(
    `SELECT ${COLUMN_LIST}, HAS_PERMS_BY_NAME(${textLiteral(quoted)}, 'OBJECT', 'SELECT', QUOTENAME(c.name), 'COLUMN') AS [readable]
     FROM ${COLUMN_TABLES} WHERE c.object_id = ${Number(id)} ORDER BY c.column_id`,
    doing,
    signal,
  );
  return rows.map(catalogColumn);
}

async function readPrimaryKey(
  session: MssqlSession,
  id: string,
  doing: string,
  signal: AbortSignal,
): Promise<string[]> {
  const rows = await session.query(
    `SELECT c.name AS [name] FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
     JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
     WHERE i.is_primary_key = 1 AND i.object_id = ${Number(id)} ORDER BY ic.key_ordinal`,
    doing,
    signal,
  );
  return rows.map((row) => row.name as string);
}

/** What {@link catalogColumn} needs, of {@link COLUMN_TABLES}. */
export const COLUMN_LIST = `c.object_id AS [object], c.name AS [name], t.name AS [type], b.name AS [base], c.max_length AS [bytes],
  c.precision AS [precision], c.scale AS [scale], c.is_nullable AS [nullable]`;
/** A base type's own row has its system type's number as its user type's. */
export const COLUMN_TABLES = `sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id
  LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id`;

const WITH_LENGTH = new Set(['char', 'varchar', 'nchar', 'nvarchar', 'binary', 'varbinary']);
const WITH_SCALE = new Set(['time', 'datetime2', 'datetimeoffset']);
const WITH_PRECISION = new Set(['decimal', 'numeric']);

/** A column from a row of {@link COLUMN_LIST}. */
export function catalogColumn(row: Record<string, string | null>): CatalogColumn {
  const own = row.type as string;
  const baseType = row.base ?? own;
  const bytes = Number(row.bytes);
  const length = !WITH_LENGTH.has(baseType) || bytes < 0 ? null : baseType.startsWith('n') ? bytes / 2 : bytes;
  const precision = WITH_PRECISION.has(baseType) ? Number(row.precision) : null;
  const scale = WITH_PRECISION.has(baseType) || WITH_SCALE.has(baseType) ? Number(row.scale) : null;
  const typeSql = typeText(baseType, length, precision, scale);
  return {
    name: row.name as string,
    sourceType: own === baseType ? typeSql : own,
    nullable: row.nullable !== '0',
    baseType,
    typeSql,
    length,
    precision,
    scale,
    readable: row.readable !== '0',
  };
}

function typeText(base: string, length: number | null, precision: number | null, scale: number | null): string {
  if (WITH_LENGTH.has(base)) return `${base}(${length ?? 'max'})`;
  if (WITH_PRECISION.has(base)) return `${base}(${precision},${scale})`;
  return WITH_SCALE.has(base) ? `${base}(${scale})` : base;
}
