import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type CollectionName, NEXT_DAY, recordsAsOf, shopData } from '../../engine/sample-api/shop-data.ts';

/** One fact as the sources, the DuckDB file and the Parquet folder tell it, each as text. */
export interface Total {
  what: string;
  source: string;
  duckdb: string;
  parquet: string;
}

type Query = (sql: string) => Promise<string>;
/** Gives a FROM item for a table that landed. */
type Landed = (table: string) => string;

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;

/**
 * What the demo's project (after its day has passed) must hold, told three times over: by the sources themselves, by the DuckDB file, and by the Parquet files.
 * A DuckDB of its own reads all three; nothing of the engine is involved.
 */
export async function compareTotals(folder: string): Promise<Total[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const query: Query = async (sql) => {
    const reader = await connection.runAndReadAll(sql);
    return String(reader.getRowsJson()[0]?.[0] ?? 'null');
  };
  try {
    await query("SET TimeZone = 'UTC'");
    await query(`ATTACH ${text(path.join(folder, 'output', 'sample.duckdb'))} AS landed (READ_ONLY)`);
    const parquet = await parquetTables(path.join(folder, 'output', 'parquet', 'raw'));
    const inDuckdb: Landed = (table) => `landed.raw.${table}`;
    const inParquet: Landed = (table) => parquet.get(table) ?? `(SELECT 'no such table in Parquet')`;
    const totals: Total[] = [];
    for (const { what, source, landed } of facts(folder, query)) {
      totals.push({
        what,
        source: await source(),
        duckdb: await query(landed(inDuckdb)),
        parquet: await query(landed(inParquet)),
      });
    }
    return totals;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

interface Fact {
  what: string;
  source(): Promise<string>;
  landed(from: Landed): string;
}

function facts(folder: string, query: Query): Fact[] {
  const data = (name: string) => text(path.join(folder, 'data', ...name.split('/')));
  const shop = shopData();
  const records = (name: CollectionName) => recordsAsOf(shop[name], NEXT_DAY);
  const rows = (table: string, source: () => Promise<string>): Fact => ({
    what: `${table}: rows`,
    source,
    landed: (from) => `SELECT count(*) FROM ${from(table)}`,
  });
  const api = (name: CollectionName) => rows(name, async () => String(records(name).length));
  const file = (table: string, from: string) => rows(table, () => query(`SELECT count(*) FROM ${from}`));
  const sales = `read_csv(${data('sales/*/*.csv')}, all_varchar = true)`;
  const inventory = `read_csv(${data('inventory/*.csv')}, all_varchar = true)`;
  return [
    api('countries'),
    api('products'),
    api('customers'),
    api('orders'),
    {
      what: 'orders__lines: rows',
      source: async () => String(orderLines(records('orders')).length),
      landed: (from) => `SELECT count(*) FROM ${from('orders__lines')}`,
    },
    {
      what: 'orders__lines: sum of quantity × unit price',
      source: async () => {
        const sum = orderLines(records('orders')).reduce(
          (total, line) => total + line.quantity * Math.round(line.unitPrice * 100),
          0,
        );
        return (sum / 100).toFixed(2);
      },
      landed: (from) =>
        `SELECT CAST(sum(quantity * CAST(unit_price AS DECIMAL(18, 2))) AS DECIMAL(18, 2)) FROM ${from('orders__lines')}`,
    },
    api('events'),
    {
      what: 'events: greatest sequence (beyond 2^53)',
      source: async () =>
        records('events')
          .reduce((greatest, { sequence }) => ((sequence as bigint) > greatest ? (sequence as bigint) : greatest), 0n)
          .toString(),
      landed: (from) => `SELECT max(sequence) FROM ${from('events')}`,
    },
    api('reviews'),
    {
      what: 'customers: city of no. 8, who moved',
      source: async () => String(records('customers').find(({ id }) => id === 8)?.['city']),
      landed: (from) => `SELECT string_agg(city, ' and ') FROM ${from('customers')} WHERE id = 8`,
    },
    file('stores', `read_csv(${data('stores.csv')}, all_varchar = true)`),
    {
      what: 'stores: postal codes that begin with 0',
      source: () =>
        query(`SELECT count(*) FROM read_csv(${data('stores.csv')}, all_varchar = true) WHERE postal_code LIKE '0%'`),
      landed: (from) => `SELECT count(*) FROM ${from('stores')} WHERE CAST(postal_code AS VARCHAR) LIKE '0%'`,
    },
    file('exchange_rates', `read_parquet(${data('exchange_rates.parquet')})`),
    file(
      'tickets',
      `read_json_auto([${data('tickets/tickets-2026-01a.jsonl')}, ${data('tickets/tickets-2026-01b.jsonl.gz')}], format = 'newline_delimited')`,
    ),
    file('sales', sales),
    {
      what: 'sales: sum of amount',
      source: () => query(`SELECT sum(CAST(amount AS DECIMAL(10, 2))) FROM ${sales}`),
      landed: (from) => `SELECT sum(amount) FROM ${from('sales')}`,
    },
    file('sensor_readings', `read_parquet(${data('sensors/*.parquet')})`),
    file('inventory', `(SELECT DISTINCT warehouse, sku FROM ${inventory})`),
    {
      what: 'inventory: pieces, each article by its latest count',
      source: () =>
        query(
          `SELECT sum(latest) FROM (SELECT arg_max(CAST(quantity AS INTEGER), counted_on) AS latest FROM ${inventory} GROUP BY warehouse, sku)`,
        ),
      landed: (from) => `SELECT sum(quantity) FROM ${from('inventory')}`,
    },
  ];
}

function orderLines(orders: readonly { [key: string]: unknown }[]): { quantity: number; unitPrice: number }[] {
  return orders.flatMap((order) => order['lines'] as { quantity: number; unitPrice: number }[]);
}

/** Table → FROM item over the files that the newest manifest of its target names (docs/DECISIONS.md, 7). */
async function parquetTables(schemaFolder: string): Promise<Map<string, string>> {
  const tables = new Map<string, string>();
  for (const target of await readdir(schemaFolder)) {
    const manifests = path.join(schemaFolder, target, '_manifests');
    const newest = (await readdir(manifests).catch(() => []))
      .filter((name) => /^\d+\.json$/.test(name))
      .sort()
      .at(-1);
    if (newest === undefined) continue;
    const manifest: { tables: { name: string; files: { name: string }[] }[] } = JSON.parse(
      await readFile(path.join(manifests, newest), 'utf8'),
    );
    for (const { name, files } of manifest.tables) {
      const list = files.map((file) => text(path.join(schemaFolder, name, file.name)));
      if (list.length > 0) tables.set(name, `read_parquet([${list.join(', ')}], union_by_name = true)`);
    }
  }
  return tables;
}
