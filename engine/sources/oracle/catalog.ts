import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { didYouMean } from '../../spec/suggest.ts';
import { shortList } from '../database/table-columns.ts';
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

interface Place {
  schema: string;
  name: string;
}

/**
 * Finds what a job reads: `source_object` (the exact name) or else `table_name`, in `schema_name`, in the schema that the name begins with, or
 * in the user's own. Names are tried as they stand, then in upper case, as Oracle folds them; a synonym leads to what it stands for.
 */
export async function findObject(session: OracleSession, job: Job, signal: AbortSignal): Promise<CatalogObject> {
  const wanted = candidates(job, session.connection.username);
  const doing = `Looking up ${job.source_object ?? job.table_name}`;
  const names = [...new Set(wanted.map(({ name }) => name))].map(textLiteral).join(', ');
  const objects = await session.query(
    `SELECT OWNER AS "schema", OBJECT_NAME AS "name", OBJECT_TYPE AS "kind" FROM ALL_OBJECTS
     WHERE OBJECT_NAME IN (${names}) AND OBJECT_TYPE IN (${READABLE_KINDS})`,
    doing,
    signal,
  );
  const at = (place: Place) => objects.filter((row) => row.schema === place.schema && row.name === place.name);
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

function candidates(job: Job, username: string): Place[] {
  const name = job.source_object ?? job.table_name;
  const own = username.startsWith('"') ? username.slice(1, -1) : username.toUpperCase();
  const exact: Place[] = [{ schema: job.schema_name ?? own, name }];
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const schema = name.slice(0, dot);
    if (job.schema_name === null || sameWord(job.schema_name, schema))
      exact.push({ schema, name: name.slice(dot + 1) });
  }
  const inUpperSchema = exact.map((place) => ({ ...place, schema: place.schema.toUpperCase() }));
  if (job.source_object !== null) return [...exact, ...inUpperSchema];
  const folded = inUpperSchema.map((place) => ({ ...place, name: place.name.toUpperCase() }));
  return [...exact, ...inUpperSchema, ...folded];
}

const sameWord = (one: string, other: string) => one.toUpperCase() === other.toUpperCase();

/** What a private or public synonym stands for. @throws IngestError for one that leads to another database */
async function followSynonym(
  session: OracleSession,
  wanted: readonly Place[],
  names: string,
  doing: string,
  signal: AbortSignal,
): Promise<Place | null> {
  const rows = await session.query(
    `SELECT OWNER AS "schema", SYNONYM_NAME AS "name", TABLE_OWNER AS "target_schema", TABLE_NAME AS "target_name", DB_LINK AS "link"
     FROM ALL_SYNONYMS WHERE SYNONYM_NAME IN (${names})`,
    doing,
    signal,
  );
  const matches = (place: Place, schema: string) =>
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
  { schema, name }: Place,
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

/** Not found: says what was meant, where else it is, or what there is. */
async function notFound(
  session: OracleSession,
  job: Job,
  sameName: readonly TextRow[],
  signal: AbortSignal,
): Promise<IngestError> {
  const wanted = job.source_object ?? job.table_name;
  const place = job.schema_name === null ? '' : ` in schema "${job.schema_name}"`;
  const message = `${job.source_name} has no table or view "${wanted}"${place} that this user may read.`;
  const raise = (hint: string) => new IngestError('SOURCE_TABLE_NOT_FOUND', message, { hint });
  if (sameName.length > 0) {
    const elsewhere = [...new Set(sameName.map((row) => `${row.schema}.${row.name}`))].join(', ');
    return raise(`There is ${elsewhere}: set schema_name.`);
  }
  const rows = await session.query(
    `SELECT o.OWNER AS "schema", o.OBJECT_NAME AS "name" FROM ALL_OBJECTS o JOIN ALL_USERS u ON u.USERNAME = o.OWNER
     WHERE u.ORACLE_MAINTAINED = 'N' AND o.OBJECT_TYPE IN (${READABLE_KINDS}) ORDER BY 1, 2 FETCH FIRST 5000 ROWS ONLY`,
    'Listing tables',
    signal,
  );
  const known = new Map<string, string>();
  for (const row of rows) {
    const full = `${row.schema}.${row.name}`;
    known.set(full, full);
    if (job.schema_name === null || sameWord(row.schema as string, job.schema_name))
      known.set(row.name as string, full);
  }
  const near = didYouMean(wanted.toUpperCase(), known.keys());
  if (near !== null) return raise(`Did you mean "${known.get(near)}"?`);
  const all = [...new Set(known.values())];
  if (all.length === 0)
    return raise('The login was right, but this user may read no table at all: ask for GRANT SELECT.');
  return raise(
    `There are: ${shortList(all)}. Where it should be there, ask its owner for GRANT SELECT ON ${grantName(job, wanted)}.`,
  );
}

function grantName(job: Job, wanted: string): string {
  return job.schema_name === null || wanted.includes('"') ? wanted : quoteName(job.schema_name, wanted);
}
