import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server process for bench/api.ts: `/orders?page=N&per_page=M` gives nested records, `process.argv[2]` pages of them, made before the first request. */
const pages = Number(process.argv[2]);
const perPage = Number(process.argv[3]);
const bodies = Array.from({ length: pages }, (_unused, page) =>
  Buffer.from(
    JSON.stringify({
      data: Array.from({ length: perPage }, (_none, row) => record(page * perPage + row + 1)),
      total: pages * perPage,
    }),
  ),
);
const server = http.createServer((request, response) => {
  const page = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('page') ?? 1);
  const body = bodies[page - 1] ?? Buffer.from('{"data":[]}');
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

function record(id: number) {
  return {
    id,
    number: `ORD-${String(id).padStart(8, '0')}`,
    status: ['new', 'paid', 'shipped', 'returned'][id % 4],
    created_at: new Date(1_700_000_000_000 + id * 1000).toISOString(),
    total: (id % 100_000) / 100,
    is_gift: id % 7 === 0,
    note: id % 3 === 0 ? null : `note of order ${id}, with "quotes" and ünïcödé`,
    customer: {
      id: id % 5000,
      name: `Customer ${id % 5000}`,
      address: { city: 'Köln', zip: String(10_000 + (id % 80_000)) },
    },
    discount: { code: `D${id % 50}`, percent: id % 30 },
  };
}
