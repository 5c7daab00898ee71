import { z } from 'zod';

/**
 * Fields of TOML tables. A value may come from an environment variable (`SOURCES__SHOP__PORT=5433`) and is then text,
 * so numbers and booleans are read from their text too. Nothing else is coerced: a blank is not 0, `yes` is not a number.
 */
const NUMBER_TEXT = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

function numberFromText(value: unknown): unknown {
  return typeof value === 'string' && NUMBER_TEXT.test(value.trim()) ? Number(value) : value;
}

function booleanFromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim().toLowerCase();
  if (text === 'true' || text === 'yes' || text === '1') return true;
  if (text === 'false' || text === 'no' || text === '0') return false;
  return value;
}

/** TOML dates are Date objects whose ISO form is the file's own. */
function textFromScalar(value: unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? value : value.toISOString();
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
}

/** A whole number within `min`..`max`, both included. */
export const integerField = (min: number, max: number) => z.preprocess(numberFromText, z.int().min(min).max(max));

/** A number within `min`..`max`, both included. */
export const numberField = (min: number, max: number) => z.preprocess(numberFromText, z.number().min(min).max(max));

/** True or false. */
export const booleanField = () => z.preprocess(booleanFromText, z.boolean());

/** Text that may not be empty; a TOML number is taken as its digits (`username = 4711`). */
export const textField = () => z.preprocess(textFromScalar, z.string().min(1));

/** Text that may be empty, for secrets: an empty password is a password. */
export const secretField = () => z.preprocess(textFromScalar, z.string());

/** One of `values`, in any case. */
export const choiceField = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.preprocess(
    (value) =>
      typeof value === 'string' ? (values.find((v) => v.toLowerCase() === value.trim().toLowerCase()) ?? value) : value,
    z.enum(values),
  );
