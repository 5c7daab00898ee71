import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SampleApi, startSampleApi } from '../../engine/sample-api/sample-api.ts';
import { FIRST_HISTORY_ENDS, NEXT_DAY, shopData } from '../../engine/sample-api/shop-data.ts';

let api: SampleApi;
beforeAll(async () => {
  api = await startSampleApi();
});
afterAll(() => api.close());

interface Answer {
  status: number;
  link: string | null;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shapes differ by endpoint, and that is what is tested
  body: any;
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(new URL(path, api.url));
  const text = await response.text();
  return { status: response.status, link: response.headers.get('link'), text, body: JSON.parse(text) };
}

/** Follows a pagination by hand; gives the ids in the order of reading. */
async function walk(
  first: string,
  step: (answer: Answer) => { records: { id: number }[]; next: string | null },
): Promise<number[]> {
  const ids: number[] = [];
  for (let next: string | null = first; next !== null; ) {
    const page = step(await get(next));
    ids.push(...page.records.map(({ id }) => id));
    next = page.next;
    if (ids.length > 10_000) throw new Error('endless');
  }
  return ids;
}

describe('each pagination serves every record once', () => {
  test('single_page', async () => {
    const { body } = await get('/countries');
    expect(body).toHaveLength(24);
    expect(body.find((country: { code: string }) => country.code === 'AT').nativeName).toBe('Österreich');
  });

  test('offset ends where total says', async () => {
    let offset = 0;
    const ids = await walk('/products?limit=70&offset=0', ({ body }) => {
      offset += body.data.length;
      return { records: body.data, next: offset < body.total ? `/products?limit=70&offset=${offset}` : null };
    });
    expect(ids).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
    expect((await get('/products?limit=70&offset=240')).body.data).toEqual([]);
  });

  test('page_number', async () => {
    let page = 1;
    const ids = await walk('/customers?per_page=50', ({ body }) => {
      page += 1;
      return { records: body.customers, next: page <= body.total_pages ? `/customers?per_page=50&page=${page}` : null };
    });
    expect(new Set(ids).size).toBe(183);
    expect(ids).toHaveLength(183);
  });

  test('header_link', async () => {
    const ids = await walk('/orders?limit=40', ({ body, link }) => ({
      records: body,
      next: link === null ? null : (/^<([^>]+)>; rel="next"$/.exec(link)?.[1] ?? 'not a link'),
    }));
    expect(new Set(ids).size).toBe(154);
    expect(ids).toHaveLength(154);
  });

  test('json_link', async () => {
    const ids = await walk('/reviews?limit=50', ({ body }) => ({ records: body.items, next: body.links.next }));
    expect(ids).toEqual(Array.from({ length: 130 }, (_, index) => index + 1));
  });

  test('cursor, with integers that a JavaScript number cannot hold', async () => {
    const sequences: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { text, body }: Answer = await get(`/events?limit=100&cursor=${cursor}`);
      sequences.push(...[...text.matchAll(/"sequence":(\d+)/g)].map((match) => match[1] as string));
      cursor = body.next_cursor;
    }
    expect(sequences).toHaveLength(425);
    expect(new Set(sequences).size).toBe(425);
    expect(sequences[0]).toBe('9007199254740993');
  });
});

test('as_of and updated_since show what is new on a day, and nothing else', async () => {
  const before = await get(`/customers?per_page=1000&as_of=${FIRST_HISTORY_ENDS}`);
  const after = await get(`/customers?per_page=1000&as_of=${NEXT_DAY}`);
  const news = await get(`/customers?per_page=1000&as_of=${NEXT_DAY}&updated_since=${NEXT_DAY}T00:00:00Z`);
  expect(before.body.customers).toHaveLength(180);
  expect(after.body.customers).toHaveLength(183);
  expect(news.body.customers.map(({ id }: { id: number }) => id)).toEqual([8, 42, 181, 182, 183]);
  const city = (answer: Answer) => answer.body.customers.find(({ id }: { id: number }) => id === 8).city;
  expect(city(after)).toBe('Düsseldorf');
  expect(city(before)).not.toBe('Düsseldorf');
  // The boundary is inclusive, as an incremental job expects it.
  const last = before.body.customers.at(-1).updatedAt;
  const boundary = await get(`/customers?per_page=1000&as_of=${FIRST_HISTORY_ENDS}&updated_since=${last}`);
  expect(boundary.body.customers.length).toBeGreaterThan(0);
});

test('the data are the same at every call', () => {
  const asText = () => JSON.stringify(shopData(), (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
  expect(asText()).toBe(asText());
});

test.each([
  ['/nothing', 404],
  ['/products?offset=-1', 400],
  ['/products?limit=0', 400],
  ['/customers?page=0', 400],
  ['/customers?updated_since=yesterday', 400],
  ['/events?cursor=made-up', 400],
])('%s is refused with %i and a reason', async (path, status) => {
  const answer = await get(path);
  expect(answer.status).toBe(status);
  expect(answer.body.error).not.toBe('');
});

test('it lists its endpoints, takes GET only, and is gone once closed', async () => {
  expect((await get('/')).body.endpoints).toContain('/orders');
  expect((await fetch(new URL('/orders', api.url), { method: 'POST' })).status).toBe(405);
  const other = await startSampleApi();
  await other.close();
  await expect(fetch(other.url)).rejects.toThrow();
});
