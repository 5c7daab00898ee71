import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { didYouMean } from '../../spec/suggest.ts';
import { objectName, shortList } from './table-columns.ts';

/** Where a table may be. */
export interface Place<Schema = string | null> {
  /** Null: where the server looks for names without a schema. */
  schema: Schema;
  name: string;
}

export const sameWord = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

/**
 * Where what a job reads may be: `source_object` or else `table_name` in `schema_name`, and in each schema that the name itself may begin with.
 * `isSame` compares schemas.
 */
export function placesOf(job: Job, isSame: (one: string, other: string) => boolean = sameWord): Place[] {
  const name = job.source_object ?? job.table_name;
  const places: Place[] = [{ schema: job.schema_name, name }];
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const schema = name.slice(0, dot);
    if (job.schema_name === null || isSame(job.schema_name, schema)) places.push({ schema, name: name.slice(dot + 1) });
  }
  return places;
}

export interface KnownTable {
  schema: string;
  name: string;
  /** Found without its schema. */
  visible: boolean;
}

export interface TableSearch {
  /** Tables of the same name in other places. */
  sameName: readonly { schema?: string | null; name?: string | null }[];
  /** What there is. Asked for where nothing has the same name. */
  list(): Promise<KnownTable[]>;
  /** How names are folded, for a comparison; default: not. */
  fold?: (name: string) => string;
  /** Ends the list of what there is. */
  otherwise: string;
}

/** A table that is not there, or that this user may not see: says what was meant, where else it is, or what there is. */
export async function tableNotFound(job: Job, { sameName, list, fold, otherwise }: TableSearch): Promise<IngestError> {
  const wanted = job.source_object ?? job.table_name;
  const place = job.schema_name === null ? '' : ` in schema "${job.schema_name}"`;
  const message = `${job.source_name} has no table or view "${wanted}"${place} that this user may see.`;
  const notFound = (hint: string) => new IngestError('SOURCE_TABLE_NOT_FOUND', message, { hint });
  if (sameName.length > 0) {
    const elsewhere = [...new Set(sameName.map(({ schema, name }) => `${schema}.${name}`))].join(', ');
    return notFound(`There is ${elsewhere}: set schema_name, or write the schema before the name.`);
  }
  const known = new Map<string, string>();
  for (const table of await list()) {
    const full = objectName(table);
    known.set(full, full);
    if (table.visible) known.set(table.name, full);
  }
  const near = didYouMean(fold?.(wanted) ?? wanted, known.keys());
  if (near !== null) return notFound(`Did you mean "${known.get(near)}"?`);
  const all = [...new Set(known.values())];
  if (all.length === 0) {
    return notFound('The login was right, but this user sees no table at all: ask for GRANT SELECT.');
  }
  return notFound(`There are: ${shortList(all)}. ${otherwise}`);
}
