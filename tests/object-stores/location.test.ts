import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { locationBelow, parseLocation } from '../../engine/object-stores/location.ts';

const azure = { kind: 'azure', sas: null };
const parse = (url: string) => parseLocation(url, '/project', 'linux');

describe('bucket_url', () => {
  test.each<[string, object]>([
    ['data', { kind: 'local', folder: resolve('/project/data') }],
    ['sub\\data', { kind: 'local', folder: resolve('/project/sub/data') }],
    [pathToFileURL(resolve('/data x')).href, { kind: 'local', folder: resolve('/data x') }],
    ['az://lake', { ...azure, container: 'lake', prefix: '', account: null, host: null, display: 'az://lake' }],
    ['az://lake/a//b/', { ...azure, container: 'lake', prefix: 'a/b/', display: 'az://lake/a//b' }],
    [
      'ABFSS://lake@acc.dfs.core.windows.net/a/b',
      { ...azure, container: 'lake', prefix: 'a/b/', account: 'acc', host: 'acc.dfs.core.windows.net' },
    ],
    [
      'https://acc.blob.core.windows.net/lake/a%20b?sv=1&sig=S',
      {
        kind: 'azure',
        container: 'lake',
        prefix: 'a b/',
        account: 'acc',
        host: 'https://acc.blob.core.windows.net',
        sas: 'sv=1&sig=S',
        display: 'https://acc.blob.core.windows.net/lake/a%20b',
      },
    ],
    ['s3://bucket/a', { kind: 's3', bucket: 'bucket', prefix: 'a/', display: 's3://bucket/a' }],
    ['s3a://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['gs://bucket/x/y', { kind: 'gcs', bucket: 'bucket', prefix: 'x/y/' }],
    ['gcs://bucket', { kind: 'gcs', bucket: 'bucket' }],
  ])('%s', (url, expected) => {
    expect(parse(url)).toMatchObject(expected);
  });

  test.each([
    ['C:\\data', /Windows path/],
    ['\\\\server\\share', /Windows path/],
    ['ftp://server/x?sig=SECRET', /ftp:\/\/ is no store/],
    ['s3:///x?token=SECRET', /names no container or bucket/],
    ['https://example.com/x?sig=SECRET', /no address of an Azure storage account/],
    ['https://acc.blob.core.windows.net/?sig=SECRET', /names no container/],
    ['file://host/%', /no usable file URL/],
  ])('%s is explained', (url, message) => {
    expect(() => parse(url)).toThrow(message);
    expect(() => parse(url)).not.toThrow(/SECRET/);
    expect(() => parse(url)).toThrow(
      expect.objectContaining({ code: 'OBJECT_STORE_LOCATION', hint: expect.anything() }),
    );
  });

  test('a folder below cannot lead out', () => {
    expect(locationBelow(parse('s3://b/x'), 'a\\b/c')).toMatchObject({ prefix: 'x/a/b/c/', display: 's3://b/x/a/b/c' });
    expect(locationBelow(parse('data'), 'a/b')).toEqual({
      kind: 'local',
      folder: join(resolve('/project/data'), 'a', 'b'),
    });
    for (const folder of ['../other', 'a/../../b', '/etc', 'C:\\x'])
      expect(() => locationBelow(parse('s3://b/x'), folder)).toThrow(/leads out/);
  });
});
