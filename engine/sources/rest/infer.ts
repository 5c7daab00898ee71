import { isExactNumber } from './json.ts';
import { NOT_TEMPORAL, temporalKind } from './timestamps.ts';

/** Kinds of JSON values that a place in the records was seen to hold; bits. */
export const BOOLEAN = 1;
export const INTEGER = 2;
export const DOUBLE = 4;
/** An integer beyond 2^53. */
export const LONG_INTEGER = 8;
/** A decimal that a double would damage. */
export const EXACT_DECIMAL = 16;
export const TEXT = 32;
export const OBJECT = 64;
export const LIST = 128;

/** Objects with more keys than this (over all records) are maps keyed by data, not records: they stay JSON. */
export const MAX_FIELDS = 1000;
/** Deeper values stay JSON. */
export const MAX_DEPTH = 30;

/**
 * What was seen at one place of the records: a column, a field of an object, or the items of a list.
 * Built by one walk over every record, so the loop in {@link observe} is the read's hottest code after JSON.parse.
 */
export class ShapeNode {
  kinds = 0;
  /** Union of the temporal kinds of its texts. */
  temporal = 0;
  /** Values that are not null. */
  count = 0;
  /** Null items were seen (lists only; fields are nullable anyway). */
  nulls = 0;
  /** A number beyond the range of a double was seen, and its digits are gone. */
  overflows = false;
  /** Numbers beyond BIGINT were seen. */
  beyondBigint = false;
  /** An exact number was seen here or below. */
  exactInside = false;
  /** Too deep or too many keys: not looked into. */
  opaque = false;
  readonly names: string[] = [];
  readonly fields: ShapeNode[] = [];
  #index: Map<string, number> | null = null;
  element: ShapeNode | null = null;

  /** The node of a field, made where it is new. `guess` is the place where it stood in most records. */
  field(name: string, guess: number): ShapeNode {
    if (this.names[guess] === name) return this.fields[guess] as ShapeNode;
    this.#index ??= new Map(this.names.map((known, place) => [known, place]));
    const place = this.#index.get(name);
    if (place !== undefined) return this.fields[place] as ShapeNode;
    const node = new ShapeNode();
    this.#index.set(name, this.names.length);
    this.names.push(name);
    this.fields.push(node);
    return node;
  }
}

/** Adds one value to what is known of its place. `exact` says that exact numbers may be in it. Gives back whether one was. */
export function observe(node: ShapeNode, value: unknown, exact: boolean, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      node.count += 1;
      node.kinds |= TEXT;
      if ((node.temporal & NOT_TEMPORAL) === 0) node.temporal |= temporalKind(value);
      return false;
    case 'number':
      node.count += 1;
      node.kinds |= Number.isSafeInteger(value) ? INTEGER : DOUBLE;
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) node.overflows = true;
      return false;
    case 'boolean':
      node.count += 1;
      node.kinds |= BOOLEAN;
      return false;
    default:
      if (value === null || value === undefined) {
        node.nulls += 1;
        return false;
      }
      node.count += 1;
      return observeNested(node, value as object, exact, depth);
  }
}

function observeNested(node: ShapeNode, value: object, exact: boolean, depth: number): boolean {
  if (exact && isExactNumber(value)) {
    observeExact(node, value.rawJSON);
    node.exactInside = true;
    return true;
  }
  const isList = Array.isArray(value);
  node.kinds |= isList ? LIST : OBJECT;
  if (node.opaque || depth >= MAX_DEPTH) {
    node.opaque = true;
    // Exact numbers below an opaque value still decide how it is written.
    if (exact) node.exactInside = true;
    return exact;
  }
  let found = false;
  if (isList) {
    node.element ??= new ShapeNode();
    for (const item of value) if (observe(node.element, item, exact, depth + 1)) found = true;
  } else {
    let place = 0;
    const record = value as Record<string, unknown>;
    for (const key in record) {
      if (observe(node.field(key, place), record[key], exact, depth + 1)) found = true;
      place += 1;
    }
    if (depth > 0 && node.names.length > MAX_FIELDS) node.opaque = true;
  }
  if (found) node.exactInside = true;
  return found;
}

const BIGINT_LIMIT = 2n ** 63n;

function observeExact(node: ShapeNode, text: string): void {
  if (/^-?\d+$/.test(text)) {
    node.kinds |= LONG_INTEGER;
    const value = BigInt(text);
    if (value >= BIGINT_LIMIT || value < -BIGINT_LIMIT) node.beyondBigint = true;
    return;
  }
  node.kinds |= EXACT_DECIMAL;
}
