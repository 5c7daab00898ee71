import { parseSparkType, type SparkType, sparkTypeOf, sparkTypeText } from '../../duckdb/spark-type.ts';
import type { PackageColumn, PackageTable } from '../../load/load-package.ts';
import type { ExistingTable } from '../destination.ts';
import type { LiveTable } from './check-fit.ts';
import { identifier, literal, type Qualify } from './sql-text.ts';
import { isDeltaWidening, isSameType } from './type-fit.ts';

/** Characters that a Delta column name may only hold with column mapping. */
const NEEDS_MAPPING = /[ ,;{}()\n\t=]/;

/** Names of columns that Delta takes only with column mapping. */
export function needsMapping(names: readonly string[]): boolean {
  return names.some((name) => NEEDS_MAPPING.test(name));
}

/** What `ALTER TABLE … SET TBLPROPERTIES` gets before a column of such a name comes. */
export const MAPPING_PROPERTIES: Readonly<Record<string, string>> = {
  'delta.columnMapping.mode': 'name',
  'delta.minReaderVersion': '2',
  'delta.minWriterVersion': '5',
};
export const WIDENING_PROPERTIES: Readonly<Record<string, string>> = { 'delta.enableTypeWidening': 'true' };
export const ZONELESS_PROPERTIES: Readonly<Record<string, string>> = { 'delta.feature.timestampNtz': 'supported' };

export function setProperties(table: string, properties: Readonly<Record<string, string>>): string {
  return `ALTER TABLE ${table} SET TBLPROPERTIES (${propertyList(properties)})`;
}

function propertyList(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${literal(key)} = ${literal(value)}`)
    .join(', ');
}

/** A table with the package's columns. */
export function createTable(table: string, columns: readonly PackageColumn[], typeWidening: boolean): string {
  const list = columns.map(
    (column) => `${identifier(column.name)} ${typeText(column)}${column.nullable ? '' : ' NOT NULL'}`,
  );
  const properties = {
    ...(typeWidening ? WIDENING_PROPERTIES : {}),
    ...(needsMapping(columns.map(({ name }) => name)) ? MAPPING_PROPERTIES : {}),
  };
  const clause = Object.keys(properties).length === 0 ? '' : ` TBLPROPERTIES (${propertyList(properties)})`;
  return `CREATE TABLE IF NOT EXISTS ${table} (${list.join(', ')}) USING DELTA${clause}`;
}

export function typeText(column: Pick<PackageColumn, 'type'>): string {
  return sparkTypeText(sparkTypeOf(column.type));
}

/**
 * COPY INTO with a cast for each column. `live` gives the target's types; columns that the files lack stay null.
 * @param source the FROM clause's path with its credential
 */
export function copyInto(
  table: string,
  columns: readonly PackageColumn[],
  live: LiveTable | null,
  source: string,
): string {
  const select = columns.map((column) => {
    const to = live === null ? typeText(column) : liveType(live, column.name);
    return `CAST(${identifier(column.name)} AS ${to}) AS ${identifier(column.name)}`;
  });
  return `COPY INTO ${table} FROM (SELECT ${select.join(', ')} FROM ${source}) FILEFORMAT = PARQUET`;
}

/** Replaces every row in one commit; comments, grants and clustering stay. */
export function insertOverwrite(
  table: string,
  stage: string,
  columns: readonly PackageColumn[],
  live: LiveTable,
): string {
  const names = columns.map(({ name }) => identifier(name)).join(', ');
  return `INSERT OVERWRITE ${table} (${names}) SELECT ${casts(columns, live, null)} FROM ${stage}`;
}

/** What a table keeps when it is made anew with other types. */
export interface TableDress {
  comment: string | null;
  clustering: string[];
  partitioning: string[];
  properties: Readonly<Record<string, string>>;
}

/**
 * Replaces every row and the columns' types in one commit: only where a column's new type cannot take the place of the old one.
 * Grants and history stay with the table's name; comment, clustering and properties are said again.
 */
export function replaceTable(
  table: string,
  stage: string,
  columns: readonly { name: string; type: string }[],
  kept: readonly { name: string; type: string }[],
  dress: TableDress,
): string {
  const select = [
    ...columns.map(({ name, type }) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`),
    ...kept.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${identifier(name)}`),
  ];
  const list = (names: readonly string[]) => names.map(identifier).join(', ');
  const clauses = [
    'USING DELTA',
    ...(dress.clustering.length > 0 ? [`CLUSTER BY (${list(dress.clustering)})`] : []),
    ...(dress.partitioning.length > 0 ? [`PARTITIONED BY (${list(dress.partitioning)})`] : []),
    ...(dress.comment === null ? [] : [`COMMENT ${literal(dress.comment)}`]),
    ...(Object.keys(dress.properties).length === 0 ? [] : [`TBLPROPERTIES (${propertyList(dress.properties)})`]),
  ];
  return `CREATE OR REPLACE TABLE ${table} ${clauses.join(' ')} AS SELECT ${select.join(', ')} FROM ${stage}`;
}

/**
 * One MERGE on the key; two empty keys are the same key. Columns of the table that the package lacks become null, as in a row that is inserted.
 * Carried out twice it changes nothing: the rows get the same values again.
 */
export function mergeRows(
  table: string,
  stage: string,
  key: readonly string[],
  columns: readonly PackageColumn[],
  live: LiveTable,
): string {
  const arriving = new Set(columns.map(({ name }) => name.toLowerCase()));
  const left = live.columns.filter(({ name }) => !arriving.has(name.toLowerCase()));
  const sets = [
    ...columns.map((column) => `${identifier(column.name)} = ${cast(column, live, '_new')}`),
    ...left.map(({ name }) => `${identifier(name)} = NULL`),
  ];
  const names = columns.map(({ name }) => identifier(name)).join(', ');
  return (
    `MERGE INTO ${table} AS _old USING (${onePerKey(stage, key, columns)}) AS _new ON ${matching(key)} ` +
    `WHEN MATCHED THEN UPDATE SET ${sets.join(', ')} ` +
    `WHEN NOT MATCHED THEN INSERT (${names}) VALUES (${casts(columns, live, '_new')})`
  );
}

/** A key that came twice would end the MERGE with an error; the row that was read last wins. */
function onePerKey(stage: string, key: readonly string[], columns: readonly PackageColumn[]): string {
  const order = columns.some(({ name }) => name === '_dlt_id') ? ['_dlt_id'] : key;
  const list = (names: readonly string[], suffix = '') => names.map((name) => identifier(name) + suffix).join(', ');
  return `SELECT * FROM ${stage} QUALIFY row_number() OVER (PARTITION BY ${list(key)} ORDER BY ${list(order, ' DESC')}) = 1`;
}

function matching(key: readonly string[]): string {
  return key.map((name) => `_old.${identifier(name)} <=> _new.${identifier(name)}`).join(' AND ');
}

/** A merge's tables: the live ones, and where the package's rows are staged. */
export interface MergeTables {
  target: string;
  live: readonly ExistingTable[];
  qualify: Qualify;
  /** Staging table of the package's rows by table, qualified; missing where it brings none. */
  stages: ReadonlyMap<string, string>;
  key: readonly string[];
  /** Parent's name by child table, where the package says it. */
  parents: ReadonlyMap<string, string>;
}

/**
 * One MERGE for a child table: rows of parents that the package replaces go, the package's come.
 * Runs before the parents' own statement, deepest table first, since the parents' old ids tell what goes.
 * Carried out twice it changes nothing: rows that hang on the package's own ids neither go nor come again.
 */
export function mergeChild(child: LiveTable, part: PackageTable | null, tables: MergeTables): string {
  const gone = goneParents(child.name, tables);
  const stage = part && tables.stages.get(part.name);
  const head = `MERGE INTO ${tables.qualify(child.name)} AS _old USING`;
  const on = `ON ${parentKey(child, '_old')} = _rows._gone WHEN MATCHED THEN DELETE`;
  if (!part || !stage) return `${head} (SELECT DISTINCT _dlt_id AS _gone FROM (${gone})) AS _rows ${on}`;
  const names = part.columns.map(({ name }) => identifier(name));
  const nulls = part.columns.map(
    (column) => `CAST(NULL AS ${liveType(child, column.name)}) AS ${identifier(column.name)}`,
  );
  const fresh =
    `SELECT CAST(NULL AS STRING) AS _gone, ${casts(part.columns, child, '_new', true)} FROM ${stage} AS _new ` +
    `WHERE NOT EXISTS (SELECT 1 FROM ${tables.qualify(child.name)} AS _there WHERE _there._dlt_parent_id = _new._dlt_parent_id)`;
  return (
    `${head} (SELECT DISTINCT _dlt_id AS _gone, ${nulls.join(', ')} FROM (${gone}) UNION ALL ${fresh}) AS _rows ${on} ` +
    `WHEN NOT MATCHED AND _rows._gone IS NULL THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `_rows.${name}`).join(', ')})`
  );
}

/** Ids of the rows that a child's rows hang on and that go: the job's own rows, and for a grandchild its parent table's too. */
function goneParents(child: string, tables: MergeTables): string {
  const stage = tables.stages.get(tables.target);
  if (stage === undefined) return 'SELECT CAST(NULL AS STRING) AS _dlt_id WHERE false';
  const roots =
    `SELECT _old._dlt_id FROM ${tables.qualify(tables.target)} AS _old JOIN ${stage} AS _new ON ${matching(tables.key)} ` +
    'WHERE NOT (_old._dlt_id <=> _new._dlt_id)';
  const parent = parentOf(child, tables);
  const between = tables.live.find(({ name }) => name === parent && name !== tables.target);
  if (!between) return roots;
  return (
    `${roots} UNION ALL SELECT _mid._dlt_id FROM ${tables.qualify(between.name)} AS _mid ` +
    `WHERE ${parentKey(between, '_mid')} IN (SELECT _dlt_id FROM (${goneParents(between.name, tables)}))`
  );
}

/** A child table's parent: what the package says, else by its name the longest `parent__` that is a table. */
function parentOf(child: string, tables: MergeTables): string {
  const declared = tables.parents.get(child);
  if (declared !== undefined) return declared;
  const candidates = tables.live
    .map(({ name }) => name)
    .filter((name) => name !== child && child.startsWith(`${name}__`));
  return candidates.toSorted((a, b) => b.length - a.length)[0] ?? tables.target;
}

/** Rows of a table begun by dlt have a root id (dlt writes it for merges), others may have none. Ids are unique over all tables. */
function parentKey(table: ExistingTable, alias: string): string {
  const hasRoot = table.columns.some(({ name }) => name === '_dlt_root_id');
  return hasRoot ? `coalesce(${alias}._dlt_root_id, ${alias}._dlt_parent_id)` : `${alias}._dlt_parent_id`;
}

function casts(columns: readonly PackageColumn[], live: LiveTable, alias: string | null, named = false): string {
  return columns
    .map((column) => cast(column, live, alias) + (named ? ` AS ${identifier(column.name)}` : ''))
    .join(', ');
}

function cast(column: PackageColumn, live: LiveTable, alias: string | null): string {
  const name = `${alias === null ? '' : `${alias}.`}${identifier(column.name)}`;
  const to = liveType(live, column.name);
  return to === typeText(column) ? name : `CAST(${name} AS ${to})`;
}

/** The live column's type as SQL writes it. */
export function liveType(live: LiveTable, column: string): string {
  const found = live.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase());
  // one that is gone makes the statement fail by its name
  return found ? sparkTypeText(parseSparkType(found.sparkType)) : 'STRING';
}

/** What widening a column says: the type that Delta may make of it, or null where it is that wide already or cannot be. */
export function widenedType(live: string, to: string): string | null {
  const [from, wanted]: [SparkType, SparkType] = [parseSparkType(live), sparkTypeOf(to)];
  return isSameType(from, wanted) || !isDeltaWidening(from, wanted) ? null : sparkTypeText(wanted);
}
