import { suggestWatermarks, type WatermarkCandidate } from '../database/suggest-watermarks.ts';
import type { DiscoveredObject, DiscoverFilter } from '../source.ts';
import { COLUMN_LIST, catalogColumn, READABLE_KINDS } from './catalog.ts';
import { textLiteral } from './literal.ts';
import type { OracleSession, TextRow } from './session.ts';

const OBJECT_KINDS: Record<string, DiscoveredObject['kind']> = {
  TABLE: 'table',
  VIEW: 'view',
  'MATERIALIZED VIEW': 'materialized_view',
};
const INTEGER_SCALE = 0;

/** What a dictionary query is limited to: schemas of people, with the filter's schema and part of a name. What is in the recycle bin is gone. */
function visible(alias: string, name: string, filter: DiscoverFilter): string {
  const conditions = [`u.ORACLE_MAINTAINED = 'N'`, `${alias}.${name} NOT LIKE 'BIN$%'`];
  if (filter.schema !== undefined) conditions.push(`${alias}.OWNER = ${textLiteral(filter.schema)}`);
  if (filter.search !== undefined && filter.search !== '') {
    conditions.push(`INSTR(UPPER(${alias}.${name}), UPPER(${textLiteral(filter.search)})) > 0`);
  }
  return `JOIN ALL_USERS u ON u.USERNAME = ${alias}.OWNER WHERE ${conditions.join(' AND ')}`;
}

/** Tables, views and materialized views that the user may see, without those that Oracle maintains. */
export async function discoverObjects(
  session: OracleSession,
  filter: DiscoverFilter,
  signal: AbortSignal,
): Promise<DiscoveredObject[]> {
  const objects = await session.query(
    `SELECT o.OWNER AS "schema", o.OBJECT_NAME AS "name", o.OBJECT_TYPE AS "kind", t.NUM_ROWS AS "rows",
       t.NUM_ROWS * t.AVG_ROW_LEN AS "bytes", TO_CHAR(t.LAST_ANALYZED, 'YYYY-MM-DD HH24:MI:SS') AS "analyzed", m.COMMENTS AS "comment"
     FROM ALL_OBJECTS o
     LEFT JOIN ALL_TABLES t ON t.OWNER = o.OWNER AND t.TABLE_NAME = o.OBJECT_NAME
     LEFT JOIN ALL_TAB_COMMENTS m ON m.OWNER = o.OWNER AND m.TABLE_NAME = o.OBJECT_NAME
     ${visible('o', 'OBJECT_NAME', filter)} AND o.OBJECT_TYPE IN (${READABLE_KINDS}) ORDER BY 1, 2, 3`,
    'Listing tables',
    signal,
  );
  // A materialized view is listed as the table that holds its rows, too; it sorts before.
  const unique = new Map<string, TextRow>();
  for (const row of objects) {
    const key = keyOf(row);
    if (!unique.has(key)) unique.set(key, row);
  }
  const facts = filter.withColumns ? await readColumns(session, filter, signal) : NO_FACTS;
  return [...unique.values()].map((row) => describe(row, facts));
}

interface ColumnFacts {
  columns: Map<string, TextRow[]>;
  /** Constraints' columns in their order, primary keys first. */
  keys: Map<string, TextRow[]>;
  /** `schema\0table\0column` of the first columns of indexes. */
  indexed: Set<string>;
}

const NO_FACTS: ColumnFacts = { columns: new Map(), keys: new Map(), indexed: new Set() };
/** No name holds a zero character. */
const keyOf = (row: TextRow) => `${row.schema}\0${row.name}`;

async function readColumns(session: OracleSession, filter: DiscoverFilter, signal: AbortSignal): Promise<ColumnFacts> {
  const doing = 'Listing columns';
  const columns = await session.query(
    `SELECT c.OWNER AS "schema", c.TABLE_NAME AS "table", ${COLUMN_LIST}, c.IDENTITY_COLUMN AS "identity", c.NUM_DISTINCT AS "distinct",
       m.COMMENTS AS "comment"
     FROM ALL_TAB_COLS c
     LEFT JOIN ALL_COL_COMMENTS m ON m.OWNER = c.OWNER AND m.TABLE_NAME = c.TABLE_NAME AND m.COLUMN_NAME = c.COLUMN_NAME
     ${visible('c', 'TABLE_NAME', filter)} AND c.HIDDEN_COLUMN = 'NO' ORDER BY c.OWNER, c.TABLE_NAME, c.COLUMN_ID`,
    doing,
    signal,
  );
  const keys = await session.query(
    `SELECT k.OWNER AS "schema", k.TABLE_NAME AS "table", k.CONSTRAINT_NAME AS "constraint", k.CONSTRAINT_TYPE AS "type",
       cc.COLUMN_NAME AS "column"
     FROM ALL_CONSTRAINTS k
     JOIN ALL_CONS_COLUMNS cc ON cc.OWNER = k.OWNER AND cc.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND cc.TABLE_NAME = k.TABLE_NAME
     ${visible('k', 'TABLE_NAME', filter)} AND k.CONSTRAINT_TYPE IN ('P', 'U') AND k.STATUS = 'ENABLED'
     ORDER BY k.OWNER, k.TABLE_NAME, k.CONSTRAINT_TYPE, k.CONSTRAINT_NAME, cc.POSITION`,
    'Listing keys',
    signal,
  );
  const indexes = await session.query(
    `SELECT i.TABLE_OWNER AS "schema", i.TABLE_NAME AS "table", i.COLUMN_NAME AS "column" FROM ALL_IND_COLUMNS i
     JOIN ALL_USERS u ON u.USERNAME = i.TABLE_OWNER WHERE u.ORACLE_MAINTAINED = 'N' AND i.COLUMN_POSITION = 1
     ${filter.schema === undefined ? '' : `AND i.TABLE_OWNER = ${textLiteral(filter.schema)}`}`,
    'Listing indexes',
    signal,
  );
  return {
    columns: byTable(columns),
    keys: byTable(keys),
    indexed: new Set(indexes.map((row) => `${row.schema}\0${row.table}\0${row.column}`)),
  };
}

function byTable(rows: readonly TextRow[]): Map<string, TextRow[]> {
  return Map.groupBy(rows, (row) => `${row.schema}\0${row.table}`);
}

function describe(row: TextRow, facts: ColumnFacts): DiscoveredObject {
  const key = keyOf(row);
  const columns = facts.columns.get(key) ?? [];
  const rowEstimate = row.rows === null ? null : Number(row.rows);
  return {
    schema: row.schema as string,
    name: row.name as string,
    kind: OBJECT_KINDS[row.kind as string] ?? 'table',
    rowEstimate,
    ...(row.analyzed === null ? {} : { estimatedAt: row.analyzed as string }),
    bytes: row.bytes === null ? null : Number(row.bytes),
    comment: row.comment ?? null,
    columns: columns.map((column) => {
      const { name, sourceType, nullable } = catalogColumn(column);
      return { name, sourceType, nullable, comment: column.comment ?? null };
    }),
    primaryKey: bestKey(facts.keys.get(key) ?? [], columns),
    watermarkSuggestions: suggestWatermarks(
      columns.map((column) => candidate(column, facts.indexed.has(`${key}\0${column.name}`))),
      rowEstimate,
    ),
  };
}

/** The primary key, else the first unique key that no NULL can slip past. */
function bestKey(keys: readonly TextRow[], columns: readonly TextRow[]): string[] {
  const required = new Set(columns.filter((column) => column.nullable === 'N').map((column) => column.name));
  const constraints = [...Map.groupBy(keys, (row) => row.constraint).values()];
  const best =
    constraints.find(([first]) => first?.type === 'P') ??
    constraints.find((rows) => rows.every((row) => required.has(row.column ?? null)));
  return (best ?? []).map((row) => row.column as string);
}

function candidate(row: TextRow, indexed: boolean): WatermarkCandidate {
  const { name, baseType, nullable, scale } = catalogColumn(row);
  // Oracle's DATE has a clock.
  const isTime = baseType === 'date' || baseType.startsWith('timestamp');
  const isInteger = baseType === 'number' && scale === INTEGER_SCALE;
  return {
    name,
    kind: isTime ? 'time' : isInteger ? 'integer' : null,
    nullable,
    indexed,
    generated: row.identity === 'YES',
    distinct: row.distinct == null ? null : Number(row.distinct),
  };
}
