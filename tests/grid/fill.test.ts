import { expect, test } from 'vitest';
import { fillSeries } from '../../renderer/grid/fill.ts';

const down = (source: string[], count: number, copy = false) => fillSeries(source, count, false, copy);
const up = (source: string[], count: number) => fillSeries(source, count, true, false);

test.each([
  ['a word is copied', ['append'], ['append', 'append']],
  ['a lone number is copied', ['5'], ['5', '5']],
  ['numbers go on', ['10', '20'], ['30', '40']],
  ['downwards past zero', ['1', '0'], ['-1', '-2']],
  ['decimals stay exact', ['0.1', '0.2'], ['0.3', '0.4']],
  ['numbers beyond 2^53 too', ['9007199254740993', '9007199254740994'], ['9007199254740995', '9007199254740996']],
  ['numbers without a constant step repeat', ['1', '2', '4'], ['1', '2']],
  ['a text that ends in digits counts up', ['job_9'], ['job_10', 'job_11']],
  ['and keeps its leading zeros', ['part_008'], ['part_009', 'part_010']],
  ['with a step', ['t10', 't20'], ['t30', 't40']],
  ['a code with leading zeros', ['007'], ['008', '009']],
  ['different texts repeat', ['orders_1', 'items_2'], ['orders_1', 'items_2']],
  ['digits in the middle are text', ['t1_raw'], ['t1_raw', 't1_raw']],
  ['a date goes on by a day', ['2026-02-28'], ['2026-03-01', '2026-03-02']],
  ['with the time it has', ['2026-12-31T06:00'], ['2027-01-01T06:00', '2027-01-02T06:00']],
  ['by weeks', ['2026-01-01', '2026-01-08'], ['2026-01-15', '2026-01-22']],
  ['by months, a short month at its end', ['2026-12-31', '2027-01-31'], ['2027-02-28', '2027-03-31']],
  ['by months where their lengths differ', ['2026-01-15', '2026-02-15', '2026-03-15'], ['2026-04-15', '2026-05-15']],
  ['no such day is a text that ends in digits', ['2026-02-30'], ['2026-02-31', '2026-02-32']],
  ['blank cells stay blank', [''], ['', '']],
])('%s', (_what, source, filled) => {
  expect(down(source, 2)).toEqual(filled);
});

test('backwards, nearest first', () => {
  expect(up(['10', '20'], 2)).toEqual(['0', '-10']);
  expect(up(['job_5'], 2)).toEqual(['job_4', 'job_3']);
  expect(up(['a', 'b', 'c'], 4)).toEqual(['c', 'b', 'a', 'c']);
});

test('with Ctrl nothing counts', () => {
  expect(down(['job_1', 'job_2'], 3, true)).toEqual(['job_1', 'job_2', 'job_1']);
});

test('nothing fills with nothing', () => {
  expect(down([], 3)).toEqual([]);
});
