import { isIngestError } from '../../errors.ts';
import { suggestWatermarks, type WatermarkCandidate } from '../database/suggest-watermarks.ts';
import type { DiscoveredObject, DiscoverFilter } from '../source.ts';
import { type CatalogColumn, COLUMN_LIST, COLUMN_TABLES, catalogColumn } from './catalog.ts';
import { textLiteral } from './literal.ts';
import type { MssqlSession, TextRow } from './session.ts';

/** Tables and views that the user may read, with what the catalogue's counters say of their size. */
export async function discoverObjects(
  session: MssqlSession,
  filter: DiscoverFilter,
  signal: AbortSignal,
): Promise<DiscoveredObject[]> {
  const wanted = [
    "o.type IN ('U', 'V')",
    'o.is_ms_shipped = 0',
    filter.schema === undefined ? null : `s.name = ${textLiteral(filter.schema)}`,
    filter.search === undefined ? null : `CHARINDEX(${textLiteral(filter.search.toLowerCase())}, LOWER(o.name)) > 0`,
  ]
    .filter((condition) => condition !== null)
    .join(' AND ');
  const from = `sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id`;
  const objects = await session.query(
    `SELECT o.object_id AS [id], s.name AS [schema], o.name AS [name], o.type AS [type],
       (SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)) AS [rows],
       (SELECT SUM(a.total_pages) * 8192 FROM sys.partitions p JOIN sys.allocation_units a ON a.container_id = p.partition_id
         WHERE p.object_id = o.object_id) AS [bytes],
       CAST(e.value AS nvarchar(4000)) AS [comment]
     FROM ${from} LEFT JOIN sys.extended_properties e
       ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'MS_Description'
     WHERE ${wanted} ORDER BY s.name, o.name`,
    'Listing tables',
    signal,
  );
  const columns = filter.withColumns ? await listColumns(session, from, wanted, signal) : new Map<string, TextRow[]>();
  const counts = filter.withColumns ? await countDistinct(session, wanted, signal) : null;
  return objects.map((row) => describe(row, columns.get(row.id as string) ?? [], counts));
}

const COUNTED_TYPES = "'date', 'smalldatetime', 'datetime', 'datetime2', 'datetimeoffset', 'int', 'bigint'";

/**
 * How many values differ in the first columns of statistics: the histogram's steps, and what lies between them. A suggestion is good without it, too:
 * servers before 2016 SP1 CU2 have no such function, and not every user may ask it.
 */
async function countDistinct(session: MssqlSession, wanted: string, signal: AbortSignal): Promise<DistinctCounts> {
  try {
    const rows = await session.query(
      `SELECT k.object_id AS [object], c.name AS [name], COUNT(*) + SUM(h.distinct_range_rows) AS [distinct]
       FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
       JOIN sys.stats_columns k ON k.object_id = o.object_id AND k.stats_column_id = 1
       JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
       JOIN sys.types t ON t.user_type_id = c.system_type_id
       CROSS APPLY sys.dm_db_stats_histogram(k.object_id, k.stats_id) h
       WHERE ${wanted} AND t.name IN (${COUNTED_TYPES}) AND h.range_high_key IS NOT NULL
       GROUP BY k.object_id, k.stats_id, c.name`,
      'Reading statistics',
      signal,
    );
    return new Map(rows.map((row) => [`${row.object} ${row.name}`, Math.round(Number(row.distinct))]));
  } catch (error) {
    if (isIngestError(error) && error.code !== 'CANCELLED' && !error.retryable) return new Map();
    throw error;
  }
}

/** By object's number and column's name. */
type DistinctCounts = ReadonlyMap<string, number>;

async function listColumns(
  session: MssqlSession,
  from: string,
  wanted: string,
  signal: AbortSignal,
): Promise<Map<string, TextRow[]>> {
  const rows = await session.query(
    `SELECT ${COLUMN_LIST}, c.is_identity AS [identity], k.key_ordinal AS [key_position],
       CAST(e.value AS nvarchar(4000)) AS [comment],
       (SELECT COUNT(*) FROM sys.index_columns x WHERE x.object_id = c.object_id AND x.column_id = c.column_id AND x.key_ordinal = 1) AS [indexes]
     FROM ${from} JOIN ${COLUMN_TABLES.replace('sys.columns c', 'sys.columns c ON c.object_id = o.object_id')}
     LEFT JOIN sys.indexes i ON i.object_id = c.object_id AND i.is_primary_key = 1
     LEFT JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id
     LEFT JOIN sys.extended_properties e
       ON e.class = 1 AND e.major_id = c.object_id AND e.minor_id = c.column_id AND e.name = 'MS_Description'
     WHERE ${wanted} ORDER BY c.object_id, c.column_id`,
    'Listing columns',
    signal,
  );
  const byObject = new Map<string, TextRow[]>();
  for (const row of rows) {
    const list = byObject.get(row.object as string) ?? [];
    list.push(row);
    byObject.set(row.object as string, list);
  }
  return byObject;
}

const CANDIDATES: Record<string, WatermarkCandidate['kind']> = {
  smalldatetime: 'time',
  datetime: 'time',
  datetime2: 'time',
  datetimeoffset: 'time',
  date: 'date',
  int: 'integer',
  bigint: 'integer',
};

function describe(row: TextRow, rows: TextRow[], counts: DistinctCounts | null): DiscoveredObject {
  const columns = rows.map((each) => ({ row: each, column: catalogColumn(each) }));
  const key = columns
    .filter((each) => each.row.key_position != null)
    .sort((one, other) => Number(one.row.key_position) - Number(other.row.key_position));
  const rowEstimate = row.rows === null || row.rows === undefined ? null : Number(row.rows);
  return {
    schema: row.schema as string,
    name: row.name as string,
    kind: (row.type as string).trim() === 'V' ? 'view' : 'table',
    rowEstimate,
    bytes: row.bytes === null || row.bytes === undefined ? null : Number(row.bytes),
    comment: row.comment ?? null,
    columns: columns.map(({ row: { comment = null }, column }) => ({
      name: column.name,
      sourceType: column.sourceType,
      nullable: column.nullable,
      comment,
    })),
    primaryKey: key.map(({ column }) => column.name),
    watermarkSuggestions: [
      ...versionColumns(columns),
      ...suggestWatermarks(
        columns.map((each) => ({ ...candidate(each), distinct: counts?.get(`${row.id} ${each.column.name}`) ?? null })),
        rowEstimate,
      ),
    ],
  };
}

interface Described {
  row: TextRow;
  column: CatalogColumn;
}

function candidate({ row, column }: Described): WatermarkCandidate {
  return {
    name: column.name,
    kind: CANDIDATES[column.baseType] ?? null,
    nullable: column.nullable,
    indexed: Number(row.indexes) > 0,
    generated: row.identity === '1',
  };
}

/** The server itself raises it at each change of a row, and nobody can forget to. */
function versionColumns(columns: readonly Described[]): DiscoveredObject['watermarkSuggestions'] {
  return columns
    .filter(({ column }) => column.baseType === 'timestamp' || column.baseType === 'rowversion')
    .map(({ row, column }) => ({
      column: column.name,
      reason: `rowversion: the server raises it at each change of a row, ${Number(row.indexes) > 0 ? 'indexed' : 'no index: each run scans the table'}`,
    }));
}
