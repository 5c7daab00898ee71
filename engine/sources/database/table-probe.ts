import { IngestError, isIngestError } from '../../errors.ts';
import type { TextRow } from './row-protocol.ts';
import { objectName } from './table-columns.ts';

/** What a dialect asks to learn what a user can read. */
export interface TableChecks {
  /** Gives `tables`, how many tables and views the user sees, and `readable` of them, where the catalogue knows. */
  count: string;
  /** Gives `schema` and `name` of the first {@link LOOKED_AT} that may be worth a look: those that can be read before others, tables before views. */
  candidates: string;
  /** Reads no row of a table, or its first. */
  select(target: { schema: string; name: string }, rows: 0 | 1): string;
  /** Reads one value of no table. */
  nothing: string;
  /** What to ask the owner for. */
  grant: string;
}

/** Tables that are looked into until one can be read. */
export const LOOKED_AT = 10;

type Query = (sql: string, doing: string) => Promise<TextRow[]>;

/** The last two stages of a connection test: not what the catalogue says, but what a statement on a table is answered. */
export class TableProbe {
  readonly #checks: TableChecks;
  readonly #query: Query;
  #readable: { schema: string; name: string } | null = null;

  constructor(checks: TableChecks, query: Query) {
    this.#checks = checks;
    this.#query = query;
  }

  /** Looks into tables until one can be read. @throws IngestError PERMISSION_DENIED where none of those that the user sees can be */
  async permission(): Promise<{ detail: string }> {
    const [row] = await this.#query(this.#checks.count, 'Counting tables');
    const tables = Number(row?.tables ?? 0);
    if (tables === 0) return { detail: 'This user sees no table or view yet.' };
    const counted =
      row?.readable == null
        ? `${tables} tables and views can be seen.`
        : `${row.readable} of ${tables} tables and views can be read.`;
    const refusals: { name: string; error: IngestError }[] = [];
    for (const { schema, name } of await this.#query(this.#checks.candidates, 'Finding tables to look into')) {
      const table = { schema: schema as string, name: name as string };
      const refusal = await this.#refusalOf(table);
      if (refusal === null) {
        this.#readable = table;
        const others = namesOf(refusals);
        const refused = others === '' ? '' : `; ${others} cannot`;
        return { detail: `${counted} Looked into: ${objectName(table)} can be read${refused}.` };
      }
      refusals.push({ name: objectName(table), error: refusal });
    }
    throw this.#noneReadable(tables, refusals);
  }

  async firstRead(): Promise<{ detail: string }> {
    const table = this.#readable;
    if (table === null) {
      await this.#query(this.#checks.nothing, 'Reading one value');
      return { detail: 'One value read; there is no table to read yet.' };
    }
    const name = objectName(table);
    const rows = await this.#query(this.#checks.select(table, 1), `Reading ${name}`);
    return { detail: rows.length === 0 ? `${name} read; it is empty.` : `First row of ${name} read.` };
  }

  /** Why a table cannot be read; null: it can. What may pass by ends the test. */
  async #refusalOf(table: { schema: string; name: string }): Promise<IngestError | null> {
    try {
      await this.#query(this.#checks.select(table, 0), `Looking into ${objectName(table)}`);
      return null;
    } catch (error) {
      if (isIngestError(error) && error.code !== 'CANCELLED' && !error.retryable) return error;
      throw error;
    }
  }

  #noneReadable(tables: number, refusals: readonly { name: string; error: IngestError }[]): IngestError {
    const names = namesOf(refusals);
    const looked = names === '' ? '' : ` Looked into: ${names}.`;
    const message = `The user of the connection can read none of the ${tables} tables and views that it sees.${looked}`;
    return new IngestError('PERMISSION_DENIED', message, {
      hint: this.#checks.grant,
      cause: refusals[0]?.error,
    });
  }
}

/** A name once: a materialized view is a table, too. */
function namesOf(refusals: readonly { name: string }[]): string {
  return [...new Set(refusals.map(({ name }) => name))].join(', ');
}
