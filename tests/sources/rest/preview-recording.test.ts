import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import { Recorder, type Recording, readRecording, writeRecording } from '../../../engine/recording/recording.ts';
import { createReplay } from '../../../engine/recording/replay.ts';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import type { Preview, PreviewLimits } from '../../../engine/sources/source.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { chainedPages, numberedPages, offsetPages, type RestApi, rows, startRestApi } from '../../servers/rest-api.ts';
import { apiConnection, apiJob, fastClock, type JobValues, readRequest } from './rest-reader.ts';

let api: RestApi | null = null;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'recording-'));
});
afterEach(async () => {
  await api?.close();
  api = null;
  await rm(folder, { recursive: true, force: true });
});

async function preview(
  url: string,
  job: JobValues,
  limits: Partial<PreviewLimits> = {},
  connection: Record<string, unknown> = {},
  jobs: Job[] = [],
): Promise<Preview> {
  const workspace = await Workspace.open({
    memoryLimitMiB: 128,
    threads: 1,
    tempDirectory: path.join(folder, 'duckdb'),
  });
  const source = createRestSource(apiConnection(url, connection), { clock: fastClock(), jobs });
  try {
    const context = {
      workspace,
      spoolDirectory: folder,
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    };
    return await source.preview(readRequest(apiJob(job)), context, { pages: 5, rows: 100, ...limits });
  } finally {
    await source.close();
    workspace.close();
  }
}

/** Previews online, closes the server, writes and reads the file, and gives it back with what was seen. */
async function record(
  job: JobValues,
  connection: Record<string, unknown> = {},
  jobs: Job[] = [],
): Promise<{ seen: Preview; file: string; recording: Recording }> {
  const server = api as RestApi;
  const recorder = new Recorder();
  const seen = await preview(server.url, job, { recorder }, connection, jobs);
  const file = path.join(folder, 'orders.recording.json');
  await writeRecording(file, recorder.recording({ job: 'shop.orders', baseUrl: server.url, now: new Date(0) }));
  await server.close();
  api = null;
  return { seen, file, recording: await readRecording(file) };
}

/** Durations are the server's mood. */
function withoutTimes(shown: Preview): unknown {
  const { replayed: _replayed, ...rest } = shown;
  return rest;
}

describe('a recording', () => {
  test.each<[string, JobValues, Parameters<typeof startRestApi>[0]]>([
    ['offset', { pagination_type: 'offset', page_size: 10 }, { '/orders': offsetPages(rows(25)) }],
    [
      'page_number with its probe',
      { pagination_type: 'page_number', page_size: 10 },
      { '/orders': numberedPages(rows(25), { beyond: 'not_found' }) },
    ],
    [
      'cursor',
      { pagination_type: 'cursor' },
      { '/orders': chainedPages(rows(25), 10, (next) => ({ next_cursor: next })) },
    ],
    [
      'json_link',
      { pagination_type: 'json_link' },
      {
        '/orders': chainedPages(rows(25), 10, (next, _page, { path: at }) => ({
          next: next === null ? null : `${at}?at=${next}`,
        })),
      },
    ],
    [
      'a cursor that is called token',
      { pagination_type: 'cursor', options: { cursor_path: 'token', cursor_param: 'token' } },
      {
        '/orders': ({ query }) => {
          const at = Number((query.get('token') ?? 'page-0').slice(5));
          return { body: { data: rows(25).slice(at, at + 10), token: at + 10 < 25 ? `page-${at + 10}` : null } };
        },
      },
    ],
  ])('gives the same preview again without a network: %s', async (_name, job, routes) => {
    api = await startRestApi(routes);
    const url = api.url;
    const { seen, recording } = await record(job);
    const again = await preview(url, job, { replay: createReplay(recording) });
    expect(again.replayed).toBe(true);
    if (_name.startsWith('a cursor that')) {
      expect(again.pages.map(({ records }) => records)).toEqual(seen.pages.map(({ records }) => records));
      expect(again.stop).toEqual(seen.stop);
    } else expect(withoutTimes(again)).toEqual(withoutTimes(seen));
  });

  test('of a child resource holds what was asked of its parent', async () => {
    api = await startRestApi({
      '/users': ({ query }) => ({ body: { data: [{ id: 7 }, { id: 8 }], next: query.has('p') ? null : '/users?p=2' } }),
      '/users/7/posts': offsetPages(rows(15)),
      '/users/8/posts': offsetPages(rows(3)),
    });
    const { url } = api;
    const job: JobValues = {
      table_name: 'posts',
      api_endpoint: '/users/{resources.users.id}/posts',
      pagination_type: 'offset',
      page_size: 10,
    };
    const jobs = [apiJob({ table_name: 'users', pagination_type: 'json_link' })];
    const { seen, recording } = await record(job, {}, jobs);
    expect(seen.pages.map(({ record_count }) => record_count)).toEqual([10, 5, 0]);
    await rm(path.join(folder, 'parents-of-1.ndjson'));
    const again = await preview(url, job, { replay: createReplay(recording) }, {}, jobs);
    expect(withoutTimes(again)).toEqual(withoutTimes(seen));
  });

  test('holds no secret: headers, query, body, response, tokens learned', async () => {
    api = await startRestApi({
      '/token': () => ({ body: { access_token: 'learned-token-1', expires_in: 3600 } }),
      '/orders': ({ headers, url }) => ({
        headers: { 'set-cookie': 'session=cookie-value' },
        body: {
          data: [{ id: 1, echo: `${headers.authorization} ${url}`, password: 'in-a-record' }],
          next: '/orders?api_key=in-a-link&page=2',
        },
      }),
    });
    const { file } = await record(
      {
        auth_type: 'oauth2',
        options: {
          method: 'POST',
          headers: { 'X-Api-Key': 'header-value' },
          params: { sig: 'query-value', plain: 'seen' },
          body: { password: 'body-value', q: 'kept' },
        },
      },
      { auth: { type: 'oauth2', token_url: `${api.url}/token`, client_id: 'me', client_secret: 'client-secret-1' } },
    );
    const text = await readFile(file, 'utf8');
    for (const secret of [
      'learned-token-1',
      'cookie-value',
      'in-a-record',
      'in-a-link',
      'header-value',
      'query-value',
      'body-value',
      'client-secret-1',
    ])
      expect(text).not.toContain(secret);
    for (const kept of ['plain=seen', 'kept', 'page=2', '"version": 1']) expect(text).toContain(kept);
  });

  test('with other settings of the selector it shows other records; an unrecorded request says so', async () => {
    api = await startRestApi({ '/orders': () => ({ body: { a: rows(3), b: rows(2), next: '/more' } }) });
    const url = api.url;
    const { seen, recording } = await record({ data_selector: 'a' });
    expect(seen.pages[0]?.records).toHaveLength(3);
    const other = await preview(url, { data_selector: 'b' }, { replay: createReplay(recording) });
    expect(other.pages[0]?.records).toHaveLength(2);
    const more = await preview(
      url,
      { data_selector: 'a', pagination_type: 'json_link' },
      { replay: createReplay(recording) },
    );
    expect(more.pages).toHaveLength(1);
    expect(more.failure).toMatchObject({
      code: 'RECORDING_MISSES_REQUEST',
      message: expect.stringContaining('holds no answer to GET /more'),
      hint: expect.stringContaining('It has 1 request: /orders'),
    });
    await expect(
      preview(url, { api_endpoint: '/customers' }, { replay: createReplay(recording) }),
    ).rejects.toMatchObject({
      code: 'RECORDING_MISSES_REQUEST',
    });
  });

  test('digits of long numbers survive', async () => {
    api = await startRestApi({ '/orders': () => ({ body: '[{"id": 12345678901234567890, "rate": 0.10}]' }) });
    const url = api.url;
    const { recording } = await record({});
    const again = await preview(url, {}, { replay: createReplay(recording) });
    expect(again.pages[0]?.records).toEqual([{ id: '12345678901234567890', rate: 0.1 }]);
    expect(again.pages[0]?.response?.body?.cuts).toEqual({ '/0/id': { kind: 'number' } });
  });

  test.each<[string, string, string]>([
    ['no JSON', '{', 'RECORDING_INVALID'],
    ['another file', '{"a": 1}', 'RECORDING_INVALID'],
    ['a newer one', '{"format": "ingest-studio-recording", "version": 99}', 'RECORDING_TOO_NEW'],
    ['a damaged one', '{"format": "ingest-studio-recording", "version": 1, "exchanges": 3}', 'RECORDING_INVALID'],
  ])('%s is refused', async (_name, text, code) => {
    const file = path.join(folder, 'x.json');
    await writeFile(file, text);
    await expect(readRecording(file)).rejects.toMatchObject({ code });
  });

  test('nothing, and nothing there', async () => {
    await expect(readRecording(path.join(folder, 'none.json'))).rejects.toMatchObject({ code: 'RECORDING_NOT_FOUND' });
    expect(() => new Recorder().recording({ job: 'a', baseUrl: 'http://x', now: new Date() })).toThrow(
      /nothing to record/,
    );
  });
});

describe('what a preview warns of', () => {
  const codes = ({ warnings }: Preview) => warnings.map(({ code }) => code);

  test('a page size that the server caps', async () => {
    api = await startRestApi({ '/orders': offsetPages(rows(500), { cap: 50 }) });
    const shown = await preview(api.url, { pagination_type: 'offset', page_size: 200 }, { pages: 3 });
    expect(codes(shown)).toEqual(['API_PAGE_SIZE_CAPPED']);
    expect(shown.warnings[0]?.message).toBe(
      'The server caps a page at 50 records: 200 asked for, 50 on each of 3 pages. Nothing is lost, but a run makes 4 times the requests.',
    );
  });

  test('one page though there is a paginator, and a total that says more', async () => {
    api = await startRestApi({ '/orders': () => ({ body: { data: rows(10), total: 35 } }) });
    const shown = await preview(api.url, { pagination_type: 'cursor' });
    expect(codes(shown)).toEqual(expect.arrayContaining(['API_ONE_PAGE', 'API_TOTAL_NOT_REACHED']));
  });

  test('repeated pages', async () => {
    api = await startRestApi({ '/orders': ({ number }) => ({ body: { data: rows(10), next_cursor: `c${number}` } }) });
    const shown = await preview(api.url, { pagination_type: 'cursor' }, { pages: 3 });
    expect(shown.warnings).toContainEqual(
      expect.objectContaining({ code: 'API_PAGE_REPEATED', message: 'Page 2 has the same records as page 1.' }),
    );
  });

  test('a single_page job whose response shows more', async () => {
    api = await startRestApi({
      '/orders': () => ({ headers: { link: '</orders?page=2>; rel="next"' }, body: rows(30) }),
    });
    const shown = await preview(api.url, {});
    expect(codes(shown)).toContain('API_MORE_PAGES');
    expect(shown.detected.pagination_type).toMatchObject({ value: 'header_link', in_use: false });
  });

  test('a key that repeats', async () => {
    api = await startRestApi({ '/orders': () => ({ body: [{ id: 1 }, { id: 1 }, { id: null }] }) });
    const shown = await preview(api.url, { primary_key: ['id'] });
    expect(shown.warnings).toContainEqual(
      expect.objectContaining({
        code: 'API_KEY_NOT_UNIQUE',
        message: expect.stringContaining('of 3 records 1 have none, 1 have one'),
      }),
    );
  });

  test('a response without records is shown with what is wrong and what there is', async () => {
    api = await startRestApi({ '/orders': () => ({ body: { rows: rows(4), others: rows(2) } }) });
    const shown = await preview(api.url, { data_selector: 'nothing' });
    expect(shown.failure).toMatchObject({ code: 'API_SELECTOR_NOT_FOUND' });
    expect(shown.pages[0]?.response?.body?.value).toEqual({ rows: rows(4), others: rows(2) });
    expect(shown.detected.data_selector).toMatchObject({ value: 'rows', in_use: false });
  });

  test('a page of many megabytes is cut, and says where', async () => {
    const fat = rows(60_000).map((row) => ({ ...row, text: 'x'.repeat(500) }));
    api = await startRestApi({ '/orders': () => ({ body: { data: fat, next_cursor: null } }) });
    const shown = await preview(api.url, {});
    const body = shown.pages[0]?.response?.body;
    expect(shown.pages[0]?.response?.bytes).toBeGreaterThan(30_000_000);
    expect(JSON.stringify(body).length).toBeLessThan(2_000_000);
    expect(body?.cuts['/data']).toEqual({ kind: 'list', total: 60_000 });
    expect(body?.value).toMatchObject({ next_cursor: null });
    expect(shown.pages[0]).toMatchObject({ record_count: 60_000 });
    expect(shown.pages[0]?.records).toHaveLength(100);
  });
});
