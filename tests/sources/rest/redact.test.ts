import { expect, test } from 'vitest';
import { Redactor } from '../../../engine/sources/rest/redact.ts';

const PASSWORD = 'pä"ss\\word/+1';

test.each([
  ['as it is', PASSWORD],
  ['inside a JSON text', JSON.stringify({ echo: PASSWORD })],
  ['inside a JSON text that is a value of another', JSON.stringify(JSON.stringify({ echo: PASSWORD }))],
  ['in a URL', `https://host/path?q=${encodeURIComponent(PASSWORD)}`],
  ['in a form', new URLSearchParams({ q: PASSWORD }).toString()],
  ['in basic credentials, whoever the user is', `x ${Buffer.from(`some-user:${PASSWORD}`).toString('base64')}`],
  ['in base64url', Buffer.from(`u:${PASSWORD}`).toString('base64url')],
])('a secret %s is replaced', (_where, text) => {
  const redactor = new Redactor([PASSWORD]);
  for (const shown of [redactor.text(text), redactor.excerpt(text), JSON.stringify(redactor.records([{ text }]))]) {
    expect(shown).toContain('***');
    expect(shown).not.toMatch(/word|d29yZC|b3JkL|cmQvKz/);
  }
});

test('a token that came up in the run is replaced from then on', () => {
  const redactor = new Redactor();
  expect(redactor.text('sent tok-4711-abc')).toBe('sent tok-4711-abc');
  redactor.add('tok-4711-abc');
  expect(redactor.text('sent tok-4711-abc')).toBe('sent ***');
});

test('what only looks like a secret is hidden in messages and stays in people’s records', () => {
  const redactor = new Redactor(['s3cret-value']);
  const link = 'https://files.example/a.pdf?sig=abcdef&page_token=2';
  expect(redactor.text(link)).toBe('https://files.example/a.pdf?sig=***&page_token=2');
  expect(redactor.records([{ link, n: 1 }])).toEqual([{ link, n: 1 }]);
  expect(redactor.body({ link, password: 'x', n: 1 })).toEqual({
    link: 'https://files.example/a.pdf?sig=***&page_token=2',
    password: '***',
    n: 1,
  });
});
