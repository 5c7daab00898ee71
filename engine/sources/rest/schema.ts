import { canonicalType, parseType, printType, type TypeTree } from '../../duckdb/type-text.ts';
import { IngestError } from '../../errors.ts';
import type { TypePolicy } from '../../spec/kinds.ts';
import type { ReadWarning, SourceColumn } from '../source.ts';
import { BOOLEAN, DOUBLE, EXACT_DECIMAL, INTEGER, LIST, LONG_INTEGER, OBJECT, type ShapeNode, TEXT } from './infer.ts';
import { decimalDigits, isExactNumber, plainDecimal, scalarText } from './json.ts';
import { DATE, LOCAL_TIMESTAMP, OFFSET_TIMESTAMP, UTC_TIMESTAMP } from './timestamps.ts';

/** Changes a value on its way into a segment; null where it goes as the API wrote it. */
export type Rewrite = ((value: unknown) => unknown) | null;

/** One place of the records with the type that it gets. */
export interface TypedPlace {
  /** In the segment; null where no value was ever seen. */
  type: TypeTree | null;
  /** As it lands. */
  landed: TypeTree | null;
  /** For people. */
  sourceType: string;
  rewrite: Rewrite;
}

export interface RecordColumn extends SourceColumn {
  /** The key in the records. */
  key: string;
  rewrite: Rewrite;
}

export interface RecordSchema {
  columns: RecordColumn[];
  warnings: ReadWarning[];
  /** The spooled records must be rewritten before DuckDB reads them. */
  rewrites: boolean;
}

export interface SchemaOptions {
  types: TypePolicy;
  columnTypes: Record<string, string>;
  /** Records that were observed. */
  records: number;
}

const scalar = (text: string): TypeTree => ({ kind: 'scalar', text });

/** A place of one type, in the segment and where it lands. */
const place = (text: string, sourceType: string, rewrite: Rewrite = null): TypedPlace => ({
  type: scalar(text),
  landed: scalar(text),
  sourceType,
  rewrite,
});
const NUMBERS = INTEGER | DOUBLE | LONG_INTEGER | EXACT_DECIMAL;

/**
 * The schema of a read, decided once over all its records:
 * - integers → BIGINT, beyond it DECIMAL(38,0); decimals → DOUBLE, or DECIMAL(38,9) (38,18, …) where a double would lose digits
 * - texts that are all ISO 8601 → DATE, TIMESTAMP or TIMESTAMP WITH TIME ZONE; every other text stays VARCHAR
 * - mixed scalars → VARCHAR with each value's JSON text; objects beside scalars or lists → JSON
 * - objects → STRUCT, lists → LIST; a place without any value has no type ("NULL")
 *
 * Numbers that a DECIMAL must hold reach DuckDB as JSON strings: it would read a JSON number through DOUBLE.
 * @throws IngestError API_FIELDS_COLLIDE where two keys differ by case only
 */
export function recordSchema(
  root: ShapeNode,
  measured: ReadonlyMap<ShapeNode, Digits>,
  options: SchemaOptions,
): RecordSchema {
  const warnings: ReadWarning[] = [];
  const columns: RecordColumn[] = [];
  let rewrites = false;
  checkKeys(root, '');
  root.names.forEach((key, index) => {
    const node = root.fields[index] as ShapeNode;
    const name = fieldName(key);
    const override = overrideOf(options.columnTypes, key);
    // What lands as one value is not looked into, so nothing inside it can fail.
    if (override !== null && parseType(override).kind === 'scalar' && (node.kinds & (OBJECT | LIST)) !== 0)
      node.opaque = true;
    const typed = overridden(typedPlace(node, key, measured, override === null ? warnings : []), node, override);
    if (typed.rewrite || name !== key) rewrites = true;
    const segmentType = typed.type ? printType(typed.type) : 'NULL';
    columns.push({
      key,
      name,
      sourceType: typed.sourceType,
      segmentType,
      landedType: typed.landed
        ? printType(options.types === 'portable' && override === null ? portable(typed.landed) : typed.landed)
        : 'NULL',
      nullable: node.count < options.records,
      rewrite: typed.rewrite,
    });
  });
  return { columns, warnings, rewrites };
}

/** What a DECIMAL needs to hold every number of a place. */
export interface Digits {
  integerDigits: number;
  scale: number;
}

/** The places whose numbers must be measured (a second pass over the records) before {@link recordSchema} can choose a DECIMAL. */
export function placesToMeasure(node: ShapeNode): boolean {
  if (needsDecimal(node)) return true;
  return (
    node.exactInside && (node.fields.some(placesToMeasure) || (node.element !== null && placesToMeasure(node.element)))
  );
}

/** Adds one value's digits to the places that need them. */
export function measure(node: ShapeNode, value: unknown, measured: Map<ShapeNode, Digits>): void {
  if (value === null || value === undefined || !node.exactInside || node.opaque) return;
  if (typeof value === 'number' || isExactNumber(value)) {
    if (!needsDecimal(node)) return;
    const digits = decimalDigits(scalarText(value) ?? '0');
    const known = measured.get(node);
    if (known) {
      known.integerDigits = Math.max(known.integerDigits, digits.integerDigits);
      known.scale = Math.max(known.scale, digits.scale);
    } else measured.set(node, digits);
    return;
  }
  if (Array.isArray(value)) {
    if (node.element) for (const item of value) measure(node.element, item, measured);
    return;
  }
  if (typeof value !== 'object') return;
  node.names.forEach((key, place) => {
    measure(node.fields[place] as ShapeNode, (value as Record<string, unknown>)[key], measured);
  });
}

function needsDecimal(node: ShapeNode): boolean {
  if ((node.kinds & ~NUMBERS) !== 0) return false;
  return (
    node.beyondBigint ||
    (node.kinds & EXACT_DECIMAL) !== 0 ||
    ((node.kinds & LONG_INTEGER) !== 0 && (node.kinds & DOUBLE) !== 0)
  );
}

function typedPlace(
  node: ShapeNode,
  path: string,
  measured: ReadonlyMap<ShapeNode, Digits>,
  warnings: ReadWarning[],
): TypedPlace {
  const { kinds } = node;
  if (node.overflows) {
    throw new IngestError('API_NUMBER_TOO_LARGE', `${path} holds a number beyond 1.8e308, which no column can hold.`, {
      hint: 'Leave the field out with the columns of the job, or ask the API for it as text.',
    });
  }
  if (kinds === 0) return { type: null, landed: null, sourceType: 'null', rewrite: null };
  if (kinds === OBJECT && !node.opaque) return structPlace(node, path, measured, warnings);
  if (kinds === LIST && !node.opaque) {
    const element = typedPlace(node.element as ShapeNode, `${path}[]`, measured, warnings);
    const change = element.rewrite;
    return {
      type: element.type && { kind: 'list', element: element.type },
      landed: element.landed && { kind: 'list', element: element.landed },
      sourceType: `list of ${element.sourceType}`,
      rewrite: change && ((value) => (Array.isArray(value) ? value.map(change) : value)),
    };
  }
  if ((kinds & (OBJECT | LIST)) !== 0) {
    if (kinds !== OBJECT && kinds !== LIST) {
      warnings.push({
        code: 'API_MIXED_KINDS',
        column: path,
        message: `${path} holds objects or lists beside other values; it is kept as JSON text.`,
      });
    }
    // JSON is read through DuckDB's own number parser, so exact digits must come as text.
    return node.exactInside
      ? place('VARCHAR', 'json', (value) => (value === null || value === undefined ? null : JSON.stringify(value)))
      : place('JSON', 'json');
  }
  if (kinds === BOOLEAN) return place('BOOLEAN', 'boolean');
  if ((kinds & ~NUMBERS) === 0) return numberPlace(node, path, measured, warnings);
  if (kinds === TEXT) return textPlace(node, path, warnings);
  warnings.push({
    code: 'API_MIXED_KINDS',
    column: path,
    message: `${path} holds values of several kinds; they are kept as text.`,
  });
  return place('VARCHAR', 'mixed', node.exactInside ? exactAsText : null);
}

function numberPlace(
  node: ShapeNode,
  path: string,
  measured: ReadonlyMap<ShapeNode, Digits>,
  warnings: ReadWarning[],
): TypedPlace {
  if (!needsDecimal(node)) {
    const isDouble = (node.kinds & DOUBLE) !== 0;
    return isDouble ? place('DOUBLE', 'number') : place('BIGINT', 'integer');
  }
  const sourceType = (node.kinds & (DOUBLE | EXACT_DECIMAL)) === 0 ? 'integer' : 'number';
  const { integerDigits, scale } = measured.get(node) ?? { integerDigits: 38, scale: 0 };
  // A few fixed scales, so that the type does not change with every load; 38,9 is the product's rule for numbers without bounds.
  for (const fixed of scale === 0 ? [0] : [9, 18, scale]) {
    if (scale <= fixed && integerDigits + fixed <= 38) return place(`DECIMAL(38,${fixed})`, sourceType, numbersAsText);
  }
  warnings.push({
    code: 'API_NUMBER_AS_TEXT',
    column: path,
    message: `${path} has numbers of ${integerDigits} digits before and ${scale} after the point, more than a DECIMAL holds; they are kept as text.`,
    hint: 'Set column_types for it where another type will do.',
  });
  return place('VARCHAR', sourceType, exactAsText);
}

/**
 * Points in time stay the API's text in the segment and are cast when they land, so that a column that is text in the destination already
 * goes on with the API's text and not with DuckDB's.
 */
function textPlace(node: ShapeNode, path: string, warnings: ReadWarning[]): TypedPlace {
  switch (node.temporal) {
    case DATE:
      return { ...place('VARCHAR', 'string (date)'), landed: scalar('DATE') };
    case LOCAL_TIMESTAMP:
      return { ...place('VARCHAR', 'string (timestamp)'), landed: scalar('TIMESTAMP') };
    case UTC_TIMESTAMP:
    case OFFSET_TIMESTAMP:
    case UTC_TIMESTAMP | OFFSET_TIMESTAMP:
      if (node.temporal !== UTC_TIMESTAMP) {
        warnings.push({
          code: 'OFFSET_FOLDED',
          column: path,
          message: `${path}: the offsets of its timestamps are folded into UTC.`,
          hint: `Set column_types "${path}: varchar" to keep the text.`,
        });
      }
      return { ...place('VARCHAR', 'string (timestamp with zone)'), landed: scalar('TIMESTAMP WITH TIME ZONE') };
    default:
      return place('VARCHAR', 'string');
  }
}

function structPlace(
  node: ShapeNode,
  path: string,
  measured: ReadonlyMap<ShapeNode, Digits>,
  warnings: ReadWarning[],
): TypedPlace {
  checkKeys(node, path);
  const fields: { name: string; type: TypeTree }[] = [];
  const landed: { name: string; type: TypeTree }[] = [];
  const changes: { key: string; name: string; rewrite: Rewrite }[] = [];
  let changed = false;
  node.names.forEach((key, index) => {
    const field = typedPlace(node.fields[index] as ShapeNode, `${path}.${key}`, measured, warnings);
    // A field that never had a value has no type yet: it comes when it has one.
    if (!field.type || !field.landed) return;
    const name = fieldName(key);
    fields.push({ name, type: field.type });
    landed.push({ name, type: field.landed });
    changes.push({ key, name, rewrite: field.rewrite });
    if (field.rewrite || name !== key) changed = true;
  });
  return {
    type: fields.length === 0 ? null : { kind: 'struct', fields },
    landed: fields.length === 0 ? null : { kind: 'struct', fields: landed },
    sourceType: 'object',
    rewrite: changed ? (value) => rewriteObject(value, changes) : null,
  };
}

/** A copy of an object under the segment's names. Keys that are not listed have no value worth keeping. */
export function rewriteObject(
  value: unknown,
  changes: readonly { key: string; name: string; rewrite: Rewrite }[],
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  return Object.fromEntries(
    changes.flatMap(({ key, name, rewrite }) =>
      Object.hasOwn(record, key) ? [[name, rewrite ? rewrite(record[key]) : record[key]]] : [],
    ),
  );
}

const numbersAsText = (value: unknown): unknown =>
  typeof value === 'number' || isExactNumber(value) ? plainDecimal(scalarText(value) ?? '') : value;
const exactAsText = (value: unknown): unknown => (isExactNumber(value) ? value.rawJSON : value);
const jsonText = (value: unknown): unknown =>
  value === null || value === undefined || typeof value === 'string'
    ? value
    : typeof value === 'object' && !isExactNumber(value)
      ? JSON.stringify(value)
      : scalarText(value);

/** The job's own type for a column: the segment carries the API's text, which the pipeline casts exactly. */
function overridden(typed: TypedPlace, node: ShapeNode, override: string | null): TypedPlace {
  if (override === null) return typed;
  const text = canonicalType(override);
  const landed = parseType(text);
  if (!typed.type || canonicalType(printType(typed.type)) === text || landed.kind !== 'scalar')
    return { ...typed, landed };
  const nests = (node.kinds & (OBJECT | LIST)) !== 0;
  if (text === 'JSON' && nests && !node.exactInside) return { ...place('JSON', typed.sourceType), landed };
  return { ...place('VARCHAR', typed.sourceType, node.exactInside || nests ? jsonText : null), landed };
}

function overrideOf(columnTypes: Record<string, string>, key: string): string | null {
  if (Object.hasOwn(columnTypes, key)) return columnTypes[key] ?? null;
  const match = Object.keys(columnTypes).find((name) => name.toLowerCase() === key.toLowerCase());
  return match === undefined ? null : (columnTypes[match] ?? null);
}

/** Spark and its kin know no JSON type. */
function portable(type: TypeTree): TypeTree {
  switch (type.kind) {
    case 'scalar':
      return type.text === 'JSON' ? scalar('VARCHAR') : type;
    case 'list':
      return { kind: 'list', element: portable(type.element) };
    case 'struct':
      return { kind: 'struct', fields: type.fields.map(({ name, type: field }) => ({ name, type: portable(field) })) };
    default:
      return type satisfies never;
  }
}

/** DuckDB knows no empty names and none with a zero character. */
function fieldName(key: string): string {
  return key === '' ? '_' : key.replaceAll('\0', '_');
}

/** DuckDB's names ignore case: of `a` and `A` it would read one and lose the other. */
function checkKeys(node: ShapeNode, path: string): void {
  const seen = new Map<string, string>();
  node.names.forEach((key, place) => {
    if ((node.fields[place] as ShapeNode).kinds === 0 && path !== '') return;
    const folded = fieldName(key).toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) {
      const [a, b] = path === '' ? [other, key] : [`${path}.${other}`, `${path}.${key}`];
      throw new IngestError(
        'API_FIELDS_COLLIDE',
        `The records have the fields "${a}" and "${b}", whose names differ by case only: one would hide the other.`,
        {
          hint:
            path === ''
              ? "List the columns to read in the job's columns, with one of them."
              : `Keep the whole object as JSON text: set column_types "${path.split(/[.[]/)[0]}: json".`,
        },
      );
    }
    seen.set(folded, key);
  });
}
