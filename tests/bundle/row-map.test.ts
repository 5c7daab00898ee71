import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formulaTouches,
  mapFormula,
  mapRanges,
  mapRow,
  mapRuleFormula,
  mapSpan,
  rowMapper,
  translateFormula,
} from '../../engine/bundle/row-map.ts';

const map = (deleted: number[], inserted: [number, number][] = []) => ({
  deleted: new Set(deleted),
  inserted: new Map(inserted),
});

test.each([
  ['A5', 'A4'],
  ['$B$5+C6', '$B$4+C5'],
  ['SUM(A2:A9)', 'SUM(A2:A8)'],
  ['A3', '#REF!'],
  ['SUM(A3:A3)', 'SUM(#REF!)'],
  ['Jobs!A5&Other!A5', 'Jobs!A4&Other!A5'],
  ["'Jobs'!A5&'O''Brien'!A5", "'Jobs'!A4&'O''Brien'!A5"],
  ['"A5"&A5', '"A5"&A4'],
  ['LOG10(A5)', 'LOG10(A4)'],
  ['Table1[A5]&A5', 'Table1[A5]&A4'],
  ['[1]Jobs!A5', '[1]Jobs!A5'],
  ["'[Book 2.xlsx]Jobs'!A5", "'[Book 2.xlsx]Jobs'!A5"],
  ['SUM(5:9)', 'SUM(4:8)'],
  ['SUM(A:A)', 'SUM(A:A)'],
  ['name5+Q4_2024', 'name5+Q4_2024'],
  ['a5+Ärger5', 'a4+Ärger5'],
])('row 3 deleted: %s becomes %s', (formula, expected) => {
  expect(mapFormula(formula, 'Jobs', 'Jobs', map([3]))).toBe(expected);
});

test('a formula of another sheet moves only where it names ours', () => {
  expect(mapFormula('A5+jobs!A5', 'Other', 'Jobs', map([], [[2, 3]]))).toBe('A5+jobs!A8');
});

test('shared formulas and rules move with their cell', () => {
  expect(translateFormula('A2+$A2+A$2+$A$2+SUM(2:3)+SUM($2:3)&"A2"', 3, 1)).toBe(
    'B5+$A5+B$2+$A$2+SUM(5:6)+SUM($2:6)&"A2"',
  );
  expect(mapRuleFormula('$E2="N"', 'Jobs', map([], [[2, 1]]), 1)).toBe('$E3="N"');
  expect(mapRuleFormula('$A$5:$A$9', 'Jobs', map([3]), 0)).toBe('$A$4:$A$8');
  expect(mapRuleFormula('$A$3', 'Jobs', map([3]), 0)).toBe('#REF!');
  expect(mapRuleFormula('Lists!$A$5', 'Jobs', map([3]), 2)).toBe('Lists!$A$5');
});

test('ranges', () => {
  const at = (rows: ReturnType<typeof map>) => (ranges: string) => mapRanges(ranges, (span) => mapSpan(rows, span));
  expect(at(map([3]))('A2:B9 D3 E4 F:F')).toBe('A2:B8 E3 F:F');
  expect(at(map([3, 4]))('A3:B4')).toBeNull();
  expect(at(map([3]))('A3:A4')).toBe('A3');
});

test('what a formula reads', () => {
  const cell = (row: number, column: number) => row === 5 && column === 1;
  expect(formulaTouches('SUM(A1:C9)', 'Jobs', cell)).toBe(true);
  expect(formulaTouches('B5', 'Jobs', cell)).toBe(true);
  expect(formulaTouches('Other!B5+C5+"B5"', 'Jobs', cell)).toBe(false);
});

test('the fast mapper says what the slow one says', () => {
  const row = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(
      fc.uniqueArray(row),
      fc.uniqueArray(fc.tuple(row, fc.integer({ min: 1, max: 4 })), { selector: ([at]) => at }),
      row,
      (deleted, inserted, at) => {
        const rows = map(deleted, inserted);
        expect(rowMapper(rows)(at)).toBe(mapRow(rows, at));
      },
    ),
  );
});
