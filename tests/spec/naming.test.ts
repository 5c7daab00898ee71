import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { joinNames, normalizeName, normalizeNames, normalizePath } from '../../engine/spec/naming.ts';
import { shake128, utf8 } from '../../engine/spec/shake128.ts';

describe('normalizeName', () => {
  // The first block is spec section 3; the others are the cases that dlt documents for its snake_case convention.
  it.each([
    ['createdAt', 'created_at'],
    ['HTTPStatus', 'http_status'],
    ['2fa', '_2fa'],
    ['a__b', 'a_b'],
    ['event_value', 'event_value'],
    ['event value', 'event_value'],
    ['event-.!:*<>value', 'event_x_value'],
    ["1event_n'", '_1event_nx'],
    ["123event_n'", '_123event_nx'],
    ['123BaNaNa', '_123_ba_na_na'],
    ['BANANA', 'banana'],
    ['BAN_ANA', 'ban_ana'],
    ['BANaNA', 'ba_na_na'],
    ['Small Love Potion', 'small_love_potion'],
    [' Small Love Potion ', 'small_love_potion'],
    ['BANANA_', 'bananax'],
    ['BANANA____', 'bananaxxxx'],
    ['+-!$*@#=|:', 'x_xa_lx'],
    ['+1', 'x1'],
    ['-1', '_1'],
    ['+-*@|', 'x_xal'],
    ['event__value_value2____', 'event_value_value2xxxx'],
    ['Größe', 'gr_e'],
    ['_dlt_id', '_dlt_id'],
    ['sales.orders', 'sales_orders'],
    ['!!!', 'x'],
    ['٣abc', '_٣abc'],
  ])('%s → %s', (name, expected) => {
    expect(normalizeName(name)).toBe(expected);
  });

  it("cuts a long name in its middle, where dlt's tag of the whole name stands", () => {
    // The tag is base64 of 4 bytes of SHAKE-128, lower case: computed here by another implementation.
    const tag = (name: string) =>
      createHash('shake128', { outputLength: 4 })
        .update(name)
        .digest('base64')
        .replace(/=+$/, '')
        .replaceAll('/', 'a')
        .replaceAll('+', 'b')
        .toLowerCase();
    for (const name of ['a'.repeat(40), 'HTTPStatus'.repeat(9), 'ü'.repeat(70), `${'x'.repeat(200)}😀`]) {
      const whole = normalizeName(name);
      const cut = normalizeName(name, 21);
      expect(cut).toBe(whole.length <= 21 ? whole : whole.slice(0, 8) + tag(name) + whole.slice(-7));
      expect(cut.length).toBeLessThanOrEqual(21);
    }
    expect(normalizeName('a'.repeat(40), 20)).toBe('aaaaaaamrdoxwaaaaaaa');
    expect(normalizeName('a'.repeat(20), 20)).toBe('a'.repeat(20));
  });

  it('gives long names that differ in their middle different names', () => {
    const long = (letter: string) => `${'a'.repeat(30)}${letter}${'a'.repeat(30)}`;
    expect(normalizeName(long('b'), 30)).not.toBe(normalizeName(long('c'), 30));
  });
});

describe('paths', () => {
  it('joins the parts of a nested path', () => {
    expect(normalizePath(['orderLines', 'unitPrice'])).toBe('order_lines__unit_price');
    expect(normalizePath(['order__lines', ' ', 'price'])).toBe('order_lines__price');
    expect(joinNames(['orders', 'lines'])).toBe('orders__lines');
  });

  it('cuts the whole path, each part cut before', () => {
    const path = joinNames(['a'.repeat(15), 'b'.repeat(15)], 20);
    expect(path).toHaveLength(20);
    expect(path.startsWith('aaaaaaa')).toBe(true);
    expect(path.endsWith('bbbbbbb')).toBe(true);
  });
});

describe('normalizeNames', () => {
  it('finds names that fall together, also by case alone', () => {
    const { normalized, collisions } = normalizeNames(['id', 'userId', 'user_id', 'ID', 'name']);
    expect(normalized).toEqual(['id', 'user_id', 'user_id', 'id', 'name']);
    expect(collisions).toEqual([
      { normalized: 'id', names: ['id', 'ID'] },
      { normalized: 'user_id', names: ['userId', 'user_id'] },
    ]);
  });

  it('finds none in names that stay apart', () => {
    expect(normalizeNames(['a', 'b_', 'b']).collisions).toEqual([]);
  });
});

describe('shake128', () => {
  it('agrees with Node at every length around a block', () => {
    for (let length = 0; length < 400; length += 7) {
      const text = 'é'.repeat(length / 2) + 'x'.repeat(length % 2);
      const expected = createHash('shake128', { outputLength: 32 }).update(text).digest('hex');
      expect(Buffer.from(shake128(utf8(text), 32)).toString('hex')).toBe(expected);
    }
  });

  it('encodes text as TextEncoder does', () => {
    for (const text of ['', 'aé€😀', '\ud800x', 'x\udfff'])
      expect([...utf8(text)]).toEqual([...new TextEncoder().encode(text)]);
  });
});
