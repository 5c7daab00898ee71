import { describe, expect, test } from 'vitest';
import { Redactor } from '../../engine/secrets/redaction.ts';

const SECRET = `p@ss w/ö+rd "q" & 'x'`;
const redactor = new Redactor([{ path: 'sources.shop.password', value: SECRET }]);

describe('a secret is found in every form that it takes on its way out', () => {
  const forms: [name: string, text: string][] = [
    ['as it is', SECRET],
    ['URL-encoded', encodeURIComponent(SECRET)],
    ['URL-encoded with small digits', encodeURIComponent(SECRET).replace(/%../g, (hex) => hex.toLowerCase())],
    ['URL-encoded as a whole link', encodeURI(SECRET)],
    ['form-encoded', new URLSearchParams({ x: SECRET }).toString().slice(2)],
    ['userinfo of a URL', new URL(`http://u:${encodeURIComponent(SECRET)}@h/`).password],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(SECRET)).slice(3, -3)],
    ['in ASCII JSON', JSON.stringify(SECRET).slice(1, -1).replace('ö', '\\u00f6')],
    ['in SQL', SECRET.replaceAll("'", "''")],
    ['base64', Buffer.from(SECRET).toString('base64')],
    ['base64url', Buffer.from(SECRET).toString('base64url')],
  ];
  test.each(forms)('%s', (_name, form) => {
    expect(redactor.text(`before ${form} after`)).toBe('before *** after');
  });

  test.each(['', 'a', 'ab', 'abc', 'sales@example.com'])('a Basic token of user "%s"', (user) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      const token = Buffer.from(`${user}:${SECRET}`).toString(encoding);
      expect(redactor.text(`sent <${token}> to`)).toBe('sent <***> to');
    }
  });
});

test('no piece of overlapping secrets is left, whatever their order', () => {
  for (const secrets of [
    ['abcd1', 'd1efgh'],
    ['d1efgh', 'abcd1'],
    ['abcd1', 'abcd1efgh'],
    ['abcd1efgh', 'bcd1'],
  ]) {
    const all = new Redactor(secrets.map((value, i) => ({ path: `k${i}`, value })));
    const out = all.text('x abcd1efgh y');
    for (const secret of secrets) expect(out).not.toContain(secret);
    expect(out).not.toContain('fgh');
  }
});

test('every occurrence goes, side by side too', () => {
  const one = new Redactor([{ path: 'a', value: 'hunter22' }]);
  expect(one.text('hunter22hunter22 hunter22')).toBe('****** ***');
  expect(new Redactor([{ path: 'a', value: 'aaaa' }]).text('baaaaaab')).toBe('b***b');
});

test('a private key is found line by line', () => {
  const pem =
    '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----\n';
  const keys = new Redactor([{ path: 'private_key', value: pem }]);
  expect(keys.text(`near MIIEvQIBADANBgkqhkiG9w0BAQ:`)).toBe('near ***:');
  expect(keys.text(JSON.stringify({ note: pem }))).not.toContain('MIIE');
});

test('values of fewer than four characters are named, not redacted', () => {
  const short = new Redactor([
    { path: 'sources.a.password', value: 'abc' },
    { path: 'sources.b.password', value: '' },
    { path: 'sources.c.password', value: 'abcd' },
  ]);
  expect(short.unredactable).toEqual(['sources.a.password']);
  expect(short.text('abc abcd')).toBe('abc ***');
});

test('a secret that comes up in the run is learned', () => {
  const late = new Redactor();
  expect(late.text('token eyJhbGciOi')).toBe('token eyJhbGciOi');
  late.add('oauth', 'eyJhbGciOi');
  expect(late.text('token eyJhbGciOi')).toBe('token ***');
});

test('data is copied without its secrets; everything else is as it was', () => {
  const date = new Date(0);
  const data = { a: [`x${SECRET}`, 1, null, true, date], [SECRET]: { deep: SECRET }, n: 12n, u: undefined };
  const copy = redactor.data(data);
  expect(copy).toEqual({ a: ['x***', 1, null, true, date], '***': { deep: '***' }, n: 12n, u: undefined });
  expect(data.a[0]).toBe(`x${SECRET}`);
  const loop: Record<string, unknown> = { s: SECRET };
  loop['self'] = loop;
  const out = redactor.data(loop);
  expect(out['self']).toBe(out);
  expect(out['s']).toBe('***');
});

describe('secrets are known by their place, too', () => {
  const none = new Redactor();
  test.each([
    ['postgresql://ann:s3cret@db:5432/shop', 'postgresql://ann:***@db:5432/shop'],
    ['postgresql://:s3cret@db/shop', 'postgresql://:***@db/shop'],
    ['AccountName=x;AccountKey=abc==;EndpointSuffix=y', 'AccountName=x;AccountKey=***;EndpointSuffix=y'],
    ["host=db password='a b' user=ann", 'host=db password=*** user=ann'],
    ['Server=x;Pwd=abc;Uid=ann', 'Server=x;Pwd=***;Uid=ann'],
    ['GET /x?key=AIza1&page=2', 'GET /x?key=***&page=2'],
    ['https://a.blob/x?sv=1&sig=a%2Fb%3D&se=2', 'https://a.blob/x?sv=1&sig=***&se=2'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer ***'],
    ['{"Authorization":"Basic dXNlcg==","x":1}', '{"Authorization":"Basic ***","x":1}'],
    ['{"access_token":"ab\\"c","expires":1}', '{"access_token":"***","expires":1}'],
    ['curl -H Bearer eyJ0eXAiOi1', 'curl -H Bearer ***'],
  ])('%s', (text, expected) => {
    expect(none.text(text)).toBe(expected);
    expect(none.text(expected)).toBe(expected);
  });

  test.each([
    'password authentication failed for user "ann"',
    'sources.shop.password: missing; set SOURCES__SHOP__PASSWORD',
    'basic authentication is not allowed here, use bearer tokens',
    'http://localhost:8080/items?owner=ann@example.com',
    'primary_key = id, page=2, token expired',
  ])('and this is left as it is: %s', (text) => {
    expect(none.text(text)).toBe(text);
  });
});
