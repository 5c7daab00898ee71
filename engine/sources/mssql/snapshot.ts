import { IngestError, isIngestError } from '../../errors.ts';
import type { ReadContext } from '../source.ts';
import { quoteName } from './literal.ts';
import type { ReadPlan } from './read-plan.ts';
import type { MssqlSession } from './session.ts';

/**
 * How a read sees its table. `transaction`: SNAPSHOT isolation, the state at one moment. `statement`: one statement sees one moment (the database reads
 * committed rows by versions, or the table lives in memory). `none`: rows are read as the scan meets them, and what moves meanwhile may be met twice or not.
 */
export type Consistency = 'transaction' | 'statement' | 'none';

export async function consistencyOf(session: MssqlSession, plan: ReadPlan, signal: AbortSignal): Promise<Consistency> {
  const [row] = await session.query(
    `SELECT snapshot_isolation_state AS [snapshot], is_read_committed_snapshot_on AS [versions] FROM sys.databases WHERE name = DB_NAME()`,
    'Asking how the database isolates reads',
    signal,
  );
  if (plan.object.inMemory) return 'statement';
  if (row?.snapshot === '1') return 'transaction';
  return row?.versions === '1' ? 'statement' : 'none';
}

/** Begins the transaction of a read. */
export async function beginRead(session: MssqlSession, consistency: Consistency, signal: AbortSignal): Promise<void> {
  const level = consistency === 'transaction' ? 'SNAPSHOT' : 'READ COMMITTED';
  await session.query(`SET TRANSACTION ISOLATION LEVEL ${level}; BEGIN TRANSACTION`, 'Beginning', signal);
}

/** Seconds that writers may have to wait while the parts of a read agree on one moment. */
const LOCK_SECONDS = 10;

/**
 * Begins the transactions of all parts at one moment of the table. SQL Server cannot hand a snapshot from one session to another: so the table
 * is locked against writers, for the few round trips in which each part's snapshot is taken.
 * @throws IngestError SNAPSHOT_REFUSED
 */
export async function beginParts(
  keeper: MssqlSession,
  parts: readonly MssqlSession[],
  plan: ReadPlan,
  signal: AbortSignal,
): Promise<void> {
  const { schema, name } = plan.object;
  const target = quoteName(schema, name);
  const doing = `Taking one snapshot of ${plan.name}`;
  try {
    await keeper.query(
      `SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCK_TIMEOUT ${LOCK_SECONDS * 1000}; BEGIN TRANSACTION`,
      doing,
      signal,
    );
    await keeper.query(`SELECT TOP (1) 1 AS [one] FROM ${target} WITH (TABLOCK, HOLDLOCK)`, doing, signal);
    for (const part of parts) {
      await beginRead(part, 'transaction', signal);
      // The snapshot is of the moment in which the transaction first reads.
      await part.query(`SELECT TOP (1) 1 AS [one] FROM ${target}`, doing, signal);
    }
    await keeper.query('COMMIT TRANSACTION', doing, signal);
  } catch (error) {
    if (!isIngestError(error) || error.code !== 'SOURCE_CONFLICT') throw error;
    throw new IngestError(
      'SNAPSHOT_REFUSED',
      `${plan.name}: the parts of a partitioned read could not agree on one moment, because writers held the table for ${LOCK_SECONDS} s.`,
      { hint: 'It is tried again; where it does not pass, set partitions to 1.', retryable: true, cause: error },
    );
  }
}

/** Says why parts cannot be read at one moment, where they cannot. @throws IngestError SNAPSHOT_REFUSED */
export function refuseWithoutSnapshot(plan: ReadPlan, consistency: Consistency): void {
  const refuse = (why: string, hint: string): never => {
    throw new IngestError(
      'SNAPSHOT_REFUSED',
      `${plan.name}: the parts of a partitioned read must be of one moment, and ${why}.`,
      { hint },
    );
  };
  if (plan.object.kind === 'view') {
    refuse('a view may read tables that change meanwhile', 'Set partitions to 1, or read the table below.');
  }
  if (plan.object.inMemory) refuse('a memory-optimised table has no snapshots to share', 'Set partitions to 1.');
  if (plan.filter !== null && /\bselect\b/i.test(plan.filter)) {
    refuse(
      'its filter asks other tables, which may change meanwhile',
      'Set partitions to 1, or filter without a subquery.',
    );
  }
  if (consistency !== 'transaction') {
    refuse(
      'this database allows no SNAPSHOT isolation',
      'Ask the administrator for ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or set partitions to 1.',
    );
  }
}

/** Where nothing keeps the rows still, people should know. */
export function warnOfMovingRows(plan: ReadPlan, consistency: Consistency, context: Pick<ReadContext, 'warn'>): void {
  if (consistency !== 'none') return;
  context.warn({
    code: 'READ_WITHOUT_SNAPSHOT',
    message: `${plan.name} is read without a snapshot: rows that others move during the read may arrive twice or not at all.`,
    hint: 'ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON (or READ_COMMITTED_SNAPSHOT ON) gives every read one moment. Else read while nobody writes.',
  });
}
