import { afterEach, expect, test } from 'vitest';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import { PipelineBench } from '../../helpers/pipeline.ts';
import { chainedPages, type RestApi, startRestApi } from '../../servers/rest-api.ts';
import { apiConnection, apiJob } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

/** Orders with lines; `count` of them, an hour apart. */
function orders(count: number) {
  return Array.from({ length: count }, (_unused, index) => ({
    id: index + 1,
    createdAt: new Date(Date.UTC(2024, 0, 1, index)).toISOString(),
    amount: index === 3 ? '12345678901234567.89' : `${index}.5`,
    customer: { id: index % 3, tags: index % 2 === 0 ? ['a', 'b'] : [] },
    lines: [{ sku: `S${index}`, qty: index }],
    nothing: null,
  }));
}

/** The page as text, in which amounts are numbers. */
const asNumbers = (page: unknown) => JSON.stringify(page).replace(/"amount":"([\d.]+)"/g, '"amount":$1');

test('nested records become tables, and a second run loads only what is new', async () => {
  let count = 25;
  api = await startRestApi({
    '/orders': async (request, self) => {
      const since = request.query.get('since');
      const rows = orders(count).filter(({ createdAt }) => since === null || createdAt >= since);
      const answer = await chainedPages(rows, 10, (next) => ({
        next: next === null ? null : `?at=${next}${since ? `&since=${since}` : ''}`,
      }))(request, self);
      return { body: asNumbers(answer.body) };
    },
  });
  await using bench = await PipelineBench.open();
  const source = createRestSource(apiConnection(api.url));
  const job = apiJob({
    load_type: 'INCREMENTAL',
    watermark_column: 'createdAt',
    write_disposition: 'merge',
    primary_key: ['id'],
    // Without it the type would follow the digits of each batch: DOUBLE today, DECIMAL tomorrow.
    column_types: { amount: 'decimal(38,9)' },
    pagination_type: 'json_link',
    options: { incremental: { start_param: 'since' } },
  });
  try {
    const first = await bench.run(job, source);
    expect(first).toMatchObject({
      status: 'SUCCESS',
      rows_processed: 25,
      watermark_after: '2024-01-02T00:00:00.000Z',
      pages: 3,
      stop: { reason: 'no_next_link' },
    });
    expect(
      await bench.rows('SELECT id, created_at, amount, customer__id FROM {t} WHERE id IN (1, 4) ORDER BY id'),
    ).toEqual([
      { id: '1', created_at: '2024-01-01 00:00:00+00', amount: '0.500000000', customer__id: '0' },
      { id: '4', created_at: '2024-01-01 03:00:00+00', amount: '12345678901234567.890000000', customer__id: '0' },
    ]);
    expect(await bench.rows('SELECT count(*) AS n FROM {t}', 'orders__lines')).toEqual([{ n: '25' }]);
    expect(await bench.rows('SELECT count(*) AS n FROM {t}', 'orders__customer__tags')).toEqual([{ n: '26' }]);
    count = 27;
    const second = await bench.run(job, source);
    expect(second).toMatchObject({
      status: 'SUCCESS',
      watermark_before: '2024-01-02T00:00:00.000Z',
      watermark_after: '2024-01-02T02:00:00.000Z',
    });
    expect(await bench.rows('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {t}')).toEqual([
      { n: '27', ids: '27' },
    ]);
    expect(api.requests.at(-1)?.query.get('since')).toBe('2024-01-02T00:00:00.000Z');
  } finally {
    await source.close();
  }
});
