import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { offsetPages, type RestApi, rows, startRestApi } from '../servers/rest-api.ts';
import { startService } from './service-harness.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

async function shopProject(values: object = {}) {
  const harness = await startService();
  const { directory } = await harness.call('project.create', {
    directory: path.join(harness.folder, 'shop'),
    name: 'shop',
  });
  await harness.call('connection.save', {
    directory,
    env: null,
    section: 'sources',
    previous_name: null,
    connection: { name: 'shop', type: 'api', values: { base_url: (api as RestApi).url, ...values }, secrets: {} },
  });
  const row = { source_type: 'api', source_name: 'shop', table_name: 'orders', load_type: 'FULL' };
  return { harness, directory, row };
}

test('previews a row with options that are not saved, records it, and replays it without the API', async () => {
  api = await startRestApi({ '/orders': offsetPages(rows(25)) });
  const { harness, directory, row } = await shopProject();
  try {
    const asked = { directory, env: null, row: { ...row, pagination_type: 'offset', page_size: '10' } };
    const shown = await harness.call('job.preview', {
      ...asked,
      options: { limit_param: 'size', params: { open: true } },
    });
    expect(shown.pages[0]?.request).toMatchObject({ url: `${api.url}/orders?open=true&size=10&offset=0` });
    const good = await harness.call('job.preview', asked);
    expect(good.pages.map(({ records }) => records.length)).toEqual([10, 10, 5, 0]);
    const file = path.join(harness.folder, 'orders.recording.json');
    const saved = await harness.call('preview.save_recording', { preview: good.recording as string, file });
    expect(saved).toEqual({ file, requests: 4 });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      version: 1,
      job: 'shop.orders',
      base_url: api.url,
    });
    const asks = api.requests.length;
    const again = await harness.call('job.preview', { ...asked, replay: file });
    expect(again).toMatchObject({ replayed: true, recording: null });
    expect(again.pages.map(({ records }) => records)).toEqual(good.pages.map(({ records }) => records));
    expect(api.requests).toHaveLength(asks);
    const other = await harness.failure('preview.save_recording', { preview: 'x', file });
    expect(other.code).toBe('PREVIEW_FORGOTTEN');
    const foreign = await harness.failure(
      'preview.save_recording',
      { preview: good.recording as string, file },
      'another',
    );
    expect(foreign.code).toBe('PREVIEW_FORGOTTEN');
  } finally {
    await harness[Symbol.asyncDispose]();
  }
});

test('a page of 100 MB and records with huge values stay small on the way to a window', async () => {
  const record = `{"id":1,"text":"${'x'.repeat(10_000)}","list":[${'1,'.repeat(5000)}1]}`;
  const body = Buffer.from(`{"data":[${`${record},`.repeat(5000)}${record}],"next":null}`);
  expect(body.length).toBeGreaterThan(95_000_000);
  api = await startRestApi({ '/orders': () => ({ body }) });
  const { harness, directory, row } = await shopProject();
  try {
    const shown = await harness.call('job.preview', { directory, env: null, row, rows: 1000 });
    expect(shown.pages[0]?.record_count).toBe(5001);
    expect(shown.recording).toBeNull();
    expect(JSON.stringify(shown).length).toBeLessThan(6_500_000);
    expect(shown.pages[0]?.response?.body?.cuts['/data']).toMatchObject({ kind: 'list', total: 5001 });
  } finally {
    await harness[Symbol.asyncDispose]();
  }
});
