import { IngestError, isIngestError } from '../../errors.ts';
import { equalCuts, positionOf, rangeParts, timeAt } from '../database/partition-ranges.ts';
import { findColumn } from '../database/table-columns.ts';
import type { CatalogColumn } from './catalog.ts';
import { boundText } from './column-plan.ts';
import { quoteIdentifier, quoteName } from './literal.ts';
import type { ReadPlan } from './read-plan.ts';
import type { OracleSession } from './session.ts';
import { watermarkLiteral } from './watermark.ts';

/** Types whose ranges can be cut into equal pieces by arithmetic. */
const CUTTABLE = new Set(['number', 'date', 'timestamp']);

export interface PartitionOptions {
  partitions: number;
  partitionColumn: string | undefined;
}

export interface Parts {
  /** Conditions on the object: each row is in exactly one. One undefined: the whole, in one statement. */
  conditions: (string | undefined)[];
  /** The system change number at which all parts are read; undefined for one part, which has a transaction of its own. */
  scn: string | undefined;
}

const WHOLE: Parts = { conditions: [undefined], scn: undefined };

/**
 * Cuts an object into parts that are read at one system change number. By ranges of `partition_column`, or of the primary key's first column where that is
 * a number or a time; else, for a table, by a hash of where each row lies, for which each part reads the table whole on the server.
 */
export async function planParts(
  session: OracleSession,
  plan: ReadPlan,
  { partitions, partitionColumn }: PartitionOptions,
  signal: AbortSignal,
): Promise<Parts> {
  if (partitions <= 1 || plan.sampleRows !== null) return WHOLE;
  const column = rangeColumn(plan, partitionColumn);
  const scn = await currentScn(session, plan, signal);
  await tryFlashback(session, plan, scn, signal);
  if (column === null) {
    const conditions = Array.from(
      { length: partitions },
      (_, index) => `ORA_HASH(ROWID, ${partitions - 1}) = ${index}`,
    );
    return { conditions, scn };
  }
  const cuts = await rangeCuts(session, plan, column, partitions, scn, signal);
  return cuts.length === 0 ? WHOLE : { conditions: rangeParts(quoteIdentifier(column.name), cuts), scn };
}

/** The column that cuts; null: by hash. */
function rangeColumn(plan: ReadPlan, configured: string | undefined): CatalogColumn | null {
  const { object, name } = plan;
  if (configured !== undefined) {
    const column = findColumn(object, configured, 'partition_column');
    if (CUTTABLE.has(column.baseType)) return column;
    throw new IngestError('PARTITION_COLUMN_TYPE', `partition_column "${configured}" is ${column.sourceType}.`, {
      hint: 'Use a NUMBER, DATE or TIMESTAMP column; a table needs none: leave partition_column out.',
    });
  }
  const key = object.columns.find((column) => column.name === object.primaryKey[0]);
  if (key && CUTTABLE.has(key.baseType)) return key;
  if (object.kind !== 'VIEW' && !object.isIndexOrganized) return null;
  throw new IngestError(
    'PARTITION_COLUMN_MISSING',
    `${name} is ${object.kind === 'VIEW' ? 'a view' : 'index-organized'}: partitions needs a column to cut it by.`,
    { hint: 'Set partition_column to a NUMBER, DATE or TIMESTAMP column, or partitions to 1.' },
  );
}

const SCN_STATEMENTS = [
  'SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER AS "scn" FROM SYS.DUAL',
  'SELECT CURRENT_SCN AS "scn" FROM V$DATABASE',
];

/** The number of the server's present state. @throws IngestError SNAPSHOT_REFUSED where this user may not know it */
async function currentScn(session: OracleSession, plan: ReadPlan, signal: AbortSignal): Promise<string> {
  const { username } = session.options;
  const denials: unknown[] = [];
  for (const statement of SCN_STATEMENTS) {
    try {
      const [row] = await session.query(statement, 'Asking for the system change number', signal);
      if (row?.scn != null && /^\d+$/.test(row.scn)) return row.scn;
    } catch (error) {
      if (!isDenial(error)) throw error;
      denials.push(error);
    }
  }
  throw new IngestError(
    'SNAPSHOT_REFUSED',
    `${plan.name}: the parts of a partitioned read must be of one moment, and user "${username}" may not ask for its number.`,
    {
      hint: `Ask the administrator for GRANT EXECUTE ON DBMS_FLASHBACK TO ${username}, or set partitions to 1.`,
      cause: denials[0],
    },
  );
}

function isDenial(error: unknown): boolean {
  return (
    isIngestError(error) &&
    ['PERMISSION_DENIED', 'SOURCE_TABLE_NOT_FOUND', 'SOURCE_COLUMN_NOT_FOUND'].includes(error.code)
  );
}

/** Reads nothing, at the moment of the parts: whether that is possible is known before many readers start. */
async function tryFlashback(session: OracleSession, plan: ReadPlan, scn: string, signal: AbortSignal): Promise<void> {
  const target = quoteName(plan.object.schema, plan.object.name);
  try {
    await session.query(
      `SELECT 1 AS "one" FROM ${target} AS OF SCN ${scn} WHERE 1 = 0`,
      `Reading ${plan.name}`,
      signal,
    );
  } catch (error) {
    if (!isIngestError(error) || error.retryable || error.code === 'CANCELLED') throw error;
    const { username } = session.options;
    const isView = plan.object.kind === 'VIEW';
    throw new IngestError(
      'SNAPSHOT_REFUSED',
      `${plan.name} cannot be read as of one moment, which a partitioned read needs: ${error.message}`,
      {
        hint: isView
          ? 'Views over remote, external or dictionary tables have no past. Set partitions to 1, or partition the table below.'
          : `Ask its owner for GRANT FLASHBACK ON ${target} TO ${username}, or set partitions to 1.`,
        cause: error,
      },
    );
  }
}

/** Literals between the column's least and greatest value, in equal distances. */
async function rangeCuts(
  session: OracleSession,
  plan: ReadPlan,
  column: CatalogColumn,
  partitions: number,
  scn: string,
  signal: AbortSignal,
): Promise<string[]> {
  const own = quoteIdentifier(column.name);
  const target = quoteName(plan.object.schema, plan.object.name);
  const [row] = await session.query(
    `SELECT ${boundText(column, `MIN(${own})`)} AS "low", ${boundText(column, `MAX(${own})`)} AS "high" FROM ${target} AS OF SCN ${scn}`,
    `Finding the range of ${column.name} in ${plan.name}`,
    signal,
  );
  if (row?.low == null || row.high == null) return [];
  const cuts = equalCuts(positionOf(row.low), positionOf(row.high), partitions);
  const text = (cut: bigint) => (column.baseType === 'number' ? String(cut) : timeAt(cut));
  return cuts.map((cut) => watermarkLiteral(column, text(cut), 'partition_column'));
}
