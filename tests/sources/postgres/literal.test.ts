import { expect, test } from 'vitest';
import { quoteIdentifier, quoteName, textLiteral, typedLiteral } from '../../../engine/sources/postgres/literal.ts';
import { startPostgres } from '../../helpers/postgres-server.ts';

test('literals and names mean their text, whatever standard_conforming_strings is', async () => {
  await using server = await startPostgres();
  const texts = ["it's", "''", '\\', "\\'; DROP TABLE t; --", 'E', '$$', '😀', '\n', '', "x' OR 'a' = 'a"];
  for (const mode of ['on', 'off']) {
    await server.query(`SET standard_conforming_strings = ${mode}; SET escape_string_warning = off`);
    for (const text of texts) {
      const name = text === '' ? 'a' : text;
      const [row] = await server.query(
        `SELECT * FROM (SELECT ${textLiteral(text)} AS ${quoteIdentifier(name)}, ${typedLiteral(text, 'text')} AS other) t`,
      );
      expect(row).toEqual({ [name]: text, other: text });
    }
  }
  expect(quoteName('a.b', 'c"d')).toBe('"a.b"."c""d"');
  expect(() => textLiteral('a\0b')).toThrow('zero character');
});
