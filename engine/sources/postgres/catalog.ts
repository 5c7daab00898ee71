import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { type KnownTable, type Place, placesOf, tableNotFound } from '../database/find-table.ts';
import { objectName } from '../database/table-columns.ts';
import { quoteIdentifier, quoteName } from './literal.ts';
import type { PostgresSession, TextRow } from './session.ts';

/** A column as the catalogue knows it. Domains are resolved to the type below them. */
export interface CatalogColumn {
  name: string;
  /** As the server prints it, e.g. `numeric(12,2)` or the domain's name. */
  sourceType: string;
  nullable: boolean;
  /** Name of the base type in pg_type, e.g. `numeric`, `timestamptz`; types of other schemas than pg_catalog keep their schema: `public.citext`. */
  baseType: string;
  /** The base type as SQL writes it, without length or precision (a cast to `numeric(12,2)` would round). */
  baseTypeSql: string;
  /** pg_type.typtype: b(ase), c(omposite), d(omain), e(num), p(seudo), r(ange), m(ultirange). */
  baseKind: string;
  isArray: boolean;
  precision: number | null;
  scale: number | null;
  /** The user may SELECT this column. */
  readable: boolean;
}

export interface CatalogObject {
  schema: string;
  name: string;
  oid: string;
  /** pg_class.relkind: r(elation), p(artitioned), v(iew), m(aterialised view), f(oreign). */
  kind: string;
  /** Pages of the table, or of the largest partition below it; 0 for what has none, and where a partition lies on another server. */
  pages: number;
  /** Row-level security hides rows from this user. */
  rowSecurity: boolean;
  columns: CatalogColumn[];
}

const READABLE_KINDS = "'r', 'p', 'v', 'm', 'f'";

/**
 * Finds what a job reads: `source_object` (the exact name) or else `table_name`, in `schema_name`, in the schema that the name begins with,
 * or on the search path. Names are tried as they stand, then in lower case, as PostgreSQL folds them.
 */
export async function findObject(session: PostgresSession, job: Job, signal: AbortSignal): Promise<CatalogObject> {
  const wanted = candidates(job);
  const names = [...new Set(wanted.map((candidate) => candidate.name))];
  const doing = `Looking up ${job.source_object ?? job.table_name}`;
  const rows = await session.query(
    `SELECT n.nspname AS schema, c.relname AS name, c.oid, c.relkind AS kind, pg_table_is_visible(c.oid) AS visible,
       has_schema_privilege(n.oid, 'USAGE') AS usable,
       has_any_column_privilege(c.oid, 'SELECT') AS readable,
       row_security_active(c.oid) AS row_security
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN (${READABLE_KINDS}) AND c.relname = ANY($1) AND NOT pg_is_other_temp_schema(n.oid)`,
    doing,
    signal,
    [names],
  );
  const found = wanted
    .map(({ schema, name }) =>
      rows.find((row) => row.name === name && (schema === null ? row.visible === 't' : row.schema === schema)),
    )
    .find((row) => row !== undefined);
  if (!found) {
    throw await tableNotFound(job, {
      sameName: rows,
      list: () => listTables(session, job, signal),
      otherwise: 'A name with other characters goes into source_object.',
    });
  }
  const object = { schema: found.schema as string, name: found.name as string, oid: found.oid as string };
  checkGrants(object, found);
  return {
    ...object,
    kind: found.kind as string,
    rowSecurity: found.row_security === 't',
    pages: await pagesOf(session, object.oid, doing, signal),
    columns: await readColumns(session, object.oid, doing, signal),
  };
}

/** Names as they stand, then as PostgreSQL folds them. A null schema: on the search path. */
function candidates(job: Job): Place[] {
  const exact = placesOf(job, (one, other) => one === other);
  if (job.source_object !== null) return exact;
  const folded = exact.map(({ schema, name }) => ({
    schema: schema?.toLowerCase() ?? null,
    name: name.toLowerCase(),
  }));
  return [...exact, ...folded];
}

async function listTables(session: PostgresSession, job: Job, signal: AbortSignal): Promise<KnownTable[]> {
  const rows = await session.query(
    `SELECT n.nspname AS schema, c.relname AS name, pg_table_is_visible(c.oid) AS visible
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN (${READABLE_KINDS}) AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
       AND has_schema_privilege(n.oid, 'USAGE')
     ORDER BY 1, 2 LIMIT 5000`,
    'Listing tables',
    signal,
  );
  return rows.map(({ schema, name, visible }) => ({
    schema: schema as string,
    name: name as string,
    visible: visible === 't' || schema === job.schema_name,
  }));
}

function checkGrants(object: Pick<CatalogObject, 'schema' | 'name'>, row: TextRow): void {
  const name = objectName(object);
  if (row.usable !== 't') {
    throw new IngestError(
      'PERMISSION_DENIED',
      `${name}: the connection's user may not use schema "${object.schema}".`,
      {
        hint: `Ask its owner for: GRANT USAGE ON SCHEMA ${quoteIdentifier(object.schema)} TO the user of the connection.`,
      },
    );
  }
  if (row.readable !== 't') {
    throw new IngestError('PERMISSION_DENIED', `${name}: the connection's user may not read it.`, {
      hint: `Ask its owner for: GRANT SELECT ON ${quoteName(object.schema, object.name)} TO the user of the connection.`,
    });
  }
}

/** Pages of the table, or of the largest partition below it; 0 for what has none. */
async function pagesOf(session: PostgresSession, oid: string, doing: string, signal: AbortSignal): Promise<number> {
  const rows = await session.query(
    `WITH RECURSIVE part(oid) AS (
       SELECT $1::oid UNION ALL SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid
     )
     SELECT CASE WHEN bool_or(c.relkind = 'f') THEN 0
       ELSE coalesce(max(CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) END), 0) END
       / current_setting('block_size')::int AS pages
     FROM part JOIN pg_class c ON c.oid = part.oid`,
    doing,
    signal,
    [oid],
  );
  return Number(rows[0]?.pages ?? 0);
}

/** Columns in their order, domains resolved down to the type that holds the values. */
export async function readColumns(
  session: PostgresSession,
  oid: string,
  doing: string,
  signal: AbortSignal,
): Promise<CatalogColumn[]> {
  const rows = await session.query(
    `WITH RECURSIVE base(attnum, oid, typmod, required) AS (
       SELECT attnum, atttypid, atttypmod, attnotnull FROM pg_attribute
       WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
       UNION ALL
       SELECT base.attnum, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE base.typmod END,
         base.required OR t.typnotnull
       FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype = 'd'
     )
     SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS source_type, base.required, t.typname AS type,
       n.nspname AS type_schema, t.typtype AS kind, t.typcategory = 'A' AS is_array, base.typmod,
       has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable
     FROM pg_attribute a JOIN base ON base.attnum = a.attnum
     JOIN pg_type t ON t.oid = base.oid JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE a.attrelid = $1::oid AND t.typtype <> 'd' ORDER BY a.attnum`,
    doing,
    signal,
    [oid],
  );
  return rows.map((row) => ({
    name: row.name as string,
    sourceType: row.source_type as string,
    nullable: row.required !== 't',
    baseType: row.type_schema === 'pg_catalog' ? (row.type as string) : `${row.type_schema}.${row.type}`,
    baseTypeSql: quoteName(row.type_schema as string, row.type as string),
    baseKind: row.kind as string,
    isArray: row.is_array === 't',
    ...numericShape(row.type as string, Number(row.typmod)),
    readable: row.readable === 't',
  }));
}

/** numeric's typmod: precision above, an 11-bit signed scale below (make_numeric_typmod in numeric.c). */
function numericShape(type: string, typmod: number): Pick<CatalogColumn, 'precision' | 'scale'> {
  if (type !== 'numeric' || typmod < 4) return { precision: null, scale: null };
  const packed = typmod - 4;
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}
