import { IngestError } from '../errors.ts';

/** Texts of 64 Mi characters in 20 million values: more than any workbook that can be edited here, less than what would stop the engine. */
const MOST_CHARACTERS = 64 * 2 ** 20;
const MOST_VALUES = 20_000_000;
const DEEPEST = 60;

/**
 * Refuses what no window sends on purpose, before anything walks through it: too much, too deep, or not plain data.
 * @throws IngestError `CALL_TOO_LARGE`, `CALL_INPUT_INVALID`
 */
export function checkPayload(input: unknown): void {
  let characters = 0;
  let values = 0;
  const left: [value: unknown, depth: number][] = [[input, 0]];
  for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
    const [value, depth] = entry;
    values += 1;
    if (typeof value === 'string') characters += value.length;
    if (characters > MOST_CHARACTERS || values > MOST_VALUES) {
      throw new IngestError('CALL_TOO_LARGE', 'This is more than can be sent to the engine at once (64 MiB).', {
        hint: 'Save in several steps, or paste less at once.',
      });
    }
    if (typeof value !== 'object' || value === null) continue;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (depth > DEEPEST || !(Array.isArray(value) || prototype === Object.prototype || prototype === null)) {
      throw new IngestError('CALL_INPUT_INVALID', 'A call was made with values that are not plain data.');
    }
    for (const key of Object.keys(value)) {
      characters += key.length;
      left.push([(value as Record<string, unknown>)[key], depth + 1]);
    }
  }
}
