import { describe, expect, test } from 'vitest';
import { shellOf, shellWords } from '../../../engine/spec/shell-words.ts';
import { parseCurlCommand } from '../../../renderer/screens/api/curl-command.ts';
import { curlJob } from '../../../renderer/screens/api/curl-job.ts';

describe('words of a shell', () => {
  test.each<[string, string, string[]]>([
    ['sh', `a 'b c' "d \\"e\\" $f" g\\ h`, ['a', 'b c', 'd "e" $f', 'g h']],
    ['sh', `curl \\\n  -H 'x: it'\\''s' \\\r\n  url`, ['curl', '-H', "x: it's", 'url']],
    ['sh', `$'tab\\there \\u00e9 \\x41 it\\'s' ''`, ["tab\there é A it's", '']],
    ['sh', `curl x | jq .`, ['curl', 'x']],
    [
      'cmd',
      `curl ^"https://a/?x=1^&y=2^" ^\r\n  -H ^"k: say ^\\^"hi^\\^"^"`,
      ['curl', 'https://a/?x=1&y=2', '-H', 'k: say "hi"'],
    ],
    ['cmd', `curl "a ""b"" c" ^\n d:\\e`, ['curl', 'a "b" c', 'd:\\e']],
    ['powershell', 'curl.exe `\n  -H \'it\'\'s\' `\r\n  "say `"hi`" `$x"', ['curl.exe', '-H', "it's", 'say "hi" $x']],
    ['powershell', 'curl.exe `\n -d \'{\\"a\\": 1}\'', ['curl.exe', '-d', '{"a": 1}']],
  ])('%s: %s', (shell, text, words) => {
    expect(shellWords(text, shell as 'sh')).toEqual(words);
    if (shell !== 'sh') expect(shellOf(text)).toBe(shell);
  });
});

describe('cURL', () => {
  test.each<[string, Partial<ReturnType<typeof parseCurlCommand> & object>]>([
    ['curl https://a.example/x', { method: 'GET', url: 'https://a.example/x', body: null }],
    ['curl -sSL a.example', { url: 'https://a.example/' }],
    ['$ curl -XPOST --url=https://a.example/x -d a=1 -d b=2', { method: 'POST', body: 'a=1&b=2' }],
    [
      "curl -G 'https://a.example/x?y=1' --data-urlencode 'q=a b&c' -d z=2",
      { method: 'GET', url: 'https://a.example/x?y=1&q=a%20b%26c&z=2' },
    ],
    [
      "curl 'https://a.example' --json '{\"a\":1}'",
      { method: 'POST', body: '{"a":1}', headers: [['Content-Type', 'application/json']] },
    ],
    ['curl -uann:pa:ss a.example', { user: { name: 'ann', password: 'pa:ss' } }],
    ['curl https://ann:p%40ss@a.example', { user: { name: 'ann', password: 'p@ss' }, url: 'https://a.example/' }],
    ["curl a.example -b 'x=1; y=2' --compressed -k", { headers: [['Cookie', 'x=1; y=2']], url: 'https://a.example/' }],
    [
      'curl a.example -o out.json -m 30 -d @body.json',
      { url: 'https://a.example/', notes: ["The body's file body.json is not taken"] },
    ],
    [
      'curl a.example --digest -F file=@x',
      { notes: ['A job cannot send Digest sign-in', 'A job cannot send a multipart form (-F)'] },
    ],
  ])('%s', (text, expected) => expect(parseCurlCommand(text)).toMatchObject(expected));

  test.each(['', 'wget https://a', 'curl', 'curl -H x', 'curl ftp://a/b', 'curl "http://["'])(
    'no request: %s',
    (text) => {
      expect(parseCurlCommand(text)).toBeNull();
      expect(curlJob(text)).toBeNull();
    },
  );
});

describe('a job from cURL', () => {
  test("Stripe's own example", () => {
    expect(
      curlJob(
        "curl -G https://api.stripe.com/v1/charges -u 'sk_test_4eC39H:' -d limit=100 -d starting_after=ch_1 -d 'expand[]=data.customer'",
      ),
    ).toEqual({
      connection: {
        name: 'stripe',
        isNew: true,
        values: {
          type: 'api',
          base_url: 'https://api.stripe.com/v1',
          auth: { type: 'basic', username: 'sk_test_4eC39H' },
        },
        secrets: {},
      },
      cells: {
        source_type: 'api',
        source_name: 'stripe',
        table_name: 'charges',
        load_type: 'FULL',
        api_endpoint: '/charges',
        auth_type: 'basic',
        page_size: '100',
        pagination_type: 'cursor',
      },
      options: {
        per_page_param: 'limit',
        cursor_param: 'starting_after',
        params: { limit: '100', 'expand[]': 'data.customer' },
      },
      notes: [],
    });
  });

  const POST = `curl 'https://api.shop.com/v2/orders/search?api_key=query-secret&page=0' -H 'Authorization: Bearer tok-en' -H 'Cookie: s=1' -H 'X-Api-Key: head' -H 'X-Version: 3' -H 'sec-ch-ua: x' --data-raw '{"status":"open"}'`;

  test('a POST with a body, secrets of every kind apart', () => {
    const job = curlJob(POST);
    expect(job).toMatchObject({
      connection: {
        name: 'shop',
        isNew: true,
        values: { base_url: 'https://api.shop.com/v2', auth: { type: 'bearer' } },
        secrets: {
          'auth.token': 'tok-en',
          'headers.Cookie': 's=1',
          'headers.X-Api-Key': 'head',
          'params.api_key': 'query-secret',
        },
      },
      cells: {
        api_endpoint: '/orders/search',
        table_name: 'search',
        pagination_type: 'page_number',
        auth_type: 'bearer',
      },
      options: { method: 'POST', body: { status: 'open' }, base_page: 0, headers: { 'X-Version': '3' } },
    });
    const shown = JSON.stringify([job?.cells, job?.options, job?.connection.values, job?.notes]);
    for (const secret of ['tok-en', 'query-secret', 's=1', '"head"']) expect(shown).not.toContain(secret);
  });

  test('a connection at hand keeps its sign-in', () => {
    const job = curlJob(POST, { other: 'https://api.shop.com', shop: 'https://api.shop.com/v2/' });
    expect(job?.connection).toMatchObject({ name: 'shop', isNew: false, secrets: {} });
    expect(job?.cells).not.toHaveProperty('auth_type');
    expect(job?.notes).toEqual(["The sign-in of shop stays as it is: the command's own was not taken"]);
    expect(JSON.stringify(job)).not.toContain('tok-en');
  });

  test('a browser on Windows', () => {
    const text =
      'curl ^"https://data.example.org/api/v3/Measurements.json?offset=20^&top=50^" ^\r\n  -H ^"accept: application/json^" ^\r\n  -H ^"user-agent: Mozilla/5.0 (X; ^\\^"Y^\\^")^"';
    expect(curlJob(text)).toMatchObject({
      connection: { values: { base_url: 'https://data.example.org/api/v3' }, secrets: {} },
      cells: {
        table_name: 'measurements',
        api_endpoint: '/Measurements.json',
        pagination_type: 'offset',
        page_size: '50',
      },
      options: { limit_param: 'top' },
    });
  });

  test('Basic in a header; a body that no job can send', () => {
    const job = curlJob(`curl -X PUT https://x.example/a -H 'Authorization: Basic YW5uOnDDpHNz' -d 'a=1'`);
    expect(job?.connection).toMatchObject({
      values: { auth: { username: 'ann' } },
      secrets: { 'auth.password': 'päss' },
    });
    expect(job?.notes).toEqual([
      'A job sends GET or POST, not PUT',
      'The body is no JSON object, which is all that a job can send: it was left out',
    ]);
  });
});
