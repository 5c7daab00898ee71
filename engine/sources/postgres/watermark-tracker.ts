import type { FilledTable } from '../../duckdb/chunk-writer.ts';
import { identifier } from '../../duckdb/sql.ts';
import type { WorkspaceConnection } from '../../duckdb/workspace.ts';
import { whereClause } from '../database/read-plan.ts';
import { refuseEndless } from '../database/watermark-predicate.ts';
import type { ReadContext } from '../source.ts';
import { fromClause, type ReadPlan } from './read-plan.ts';
import type { PostgresSession } from './session.ts';

/**
 * Finds the greatest watermark of a read, as the source's own text. Where DuckDB orders the type as PostgreSQL does it is taken from the
 * segments, which costs nothing; else the server is asked in the same snapshot.
 */
export class WatermarkTracker {
  readonly #plan: ReadPlan;
  readonly #connection: WorkspaceConnection | null;
  readonly #table: string;
  #known: string | null;

  private constructor(plan: ReadPlan, connection: WorkspaceConnection | null, table: string, known: string | null) {
    this.#plan = plan;
    this.#connection = connection;
    this.#table = table;
    this.#known = known;
  }

  static async open(session: PostgresSession, plan: ReadPlan, context: ReadContext): Promise<WatermarkTracker> {
    const { watermark } = plan;
    // A sample leaves no state.
    if (!watermark || plan.sampleRows !== null) return new WatermarkTracker(plan, null, '', null);
    if (!watermark.fromSegments) {
      const [row] = await session.query(
        `SELECT (${watermark.comparable})::text AS greatest ${fromClause(plan)}
         ${whereClause([...watermark.conditions, `${watermark.comparable} IS NOT NULL`])}
         ORDER BY ${watermark.comparable} DESC LIMIT 1`,
        `Finding the greatest ${watermark.column.name} of ${plan.name}`,
        context.signal,
      );
      const greatest = row?.greatest ?? null;
      const known = watermark.isText ? greatest : refuseEndless(greatest, plan.name, watermark.column);
      return new WatermarkTracker(plan, null, '', known);
    }
    const connection = await context.workspace.connect();
    const table = identifier(context.workspace.uniqueName('watermark'));
    const column = plan.columns.find((candidate) => candidate.name === watermark.column.name);
    await connection.run(`CREATE TABLE ${table} (value ${column?.segmentType})`);
    return new WatermarkTracker(plan, connection, table, null);
  }

  async add(segment: FilledTable): Promise<void> {
    if (!this.#connection || !this.#plan.watermark) return;
    const column = identifier(this.#plan.watermark.column.name);
    await this.#connection.run(`INSERT INTO ${this.#table} SELECT max(${column}) FROM ${segment.from}`);
  }

  /** Undefined for a FULL load or a sample, null where no row had a watermark. */
  async greatest(): Promise<string | null | undefined> {
    if (!this.#plan.watermark || this.#plan.sampleRows !== null) return undefined;
    if (!this.#connection) return this.#known;
    const [row] = await this.#connection.rows<{ greatest: string | null }>(
      `SELECT CAST(max(value) AS VARCHAR) AS greatest FROM ${this.#table}`,
    );
    this.#known = row?.greatest === null || row?.greatest === undefined ? null : asPostgresText(row.greatest);
    return this.#known;
  }

  async close(): Promise<void> {
    if (!this.#connection) return;
    await this.#connection.run(`DROP TABLE IF EXISTS ${this.#table}`);
    this.#connection.close();
  }
}

/** DuckDB writes `0044-03-15 (BC) 12:00:00`, PostgreSQL `0044-03-15 12:00:00 BC`. */
function asPostgresText(text: string): string {
  return /^-?\d+-\d\d-\d\d \(BC\)/.test(text) ? `${text.replace(' (BC)', '')} BC` : text;
}
