import { expect, test } from 'vitest';
import { readBody } from '../../../renderer/screens/api/json-body.ts';

test.each([
  ['', null],
  [' \n', null],
  ['{"a": [1.5, null]}', { a: [1.5, null] }],
])('%j is a body', (text, body) => {
  expect(readBody(text)).toEqual({ body });
});

test.each([
  ['[1]', /^A body is a JSON object/],
  ['"a"', /^A body is a JSON object/],
  ['{\n  "a": 1,\n  "b": x\n}', /^(Line 3, column 8|No JSON): Unexpected token/],
  ['{"a": 1', /^Line 1, column 8: /],
  ['{"a": "x', /^Line 1, column 9: Unterminated string/],
  ['{"id": 9007199254740993}', /^9007199254740993 would lose digits: write it as a text$/],
])('%j is none', (text, problem) => {
  expect(readBody(text)).toEqual({ problem: expect.stringMatching(problem) });
});
