import { type SparkType, sparkTypeText } from '../../duckdb/spark-type.ts';

/** The statement that brings values to a column. */
export type FitStatement = 'copy' | 'merge' | 'overwrite';

/**
 * What becomes of values of one type in a column of another.
 * `same`: nothing to do; `cast`: every value arrives; `checked`: it depends on the value, `error` is what Databricks raises for one that does not fit;
 * `lossy`: Databricks would change values without a word; `fails`: the statement is refused with `error` before any row is read.
 */
export type TypeFit =
  | { fit: 'same' | 'cast' }
  | { fit: 'checked'; error: string }
  | { fit: 'lossy'; loss: string }
  | { fit: 'fails'; error: string };

const SAME: TypeFit = { fit: 'same' };
const CAST: TypeFit = { fit: 'cast' };
const checked = (error: string): TypeFit => ({ fit: 'checked', error });
const lossy = (loss: string): TypeFit => ({ fit: 'lossy', loss });
const NO_CAST: TypeFit = { fit: 'fails', error: 'DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION' };

/** Integer types in order of width, with the decimal digits that their values may need and those that always fit. */
const INTEGERS = ['tinyint', 'smallint', 'int', 'bigint'];
const DIGITS_NEEDED: Readonly<Record<string, number>> = { tinyint: 3, smallint: 5, int: 10, bigint: 19 };
const DIGITS_HELD: Readonly<Record<string, number>> = { tinyint: 2, smallint: 4, int: 9, bigint: 18 };
const FLOATS = ['float', 'double'];
const DATETIMES = ['date', 'timestamp', 'timestamp_ntz'];
/** Integers whose every value a floating-point type holds. */
const EXACT_IN: Readonly<Record<string, readonly string[]>> = {
  float: ['tinyint', 'smallint'],
  double: ['tinyint', 'smallint', 'int'],
};

const nameOf = (type: SparkType): string => (type.kind === 'scalar' ? type.name : type.kind);
const isNumeric = (name: string) => INTEGERS.includes(name) || FLOATS.includes(name) || name === 'decimal';
const isNested = (type: SparkType) => type.kind === 'array' || type.kind === 'map' || type.kind === 'struct';

/** True for types that Databricks takes for the same. */
export function isSameType(a: SparkType, b: SparkType): boolean {
  return sparkTypeText(a).toLowerCase() === sparkTypeText(b).toLowerCase();
}

/**
 * What `CAST(value AS to)` does in ANSI mode with the session's time zone at UTC.
 * Source: the cast matrix of Databricks' SQL reference ("cast function") and Spark's `Cast.canAnsiCast`.
 */
export function castFit(from: SparkType, to: SparkType): TypeFit {
  if (isSameType(from, to)) return SAME;
  const [source, target] = [nameOf(from), nameOf(to)];
  if (source === 'void' || source === 'variant' || target === 'variant')
    return source === 'variant' ? checked('INVALID_VARIANT_CAST') : CAST;
  if (isNested(from) || isNested(to)) return nestedCast(from, to);
  if (target === 'string') return source === 'binary' ? lossy('bytes that are not UTF-8 are replaced') : CAST;
  if (source === 'string') return target === 'binary' ? CAST : checked('CAST_INVALID_INPUT');
  if (isNumeric(source) && isNumeric(target)) return numericCast(from, to);
  if (target === 'boolean') return isNumeric(source) ? lossy('every number but zero becomes true') : NO_CAST;
  if (source === 'boolean') return isNumeric(target) ? CAST : NO_CAST;
  if (DATETIMES.includes(source) && DATETIMES.includes(target)) {
    return target === 'date' ? lossy('the time of day is dropped') : CAST;
  }
  if (isNumeric(source) && target === 'timestamp') return lossy('numbers are taken for seconds since 1970');
  if (source === 'timestamp' && isNumeric(target)) return lossy('times become seconds since 1970');
  return NO_CAST;
}

function numericCast(from: SparkType, to: SparkType): TypeFit {
  const [source, target] = [nameOf(from), nameOf(to)];
  if (INTEGERS.includes(source) && INTEGERS.includes(target)) {
    return INTEGERS.indexOf(source) < INTEGERS.indexOf(target) ? CAST : checked('CAST_OVERFLOW');
  }
  if (to.kind === 'decimal') {
    const room = to.precision - to.scale;
    if (from.kind === 'decimal') {
      if (to.scale < from.scale) return lossy(`digits behind the ${to.scale}. decimal place are rounded`);
      return room >= from.precision - from.scale ? CAST : checked('NUMERIC_VALUE_OUT_OF_RANGE');
    }
    if (FLOATS.includes(source)) return lossy(`values are rounded to ${to.scale} decimal places`);
    return room >= (DIGITS_NEEDED[source] ?? 0) ? CAST : checked('NUMERIC_VALUE_OUT_OF_RANGE');
  }
  if (FLOATS.includes(target)) {
    if (source === 'float') return CAST;
    return EXACT_IN[target]?.includes(source) ? CAST : lossy('digits beyond floating point are dropped');
  }
  if (from.kind === 'decimal' && from.scale === 0) {
    return from.precision <= (DIGITS_HELD[target] ?? 0) ? CAST : checked('CAST_OVERFLOW');
  }
  return lossy('what follows the decimal point is dropped');
}

const WORST: TypeFit['fit'][] = ['same', 'cast', 'checked', 'lossy', 'fails'];

function worst(fits: TypeFit[]): TypeFit {
  return fits.reduce((bad, fit) => (WORST.indexOf(fit.fit) > WORST.indexOf(bad.fit) ? fit : bad), CAST);
}

function nestedCast(from: SparkType, to: SparkType): TypeFit {
  if (nameOf(to) === 'string') return lossy('the value becomes a text that nothing reads back');
  if (from.kind === 'array' && to.kind === 'array') return worst([castFit(from.element, to.element)]);
  if (from.kind === 'map' && to.kind === 'map')
    return worst([castFit(from.key, to.key), castFit(from.value, to.value)]);
  if (from.kind === 'struct' && to.kind === 'struct' && from.fields.length === to.fields.length) {
    // a cast of structs goes by position
    return worst(from.fields.map((field, index) => castFit(field.type, to.fields[index]!.type)));
  }
  return NO_CAST;
}

/**
 * What a statement without any cast does: the verdict that a load would get if it were written by hand.
 * COPY INTO takes equal types and the narrower of 8, 16 and 32 bit integers (Delta's `SchemaMergingUtils.mergeSchemas`); anything else is DELTA_FAILED_TO_MERGE_FIELDS.
 * MERGE and INSERT OVERWRITE follow the ANSI store assignment (Spark's `Cast.canANSIStoreAssign`): numbers to numbers with an overflow check,
 * dates and times to each other, anything atomic to STRING.
 */
export function bareFit(from: SparkType, to: SparkType, statement: FitStatement): TypeFit {
  if (isSameType(from, to) || nameOf(from) === 'void') return SAME;
  if (statement === 'copy') {
    const [source, target] = [INTEGERS.indexOf(nameOf(from)), INTEGERS.indexOf(nameOf(to))];
    const isPhysicallyTheSame = source >= 0 && target > source && nameOf(to) !== 'bigint';
    return isPhysicallyTheSame ? SAME : { fit: 'fails', error: 'DELTA_FAILED_TO_MERGE_FIELDS' };
  }
  if (!isStoreAssignable(from, to)) {
    const error =
      statement === 'merge'
        ? 'DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION'
        : 'INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST';
    return { fit: 'fails', error };
  }
  const fit = castFit(from, to);
  if (fit.fit !== 'checked') return fit;
  return checked(statement === 'merge' ? 'DELTA_CAST_OVERFLOW_IN_TABLE_WRITE' : 'CAST_OVERFLOW_IN_TABLE_INSERT');
}

function isStoreAssignable(from: SparkType, to: SparkType): boolean {
  if (isSameType(from, to)) return true;
  const [source, target] = [nameOf(from), nameOf(to)];
  if (isNumeric(source) && isNumeric(target)) return true;
  if (target === 'string') return !isNested(from);
  if (DATETIMES.includes(source) && DATETIMES.includes(target)) return true;
  if (from.kind === 'array' && to.kind === 'array') return isStoreAssignable(from.element, to.element);
  if (from.kind === 'map' && to.kind === 'map')
    return isStoreAssignable(from.key, to.key) && isStoreAssignable(from.value, to.value);
  if (from.kind === 'struct' && to.kind === 'struct' && from.fields.length === to.fields.length)
    return from.fields.every((field, index) => isStoreAssignable(field.type, to.fields[index]!.type));
  return false;
}

/**
 * Can `ALTER COLUMN … TYPE` make a column of type `from` one of type `to` without writing its files anew (Delta type widening)?
 * Source: Databricks' "Type widening": integers to wider integers, to DECIMAL with room for all digits (10 for INT and less, 20 for BIGINT),
 * up to 32 bits to DOUBLE, FLOAT to DOUBLE, DECIMAL to more digits on both sides, DATE to TIMESTAMP_NTZ. Text never.
 */
export function isDeltaWidening(from: SparkType, to: SparkType): boolean {
  const [source, target] = [nameOf(from), nameOf(to)];
  if (INTEGERS.includes(source)) {
    if (INTEGERS.includes(target)) return INTEGERS.indexOf(target) > INTEGERS.indexOf(source);
    if (to.kind === 'decimal') return to.precision - to.scale >= (source === 'bigint' ? 20 : 10);
    return target === 'double' && source !== 'bigint';
  }
  if (source === 'float') return target === 'double';
  if (source === 'date') return target === 'timestamp_ntz';
  if (from.kind !== 'decimal' || to.kind !== 'decimal') return false;
  return !isSameType(from, to) && to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
}
