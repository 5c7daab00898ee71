import { describe, expect, it } from 'vitest';
import { parseColumnType } from '../../engine/spec/column-types.ts';
import { collectSecrets, isSecretKey } from '../../engine/spec/secret-keys.ts';
import { didYouMean, editDistance } from '../../engine/spec/suggest.ts';

describe('didYouMean', () => {
  it.each([
    ['INCREMENT', ['FULL', 'INCREMENTAL'], 'INCREMENTAL'],
    ['ful', ['FULL', 'INCREMENTAL'], 'FULL'],
    ['watermark_colum', ['watermark_column', 'last_watermark'], 'watermark_column'],
    ['Source Nmae', ['source_name', 'source_type'], 'source_name'],
    ['shpo', ['shop', 'api'], 'shop'],
    ['x', ['y', 'n'], null],
    ['nothing like it', ['shop', 'api'], null],
    ['', ['shop'], null],
    ['x'.repeat(500), ['x'.repeat(499)], null],
  ])('%s of %j is %s', (typed, names, expected) => {
    expect(didYouMean(typed, names)).toBe(expected);
  });

  it('counts a swap as one edit, and gives up beyond its limit', () => {
    expect(editDistance('shpo', 'shop')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('kitten', 'sitting', 1)).toBe(2);
  });
});

describe('column types', () => {
  it.each([
    ['bigint', 'BIGINT'],
    ['INT', 'INTEGER'],
    ['decimal(18,2)', 'DECIMAL(18,2)'],
    ['numeric( 38 , 9 )', 'DECIMAL(38,9)'],
    ['decimal', 'DECIMAL(38,9)'],
    ['decimal(5)', 'DECIMAL(5,0)'],
    ['varchar(20)', 'VARCHAR'],
    ['nvarchar(max)', 'VARCHAR'],
    ['double precision', 'DOUBLE'],
    ['timestamp with time zone', 'TIMESTAMP WITH TIME ZONE'],
    ['timestamp(6)', 'TIMESTAMP'],
    ['text[]', 'VARCHAR[]'],
    ['json', 'JSON'],
  ])('%s is %s', (text, type) => {
    expect(parseColumnType(text)).toEqual({ ok: true, type });
  });

  it.each([
    'bigin',
    'decimal(39,2)',
    'decimal(0)',
    'decimal(5,6)',
    'int(4)',
    'varchar(1,2)',
    '',
    'constructor',
    'bigint; DROP TABLE x',
  ])('%j is refused', (text) => {
    expect(parseColumnType(text).ok).toBe(false);
  });
});

describe('secrets', () => {
  it.each([
    [['sources', 'x', 'password'], true],
    [['sources', 'x', 'headers', 'X-Api-Key'], true],
    [['sources', 'x', 'headers', 'Authorization'], true],
    [['sources', 'x', 'azure_storage_sas_token'], true],
    [['sources', 'x', 'credentials'], true],
    [['sources', 'x', 'params', 'sig'], true],
    [['destination', 'duckdb', 'credentials'], false],
    [['sources', 'x', 'token_url'], false],
    [['sources', 'x', 'api_key_name'], false],
    [['sources', 'x', 'cursor_param'], false],
    [['sources', 'x', 'host'], false],
    [['sources', 'x', 'primary_key'], false],
  ])('%j: %s', (path, secret) => {
    expect(isSecretKey(path)).toBe(secret);
  });

  it('collects them by key, by path and out of URLs', () => {
    const found = new Set<string>();
    const config = {
      sources: {
        a: { password: 'one', host: 'plain', credentials: { token: 'two', user: 'plain' } },
        b: {
          bucket_url: 'az://x?sv=1&sig=three',
          base_url: 'https://u:four@host/',
          headers: { 'X-Key': 'plain' },
          list: ['five'],
        },
      },
    };
    collectSecrets(config, [], new Set(['sources.b.list']), found);
    expect([...found].sort()).toEqual(['five', 'four', 'one', 'three', 'two']);
  });
});
