import type { ProjectTexts } from '../helpers/project.ts';
import type { Handler } from '../servers/rest-api.ts';

/** Charges of a made-up account; always the same ones. */
export function charges(count: number): Record<string, unknown>[] {
  let state = 20_261_122;
  const random = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
  const id = (length: number) => Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join('');
  let at = Date.UTC(2026, 10, 22, 13, 41, 8) / 1000;
  return Array.from({ length: count }, (_unused, index) => {
    at -= Math.floor(random() * 240) + 4;
    const amount = Math.floor(random() * random() * 48_000) + 290;
    const status = random() < 0.9 ? 'succeeded' : 'failed';
    return {
      id: `ch_3S${id(14)}`,
      amount,
      currency: ['eur', 'eur', 'gbp', 'sek', 'usd'][Math.floor(random() * 5)],
      status,
      created: at,
      customer: random() < 0.12 ? null : `cus_T${id(9)}`,
      paid: status === 'succeeded',
      description: random() < 0.4 ? null : `Order ${1_048_212 - index * 3}`,
      payment_method_details: { type: 'card', card: { brand: 'visa', last4: String(1000 + (index % 9000)) } },
      metadata: {},
    };
  });
}

/** A cursor API as Stripe's is: `starting_after`, `has_more`, at most 100 records a page. */
export function chargesApi(records: readonly Record<string, unknown>[], token: string): Handler {
  return ({ query, headers }) => {
    if (headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { error: { message: 'Invalid API key' } } };
    const after = query.get('starting_after');
    const at = after === null ? 0 : records.findIndex(({ id }) => id === after) + 1;
    const size = Math.min(Number(query.get('limit') ?? 10), 100);
    const page = records.slice(at, at + size);
    return {
      headers: { 'request-id': 'req_8Zk2' },
      body: { object: 'list', url: '/v1/charges', has_more: at + size < records.length, data: page },
    };
  };
}

/** Offsets with a total; a page holds 100 records at most. */
export function ordersApi(count: number): Handler {
  return ({ query }) => {
    const at = Number(query.get('offset') ?? 0);
    const size = Math.min(Number(query.get('limit') ?? 50), 100);
    const records = Array.from({ length: Math.max(0, Math.min(size, count - at)) }, (_unused, index) => ({
      order_id: at + index + 1,
      status: ['open', 'paid', 'sent'][(at + index) % 3],
      updated_at: new Date(Date.UTC(2026, 0, 1) + (at + index) * 60_000).toISOString(),
      total: (at + index) % 100,
      note: (at + index) % 4 === 0 ? null : 'x',
    }));
    return { body: { items: records, meta: { total: count, offset: at } } };
  };
}

/** A project with three jobs on one API. */
export function apiProject(url: string): ProjectTexts {
  const job = (table_name: string, more: Record<string, string | number> = {}) => ({
    source_type: 'api',
    source_name: 'stripe_api',
    table_name,
    load_type: 'FULL',
    api_endpoint: `/v1/${table_name}`,
    pagination_type: '',
    page_size: '',
    data_selector: '',
    primary_key: '',
    watermark_column: '',
    ...more,
  });
  return {
    jobs: [
      job('charges', { pagination_type: 'cursor', page_size: 100, primary_key: 'id' }),
      job('orders', { pagination_type: 'offset', page_size: 200 }),
      job('events'),
      job('huge'),
      job('missing'),
      job('slow'),
    ],
    settings: { destination: 'dry_run' },
    config: `[sources.stripe_api]
type = "api"
base_url = "${url}"
headers = { Stripe-Version = "2025-10-29" }
rate_limit = { requests_per_second = 10, burst_limit = 10 }

[sources.stripe_api.auth]
type = "bearer"

[sources.stripe_api.resources.charges]
cursor_path = "data[-1].id"
cursor_param = "starting_after"
has_more_path = "has_more"
params = { limit = 100 }

[destinations.dry_run]
type = "duckdb"
path = "output/dry_run.duckdb"
`,
    secrets: `[sources.stripe_api.auth]
token = "${TOKEN}"
`,
  };
}

export const TOKEN = 'sk-test-4eC39HqLyjWDarjtT1zdp7dc';
