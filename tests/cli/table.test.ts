import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { cut, renderTable } from '../../engine/cli/table.ts';
import { Terminal } from '../../engine/cli/terminal.ts';

test('columns line up by what a terminal shows, not by string length', () => {
  const lines = renderTable(
    [{ header: 'name' }, { header: 'rows', align: 'right' }],
    [
      ['日本', '1'],
      ['Zoë', '22'],
      ['e\u0301te\u0301 👩‍👩‍👧', '333'],
    ],
  ).split('\n');
  expect(new Set(lines.map((line) => stringWidth(line))).size).toBe(1);
});

test('a table fits its terminal: what yields is cut first', () => {
  const text = renderTable(
    [{ header: 'job' }, { header: 'watermark' }, { header: 'why', yields: true }],
    [
      [
        'shop.orders',
        '2026-01-31T00:00:00Z → 2026-02-01T00:00:00Z',
        'All 240 records of total were read, as the server says there are.',
      ],
    ],
    { width: 100 },
  );
  for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(100);
  expect(text).toContain('2026-01-31T00:00:00Z → 2026-02-01T00:00:00Z');
  expect(text).toContain('…');
});

test('nothing is cut where the output has no width', () => {
  const long = 'x'.repeat(5000);
  expect(renderTable([{ header: 'a' }], [[long]])).toContain(long);
});

test('cells stay on their line, and a source cannot send control sequences to the terminal', () => {
  const text = renderTable([{ header: 'a' }], [['one\ntwo\tthree\u001b]0;title\u0007\u001b[2Jfour']]);
  expect(text.split('\n')).toHaveLength(3);
  expect(text).not.toContain('\u0007');
  expect(text).not.toContain('\u001b');
});

test('cut never splits a character', () => {
  expect(cut('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 5)).toBe('👩‍👩‍👧👩‍👩‍👧…');
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('\u001b[32mabcdef\u001b[39m', 4)).toBe('abc…');
});

test('colours only on a terminal, and never with NO_COLOR', () => {
  const stream = (isTTY: boolean) => ({ isTTY, write: () => true });
  const styled = (isTTY: boolean, env: Record<string, string>, color = true) =>
    new Terminal({ stdout: stream(isTTY), stderr: stream(isTTY), env, color }).style('red', 'x') !== 'x';
  expect(styled(true, {})).toBe(true);
  expect(styled(false, {})).toBe(false);
  expect(styled(true, { NO_COLOR: '1' })).toBe(false);
  expect(styled(true, { TERM: 'dumb' })).toBe(false);
  expect(styled(true, {}, false)).toBe(false);
  expect(styled(false, { FORCE_COLOR: '1' })).toBe(true);
  expect(styled(true, { FORCE_COLOR: '0' })).toBe(false);
});
