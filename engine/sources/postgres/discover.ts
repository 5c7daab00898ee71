import { suggestWatermarks, type WatermarkCandidate } from '../database/suggest-watermarks.ts';
import type { DiscoveredColumn, DiscoveredObject, DiscoverFilter } from '../source.ts';
import type { PostgresSession, TextRow } from './session.ts';

const OBJECT_KINDS: Record<string, DiscoveredObject['kind']> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized_view',
  f: 'foreign_table',
};

/** What a catalogue query is limited to: schemas of people, with the filter's schema and part of a name. */
const VISIBLE = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
  AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND has_schema_privilege(n.oid, 'USAGE')
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND ($1::text IS NULL OR n.nspname = $1)
  AND ($2::text IS NULL OR position(lower($2) IN lower(c.relname)) > 0)
  AND has_any_column_privilege(c.oid, 'SELECT')`;

/** Tables, views, materialised views, foreign and partitioned tables that the user may read; partitions count as their parent. */
export async function discoverObjects(
  session: PostgresSession,
  filter: DiscoverFilter,
  signal: AbortSignal,
): Promise<DiscoveredObject[]> {
  const values = [filter.schema ?? null, filter.search ?? null];
  const doing = 'Listing tables';
  const objects = await session.query(
    `SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
       CASE WHEN c.relkind = 'p' THEN parts.rows WHEN c.relkind IN ('r', 'm', 'f') AND c.reltuples >= 0 THEN c.reltuples END::bigint AS rows,
       CASE WHEN c.relkind = 'p' THEN parts.bytes WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid) END AS bytes,
       obj_description(c.oid, 'pg_class') AS comment
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN LATERAL (
       WITH RECURSIVE part(oid) AS (
         SELECT c.oid UNION ALL SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid
       )
       SELECT sum(nullif(leaf.reltuples, -1)) AS rows, sum(pg_total_relation_size(leaf.oid)) AS bytes
       FROM part JOIN pg_class leaf ON leaf.oid = part.oid WHERE leaf.relkind = 'r'
     ) parts ON c.relkind = 'p'
     WHERE ${VISIBLE} ORDER BY 2, 3`,
    doing,
    signal,
    values,
  );
  const columns = new Map<string, TextRow[]>();
  if (filter.withColumns) {
    const rows = await session.query(
      `SELECT c.oid, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
         col_description(c.oid, a.attnum) AS comment, t.typname AS base,
         array_position(k.conkey, a.attnum) AS key_position,
         EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indkey[0] = a.attnum) AS indexed,
         a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%' AS generated,
         CASE WHEN st.n_distinct >= 0 THEN st.n_distinct WHEN c.reltuples > 0 THEN -st.n_distinct * c.reltuples END::bigint AS distinct
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
       LEFT JOIN pg_stats st ON st.schemaname = n.nspname AND st.tablename = c.relname AND st.attname = a.attname
         AND st.inherited = (c.relkind = 'p')
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE ${VISIBLE} ORDER BY c.oid, a.attnum`,
      'Listing columns',
      signal,
      values,
    );
    for (const row of rows) {
      const list = columns.get(row.oid as string) ?? [];
      list.push(row);
      columns.set(row.oid as string, list);
    }
  }
  return objects.map((row) => describe(row, columns.get(row.oid as string) ?? []));
}

function describe(row: TextRow, columns: TextRow[]): DiscoveredObject {
  const key = columns
    .filter((column) => column.key_position !== null)
    .sort((one, other) => Number(one.key_position) - Number(other.key_position));
  const rowEstimate = row.rows == null ? null : Number(row.rows);
  return {
    schema: row.schema as string,
    name: row.name as string,
    kind: OBJECT_KINDS[row.kind as string] ?? 'table',
    rowEstimate,
    bytes: row.bytes === null ? null : Number(row.bytes),
    comment: row.comment ?? null,
    columns: columns.map(
      (column): DiscoveredColumn => ({
        name: column.name as string,
        sourceType: column.type as string,
        nullable: column.required !== 't',
        comment: column.comment ?? null,
      }),
    ),
    primaryKey: key.map((column) => column.name as string),
    watermarkSuggestions: suggestWatermarks(columns.map(candidate), rowEstimate),
  };
}

const INTEGERS = new Set(['int4', 'int8']);
const TIMES = new Set(['timestamp', 'timestamptz']);

function candidate(column: TextRow): WatermarkCandidate {
  const base = column.base as string;
  return {
    name: column.name as string,
    kind: TIMES.has(base) ? 'time' : base === 'date' ? 'date' : INTEGERS.has(base) ? 'integer' : null,
    nullable: column.required !== 't',
    indexed: column.indexed === 't',
    generated: column.generated === 't',
    // Zero: nobody has counted yet.
    distinct: Number(column.distinct ?? 0) === 0 ? null : Number(column.distinct),
  };
}
