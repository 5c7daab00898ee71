import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RestApi, startRestApi } from '../../servers/rest-api.ts';
import { readApi } from './rest-reader.ts';

let api: RestApi;
let body = '';
beforeAll(async () => {
  api = await startRestApi({ '/orders': () => ({ body }) });
});
afterAll(() => api.close());

/** Sign, digits without zeros at the ends, and the power of ten of the last digit. */
function canonical(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) throw new Error(`not a number: ${text}`);
  const all = (match[2] ?? '') + (match[3] ?? '');
  const digits = all.replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return '0';
  const power = Number(match[4] ?? 0) - (match[3] ?? '').length + (all.length - all.replace(/0+$/, '').length);
  return `${match[1]}${digits}e${power}`;
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^(0|[1-9][0-9]{0,${max}})$`));
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(24),
    fc.option(fc.stringMatching(/^[0-9]{1,20}$/)),
    fc.option(fc.integer({ min: -12, max: 12 })),
  )
  .map(
    ([sign, integer, fraction, exponent]) =>
      `${sign}${integer}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
  );
const column = fc.oneof(
  fc.array(numberText, { minLength: 1, maxLength: 5 }),
  fc.array(digits(20), { minLength: 1, maxLength: 5 }),
  fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), { minLength: 1, maxLength: 5 }),
);

test('every number lands with the value of its text', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(column, async (texts) => {
      body = `[${texts.map((text) => `{"n":${text}}`).join(',')}]`;
      const { rows, columns } = await readApi(api.url, {});
      const type = columns[0]?.landedType;
      for (const [index, text] of texts.entries()) {
        const value = rows[index]?.n;
        if (type !== 'DOUBLE') {
          expect(canonical(String(value))).toBe(canonical(text));
          continue;
        }
        // A double stands for the text where it is the nearest one and its shortest text has the same digits, or at most 15 were written.
        expect(value).toBe(Number(text) + 0);
        const significant = canonical(text).replace(/^-/, '').replace(/e.*$/, '').length;
        if (significant > 15) expect(canonical(String(value))).toBe(canonical(text));
      }
    }),
    { numRuns: 60 },
  );
});
