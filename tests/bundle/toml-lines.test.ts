import { expect, test } from 'vitest';
import { tomlLines } from '../../engine/bundle/toml-lines.ts';

test('every key and table has its line', () => {
  const text = `\uFEFF# [not.a.table]
a = 1
"b c".d = 'x = 2'  # [e]

[sources.shop] # here
host = "db # no comment"
text = """
port = 1
""""
port = 5432
list = [
  "]", # ]
  { x = "}" },
]
path = 'C:\\'
[ sources . 'my shop' ]
port = 1
[[steps]]
name = "a \\" b"
[[steps]]
name = "second"`;
  for (const lines of [tomlLines(text), tomlLines(text.replaceAll('\n', '\r\n'))]) {
    expect(Object.fromEntries(lines)).toEqual({
      a: 2,
      'b c': 3,
      'b c.d': 3,
      sources: 5,
      'sources.shop': 5,
      'sources.shop.host': 6,
      'sources.shop.text': 7,
      'sources.shop.port': 10,
      'sources.shop.list': 11,
      'sources.shop.path': 15,
      'sources.my shop': 16,
      'sources.my shop.port': 17,
      steps: 18,
      'steps.name': 19,
    });
  }
});
