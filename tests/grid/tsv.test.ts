import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clipboardCells, formatHtmlTable, formatTsv, parseHtmlTable, parseTsv } from '../../renderer/grid/tsv.ts';

test.each([
  [
    'Excel ends the last row too',
    'a\tb\r\nc\td\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['one line break is no row, two are', 'a\r\n\r\n', [['a'], ['']]],
  [
    'Google Sheets ends no row',
    'a\tb\nc\td',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['old Mac line ends', 'a\rb', [['a'], ['b']]],
  ['lines in quotes', '"select 1\nfrom t"\tx\r\n', [['select 1\nfrom t', 'x']]],
  ['CRLF in quotes becomes one line break', '"a\r\nb"', [['a\nb']]],
  ['doubled quotes', '"say ""hi""\nthere"', [['say "hi"\nthere']]],
  ['a tab in quotes', '"a\tb"\tc', [['a\tb', 'c']]],
  ['a doubled quote alone needs the quotes', '"""Order Details"""', [['"Order Details"']]],
  ['quotes that Excel left as typed', '"Order Details"\t""', [['"Order Details"', '""']]],
  ['quotes in the middle', 'a "b" c\td', [['a "b" c', 'd']]],
  ['a quote that never ends', '"a\tb\nc', [['"a', 'b'], ['c']]],
  ['text behind the closing quote', '"a\nb"c', [['"a'], ['b"c']]],
  ['blank cells', '\t\ta\t', [['', '', 'a', '']]],
  ['a blank cell alone', '\r\n', [['']]],
  ['rows of unequal length', 'a\nb\tc', [['a'], ['b', 'c']]],
  ['nothing', '', []],
])('%s', (_what, text, cells) => {
  expect(parseTsv(text)).toEqual(cells);
});

test('what is copied is what is pasted, whatever the cells hold', () => {
  const piece = fc.constantFrom('a', '"', '\t', '\n', ' ', '1', '""', 'é', "'");
  const cell = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  const block = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
    .chain(([rows, columns]) =>
      fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
    );
  fc.assert(
    fc.property(block, (cells) => {
      // A blank last row of one column looks like a line break behind the last row.
      fc.pre(!(cells[0]?.length === 1 && cells.at(-1)?.[0] === ''));
      expect(parseTsv(formatTsv(cells))).toEqual(cells);
    }),
    { numRuns: 500 },
  );
});

test('one cell is copied as its text alone', () => {
  expect(formatTsv([['select 1']])).toBe('select 1');
});

test('markup keeps text as text and a cell in one piece', () => {
  const html = formatHtmlTable([
    ['007', 'a < b & c'],
    ['two\nlines', ''],
  ]);
  expect(html).toContain('mso-number-format:"\\@"');
  expect(html).toContain('two<br>lines');
  expect(parseHtmlTable(html)).toEqual([
    ['007', 'a < b & c'],
    ['two\nlines', ''],
  ]);
});

test('a table of a page is pasted where there is no plain text', () => {
  const html = `<html><body><!--StartFragment--><table border=0>
    <tr><th colspan="2">Name</th><td>&quot;x&quot;&nbsp;&#233;&#x41;</td></tr>
    <tr><td>a
      b</td><td><b>c</b><br>d</td><td></td></tr></table></body></html>`;
  expect(clipboardCells('', html)).toEqual([
    ['Name', '', '"x" éA'],
    ['a b', 'c\nd', ''],
  ]);
  expect(clipboardCells('', '<p>no table</p>')).toEqual([]);
  expect(clipboardCells('plain', html)).toEqual([['plain']]);
});
