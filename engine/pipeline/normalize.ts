import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { identifier, literal } from '../duckdb/sql.ts';
import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import { loadToken } from '../load/load-id.ts';
import type { PackageTable } from '../load/load-package.ts';
import type { Segment } from '../sources/source.ts';
import { LIST_INDEX, LOAD_ID, PARENT_ID, type PlannedTable, ROOT_ID, ROW_ID, type TablePlan } from './table-plan.ts';

/** Writes the segments of one read into the Parquet files of a load package, a file a segment and table. */
export class Normalizer {
  readonly #connection: WorkspaceConnection;
  readonly #plan: TablePlan;
  readonly #folder: string;
  readonly #loadId: string;
  readonly #files = new Map<string, PackageTable['files']>();
  #segments = 0;

  constructor(options: { connection: WorkspaceConnection; plan: TablePlan; folder: string; loadId: string }) {
    this.#connection = options.connection;
    this.#plan = options.plan;
    this.#folder = options.folder;
    this.#loadId = options.loadId;
  }

  /** Adds one segment. Gives the rows that the job's own table got. */
  async add(segment: Segment): Promise<number> {
    const number = this.#segments++;
    const where =
      this.#plan.keep.length > 0
        ? ` WHERE ${this.#plan.keep.map((predicate) => `(${predicate}) IS TRUE`).join(' AND ')}`
        : '';
    const rowId = await this.#rowId(segment, number);
    if (this.#plan.children.length === 0) {
      return this.#copy(this.#plan.root, 0, number, `FROM ${segment.from}${where}`, rowId);
    }
    const work = identifier(`work_${loadToken(this.#loadId)}_${number}`);
    await this.#connection.run(
      `CREATE TEMP TABLE ${work} AS SELECT *, ${rowId} AS ${ROW_ID} FROM ${segment.from}${where}`,
    );
    try {
      const rows = await this.#copy(this.#plan.root, 0, number, `FROM ${work}`, ROW_ID);
      const rowsOf = new Map([[this.#plan.root.name, `(SELECT *, ${ROW_ID} AS ${ROOT_ID} FROM ${work})`]]);
      for (const [index, child] of this.#plan.children.entries()) {
        const childRows = unnestedRows(rowsOf.get(child.parent) ?? '', child.list, index);
        rowsOf.set(child.name, childRows);
        await this.#copy(child, index + 1, number, `FROM ${childRows}`, ROW_ID);
      }
      return rows;
    } finally {
      await this.#connection.run(`DROP TABLE ${work}`);
    }
  }

  /** The package's tables with the files written so far. */
  tables(): PackageTable[] {
    return [this.#plan.root, ...this.#plan.children].map((table) => ({
      name: table.name,
      parent: table.parent,
      columns: table.columns.map(({ name, type, stored_type, nullable }) => ({ name, type, stored_type, nullable })),
      files: this.#files.get(table.name) ?? [],
    }));
  }

  /**
   * An expression that names each row of a segment, never twice in a load. A table has row numbers for nothing; anything else takes them from a sequence.
   */
  async #rowId(segment: Segment, number: number): Promise<string> {
    const prefix = `${loadToken(this.#loadId)}.${number}.`;
    if (/^"(?:[^"]|"")+"$/.test(segment.from)) return `concat(${literal(prefix)}, rowid)`;
    const sequence = `row_ids_${loadToken(this.#loadId)}_${number}`;
    await this.#connection.run(`CREATE OR REPLACE TEMP SEQUENCE ${identifier(sequence)} MINVALUE 0 START 0`);
    return `concat(${literal(prefix)}, nextval(${literal(sequence)}))`;
  }

  async #copy(table: PlannedTable, tableNumber: number, segment: number, from: string, rowId: string): Promise<number> {
    const name = `t${tableNumber}.${this.#loadId}.${segment}.parquet`;
    const file = path.join(this.#folder, name);
    const columns = table.columns.map(({ name: column, expression }) => {
      if (column === LOAD_ID) return `${literal(this.#loadId)} AS ${LOAD_ID}`;
      return `${column === ROW_ID ? rowId : expression} AS ${identifier(column)}`;
    });
    const result = await this.#connection.runAndReadAll(
      `COPY (SELECT ${columns.join(', ')} ${from}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const rows = Number(result.getRows()[0]?.[0] ?? 0);
    if (rows === 0) {
      await rm(file, { force: true });
    } else {
      const files = this.#files.get(table.name) ?? [];
      files.push({ name, rows, bytes: (await stat(file)).size });
      this.#files.set(table.name, files);
    }
    return rows;
  }
}

/** The elements of a list in each parent row as rows of their own, known by parent, position and child table. */
function unnestedRows(parentRows: string, list: string, childNumber: number): string {
  return (
    `(SELECT concat(${ROW_ID}, '.', ${childNumber}, '.', ${LIST_INDEX}) AS ${ROW_ID}, ${ROW_ID} AS ${PARENT_ID}, ${ROOT_ID}, ${LIST_INDEX}, item ` +
    `FROM (SELECT ${ROW_ID}, ${ROOT_ID}, unnest(${list}) AS item, generate_subscripts(${list}, 1) - 1 AS ${LIST_INDEX} FROM ${parentRows}))`
  );
}
