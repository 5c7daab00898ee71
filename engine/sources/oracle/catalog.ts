import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { type KnownTable, type Place, placesOf, sameWord, tableNotFound } from '../database/find-table.ts';
import { quoteName, textLiteral } from './literal.ts';
import type { OracleSession, TextRow } from './session.ts';

/** A column as the dictionary knows it. */
export interface CatalogColumn {
  name: string;
  /** For people, e.g. `NUMBER(12,2)`, `VARCHAR2(100 CHAR)`. */
  sourceType: string;
  nullable: boolean;
  /** DATA_TYPE in lower case without its numbers: `number`, `timestamp with time zone`, `interval day to second`. */
  baseType: string;
  /** Schema of an object type, else null. */
  typeOwner: string | null;
  precision: number | null;
  scale: number | null;
}

export interface CatalogObject {
  schema: string;
  name: string;
  kind: 'TABLE' | 'VIEW' | 'MATERIALIZED VIEW';
  /** Index-organized: its ROWIDs are no places. */
  isIndexOrganized: boolean;
  columns: CatalogColumn[];
  /** Columns of the primary key, in its order. */
  primaryKey: string[];
}

/** What can be read, as ALL_OBJECTS names it. */
export const READABLE_KINDS = "'TABLE', 'VIEW', 'MATERIALIZED VIEW'";

type OwnedPlace = Place<string>;

/**
 * Finds what a job reads: `source_object` (the exact name) or else `table_name`, in `schema_name`, in the schema that the name begins with, or
 * in the user's own. Names are tried as they stand, then in upper case, as Oracle folds them; a synonym leads to what it stands for.
 */
export async function findObject(session: OracleSession, job: Job, signal: AbortSignal): Promise<CatalogObject> {
  const wanted = candidates(job, session.options.username);
  const doing = `Looking up ${job.source_object ?? job.table_name}`;
  const names = [...new Set(wanted.map(({ name }) => name))].map(textLiteral).join(', ');
  const objects = await session.query(
    `SELECT OWNER AS "schema", OBJECT_NAME AS "name", OBJECT_TYPE AS "kind" FROM ALL_OBJECTS
     WHERE OBJECT_NAME IN (${names}) AND OBJECT_TYPE IN (${READABLE_KINDS})`,
    doing,
    signal,
  );
  const at = (place: OwnedPlace) => objects.filter((row) => row.schema === place.schema && row.name === place.name);
  const direct = wanted.find((place) => at(place).length > 0);
  if (direct) return await describe(session, direct, at(direct), doing, signal);
  const place = await followSynonym(session, wanted, names, doing, signal);
  if (place === null) throw await notFound(session, job, objects, signal);
  const rows = await session.query(
    `SELECT OWNER AS "schema", OBJECT_NAME AS "name", OBJECT_TYPE AS "kind" FROM ALL_OBJECTS
     WHERE OWNER = ${textLiteral(place.schema)} AND OBJECT_NAME = ${textLiteral(place.name)} AND OBJECT_TYPE IN (${READABLE_KINDS})`,
    doing,
    signal,
  );
  if (rows.length === 0) throw await notFound(session, job, objects, signal);
  return await describe(session, place, rows, doing, signal);
}

/** Names as they stand, then as Oracle folds them. Without a schema: the user's own. */
function candidates(job: Job, username: string): OwnedPlace[] {
  const own = username.startsWith('"') ? username.slice(1, -1) : username.toUpperCase();
  const exact = placesOf(job).map(({ schema, name }) => ({ schema: schema ?? own, name }));
  const inUpperSchema = exact.map((place) => ({ ...place, schema: place.schema.toUpperCase() }));
  if (job.source_object !== null) return [...exact, ...inUpperSchema];
  const folded = inUpperSchema.map((place) => ({ ...place, name: place.name.toUpperCase() }));
  return [...exact, ...inUpperSchema, ...folded];
}

/** What a private or public synonym stands for. @throws IngestError for one that leads to another database */
async function followSynonym(
  session: OracleSession,
  wanted: readonly OwnedPlace[],
  names: string,
  doing: string,
  signal: AbortSignal,
): Promise<OwnedPlace | null> {
  const rows = await session.query(
    `SELECT OWNER AS "schema", SYNONYM_NAME AS "name", TABLE_OWNER AS "target_schema", TABLE_NAME AS "target_name", DB_LINK AS "link"
     FROM ALL_SYNONYMS WHERE SYNONYM_NAME IN (${names})`,
    doing,
    signal,
  );
  const matches = (place: OwnedPlace, schema: string) =>
    rows.find((row) => row.name === place.name && row.schema === schema);
  const found =
    wanted.map((place) => matches(place, place.schema)).find((row) => row !== undefined) ??
    wanted.map((place) => matches(place, 'PUBLIC')).find((row) => row !== undefined);
  if (found === undefined) return null;
  if (found.link !== null) {
    throw new IngestError(
      'SOURCE_TABLE_REMOTE',
      `${found.schema}.${found.name} is a synonym for ${found.target_name} on another database (${found.link}).`,
      { hint: 'Read from that database with a connection of its own, or make a view here that selects over the link.' },
    );
  }
  return { schema: found.target_schema as string, name: found.target_name as string };
}

async function describe(
  session: OracleSession,
  { schema, name }: OwnedPlace,
  rows: readonly TextRow[],
  doing: string,
  signal: AbortSignal,
): Promise<CatalogObject> {
  const kinds = rows.map((row) => row.kind);
  const kind = kinds.includes('MATERIALIZED VIEW') ? 'MATERIALIZED VIEW' : (kinds[0] as CatalogObject['kind']);
  const where = `OWNER = ${textLiteral(schema)} AND TABLE_NAME = ${textLiteral(name)}`;
  const columns = await session.query(
    `SELECT ${COLUMN_LIST} FROM ALL_TAB_COLS c WHERE ${where} AND HIDDEN_COLUMN = 'NO' ORDER BY COLUMN_ID`,
    doing,
    signal,
  );
  const key = await session.query(
    `SELECT cc.COLUMN_NAME AS "name", t.IOT_TYPE AS "organization" FROM ALL_TABLES t
     LEFT JOIN ALL_CONSTRAINTS k ON k.OWNER = t.OWNER AND k.TABLE_NAME = t.TABLE_NAME AND k.CONSTRAINT_TYPE = 'P'
     LEFT JOIN ALL_CONS_COLUMNS cc ON cc.OWNER = k.OWNER AND cc.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND cc.TABLE_NAME = k.TABLE_NAME
     WHERE t.OWNER = ${textLiteral(schema)} AND t.TABLE_NAME = ${textLiteral(name)} ORDER BY cc.POSITION`,
    doing,
    signal,
  );
  return {
    schema,
    name,
    kind,
    isIndexOrganized: key.some((row) => row.organization !== null),
    columns: columns.map(catalogColumn),
    primaryKey: key.flatMap((row) => (row.name === null ? [] : [row.name as string])),
  };
}

/** What {@link catalogColumn} needs, of ALL_TAB_COLS c. */
export const COLUMN_LIST = `c.COLUMN_NAME AS "name", c.DATA_TYPE AS "type", c.DATA_TYPE_OWNER AS "type_owner", c.CHAR_LENGTH AS "length",
  c.DATA_LENGTH AS "bytes", c.DATA_PRECISION AS "precision", c.DATA_SCALE AS "scale", c.NULLABLE AS "nullable"`;

export function catalogColumn(row: TextRow): CatalogColumn {
  const type = row.type as string;
  const number = (text: string | null | undefined) => (text === null || text === undefined ? null : Number(text));
  return {
    name: row.name as string,
    sourceType: printType(row),
    nullable: row.nullable !== 'N',
    baseType: type.replace(/\s*\(\d+\)/g, '').toLowerCase(),
    typeOwner: row.type_owner ?? null,
    precision: number(row.precision),
    scale: number(row.scale),
  };
}

/** The type as CREATE TABLE would have it. */
function printType({ type, type_owner: owner, length, bytes, precision, scale }: TextRow): string {
  const name = type as string;
  switch (name) {
    case 'NUMBER':
      if (precision === null) return scale === '0' ? 'NUMBER(*,0)' : scale === null ? name : `NUMBER(*,${scale})`;
      return scale === '0' || scale === null ? `NUMBER(${precision})` : `NUMBER(${precision},${scale})`;
    case 'FLOAT':
      return `FLOAT(${precision})`;
    case 'CHAR':
    case 'VARCHAR2':
    case 'NCHAR':
    case 'NVARCHAR2':
      return `${name}(${length})`;
    case 'RAW':
      return `RAW(${bytes})`;
    default:
      return owner === null || owner === undefined ? name : `${owner}.${name}`;
  }
}

function notFound(
  session: OracleSession,
  job: Job,
  sameName: readonly TextRow[],
  signal: AbortSignal,
): Promise<IngestError> {
  const wanted = job.source_object ?? job.table_name;
  return tableNotFound(job, {
    sameName,
    list: () => listTables(session, job, signal),
    fold: (name) => name.toUpperCase(),
    otherwise: `Where it should be there, ask its owner for GRANT SELECT ON ${grantName(job, wanted)}.`,
  });
}

async function listTables(session: OracleSession, job: Job, signal: AbortSignal): Promise<KnownTable[]> {
  const rows = await session.query(
    `SELECT o.OWNER AS "schema", o.OBJECT_NAME AS "name" FROM ALL_OBJECTS o JOIN ALL_USERS u ON u.USERNAME = o.OWNER
     WHERE u.ORACLE_MAINTAINED = 'N' AND o.OBJECT_TYPE IN (${READABLE_KINDS}) ORDER BY 1, 2 FETCH FIRST 5000 ROWS ONLY`,
    'Listing tables',
    signal,
  );
  return rows.map(({ schema, name }) => ({
    schema: schema as string,
    name: name as string,
    visible: job.schema_name === null || sameWord(schema as string, job.schema_name),
  }));
}

function grantName(job: Job, wanted: string): string {
  return job.schema_name === null || wanted.includes('"') ? wanted : quoteName(job.schema_name, wanted);
}
