import { identifier } from '../../duckdb/sql.ts';
import { IngestError } from '../../errors.ts';
import type { JsonShape } from './json-scan.ts';
import { KIND, numberType } from './value-facts.ts';

/**
 * Values that DuckDB's JSON reader would not give back digit by digit (it reads `0.12345678901234567890` as a DOUBLE) or that have several kinds:
 * `true` where the value's own text is kept, else where such values are below.
 */
export type RawPlan = true | { fields: Map<string, RawPlan> | null; elements: RawPlan | null };

export interface JsonType {
  /** DuckDB type; null where no value was ever seen. */
  type: string | null;
  raw: RawPlan | null;
}

/** An object with more keys than this holds its keys as data: it stays JSON text. */
const MOST_KEYS = 1000;
const SCALARS = KIND.integer | KIND.decimal | KIND.boolean | KIND.text | KIND.timestamp | KIND.timestamptz;
const NUMBERS = KIND.integer | KIND.decimal;
const TEXTS = KIND.text | KIND.timestamp | KIND.timestamptz;

/** The type that keeps every value of a place in all records. `place` names it in errors. */
export function jsonType(shape: JsonShape, place: string): JsonType {
  const { kinds } = shape;
  if (kinds === 0) return { type: null, raw: null };
  if (kinds === KIND.object) return objectType(shape, place);
  if (kinds === KIND.list) {
    if (shape.elements === null) return { type: null, raw: null };
    const { type, raw } = jsonType(shape.elements, `${place}[]`);
    return { type: `${type ?? 'VARCHAR'}[]`, raw: raw === null ? null : { fields: null, elements: raw } };
  }
  if ((kinds & ~SCALARS) !== 0) return { type: 'VARCHAR', raw: true };
  if ((kinds & ~NUMBERS) === 0) {
    const type = numberType(shape, 38);
    if (type === null) return { type: 'VARCHAR', raw: true };
    // Whole numbers of any size reach DuckDB as they are written; fractions go through a DOUBLE.
    return { type, raw: type.startsWith('DECIMAL') && (kinds & KIND.decimal) !== 0 ? true : null };
  }
  if (kinds === KIND.boolean) return { type: 'BOOLEAN', raw: null };
  if (kinds === KIND.timestamp) return { type: 'TIMESTAMP', raw: null };
  if (kinds === KIND.timestamptz) return { type: 'TIMESTAMP WITH TIME ZONE', raw: null };
  if ((kinds & ~TEXTS) === 0) return { type: 'VARCHAR', raw: null };
  return { type: 'VARCHAR', raw: (kinds & NUMBERS) === 0 ? null : true };
}

function objectType(shape: JsonShape, place: string): JsonType {
  if (shape.fields.length > MOST_KEYS) return { type: 'VARCHAR', raw: true };
  refuseKeyTwins(shape, place);
  const parts: string[] = [];
  const fields = new Map<string, RawPlan>();
  for (const field of shape.fields) {
    const { type, raw } = jsonType(field.shape, `${place}.${field.name}`);
    // A key that never had a value has nothing to lose.
    if (type === null) continue;
    parts.push(`${identifier(field.name)} ${type}`);
    if (raw !== null) fields.set(field.name, raw);
  }
  if (parts.length === 0) return { type: null, raw: null };
  return { type: `STRUCT(${parts.join(', ')})`, raw: fields.size === 0 ? null : { fields, elements: null } };
}

/** Throws when two keys of one place differ by case only. */
export function refuseKeyTwins(shape: JsonShape, place: string): void {
  const seen = new Map<string, string>();
  for (const { name } of shape.fields) {
    if (name === '') {
      throw new IngestError(
        'JSON_KEY_EMPTY',
        `The records have a key without a name${place === '' ? '' : ` in "${place}"`}.`,
        {
          hint: 'Name it in the source: a column needs a name.',
        },
      );
    }
    const before = seen.get(name.toLowerCase());
    if (before !== undefined) {
      throw new IngestError(
        'JSON_KEYS_DIFFER_BY_CASE',
        `The records have the keys "${before}" and "${name}"${place === '' ? '' : ` in "${place}"`}, which are one column name.`,
        {
          hint: 'Rename one of them in the source: a table could keep only one.',
        },
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** True where a DOUBLE, a nested value or text of its own could be in it, so that only its raw text is exact. */
export function needsRaw(shape: JsonShape): boolean {
  return (shape.kinds & (KIND.decimal | KIND.object | KIND.list)) !== 0;
}
