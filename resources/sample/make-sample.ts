/**
 * Makes the sample project's workbook and data files beside this script: `node resources/sample/make-sample.ts`.
 * The results are committed; run it again only to change them. The data files do not depend on the day or the machine.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { createWorkbook } from '../../engine/bundle/create-workbook.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { CHECKS, JOBS, SETTINGS } from './sample-rows.ts';

const SAMPLE = import.meta.dirname;
/** What arrives on the next day; laid out like the project, so that copying it over the project brings the news. */
const NEXT_DAY = path.join(SAMPLE, 'next-day');

const CITIES = ['Köln', 'Zürich', 'Gdańsk', 'Århus', 'Málaga', 'Porto'];

await rm(path.join(SAMPLE, 'data'), { recursive: true, force: true });
await rm(NEXT_DAY, { recursive: true, force: true });
const workbook = path.join(SAMPLE, 'ingestion_config.xlsx');
await rm(workbook, { force: true });
await createWorkbook(workbook, { jobs: JOBS, checks: CHECKS, settings: SETTINGS });
await writeStores();
for (const day of ['2026-01-29', '2026-01-30', '2026-01-31']) {
  await writeSales(SAMPLE, day);
  await writeSensors(SAMPLE, day);
}
await writeInventory(SAMPLE, '2026-01-31', 60, 0);
await writeTickets();
await writeExchangeRates();
await writeSales(NEXT_DAY, '2026-02-01');
await writeSensors(NEXT_DAY, '2026-02-01');
await writeInventory(NEXT_DAY, '2026-02-01', 12, 50);

/** CSV with what breaks naive readers: leading zeros, `NA`, quotes, separators and line breaks inside a cell, umlauts. */
async function writeStores(): Promise<void> {
  const rows = [
    ['store_id', 'name', 'postal_code', 'region', 'opened_on', 'note'],
    ...Array.from({ length: 30 }, (_, index) => [
      pad(index + 1, 4),
      `${CITIES[index % CITIES.length]} ${['Mitte', 'Süd', 'am "Alten Markt"', 'Bahnhof; Nord', "St. John's"][index % 5]}`,
      pad((index * 3119) % 100_000, 5),
      index % 6 === 0 ? 'NA' : ['EU-N', 'EU-S', 'EU-W'][index % 3],
      `20${pad(10 + (index % 15), 2)}-${pad(1 + (index % 12), 2)}-15`,
      index % 7 === 0 ? 'Closed on Mondays,\nopen on Sundays' : '',
    ]),
  ];
  await write(SAMPLE, 'data/stores.csv', toCsv(rows));
}

/** A folder a day: `data/sales/2026-01-31/sales.csv`. */
async function writeSales(root: string, day: string): Promise<void> {
  const seed = Number(day.slice(8)) * 31;
  const rows = [
    ['sale_id', 'store_id', 'sold_at', 'sku', 'quantity', 'amount', 'coupon'],
    ...Array.from({ length: 80 }, (_, index) => [
      `${day.replaceAll('-', '')}-${pad(index + 1, 4)}`,
      pad(1 + ((seed + index * 7) % 30), 4),
      `${day} ${pad(8 + Math.floor(index / 8), 2)}:${pad((index * 7) % 60, 2)}:00`,
      pad(((seed + index) * 37 + 5) % 8848, 8),
      String(1 + (index % 4)),
      ((((seed + index) * 7919) % 20_000) / 100).toFixed(2),
      index % 5 === 0 ? `"WINTER", ${day.slice(0, 4)}` : '',
    ]),
  ];
  await write(root, `data/sales/${day}/sales.csv`, toCsv(rows));
}

/** Counts of goods, one row a warehouse and article: later counts take the place of earlier ones. */
async function writeInventory(root: string, day: string, count: number, first: number): Promise<void> {
  const rows = [
    ['warehouse', 'sku', 'quantity', 'counted_on'],
    ...Array.from({ length: count }, (_, index) => [
      ['NORD', 'SÜD'][index % 2],
      pad((first + index) * 37 + 5, 8),
      String((Number(day.slice(8)) * 13 + index * 17) % 500),
      day,
    ]),
  ];
  await write(root, `data/inventory/count_${day}.csv`, toCsv(rows));
}

/** Nested JSON Lines, one file plain and one gzipped; messages and their attachments become child tables. */
async function writeTickets(): Promise<void> {
  const lines = Array.from({ length: 60 }, (_, index) =>
    JSON.stringify({
      ticketId: `T-${pad(index + 1, 5)}`,
      openedAt: `2026-01-${pad(1 + (index % 31), 2)}T${pad(index % 24, 2)}:30:00Z`,
      priority: ['low', 'normal', 'high'][index % 3],
      requester: {
        name: ['Jürgen Weiß', 'Zoë García', 'Łukasz Nowak'][index % 3],
        phone: `0049${pad(index * 7919, 7)}`,
      },
      messages: Array.from({ length: index % 4 }, (_unused, message) => ({
        from: message % 2 === 0 ? 'customer' : 'support',
        text: message === 0 ? 'Hallo,\nmeine Lampe "summt".' : 'Thank you!',
        attachments:
          message === 0 && index % 2 === 0 ? [{ fileName: `photo ${index}.jpg`, sizeBytes: 1000 + index }] : [],
      })),
    }),
  );
  await write(SAMPLE, 'data/tickets/tickets-2026-01a.jsonl', `${lines.slice(0, 40).join('\n')}\n`);
  await write(SAMPLE, 'data/tickets/tickets-2026-01b.jsonl.gz', gzipSync(`${lines.slice(40).join('\n')}\n`));
}

/** Parquet with exact decimals and dates. */
async function writeExchangeRates(): Promise<void> {
  await writeParquet(
    SAMPLE,
    'data/exchange_rates.parquet',
    `SELECT DATE '2026-01-01' + CAST(day AS INTEGER) AS rate_date, currency,
            CAST(base + (day * 13 % 17) / 1000.0 AS DECIMAL(12, 6)) AS rate
       FROM range(31) days(day)
       CROSS JOIN (VALUES ('CHF', 0.935100), ('DKK', 7.460000), ('GBP', 0.842300), ('NOK', 11.703400), ('PLN', 4.214500), ('SEK', 11.021900))
            currencies(currency, base)
      ORDER BY rate_date, currency`,
  );
}

/** One Parquet file a day, with the day in its name and a struct in its rows. */
async function writeSensors(root: string, day: string): Promise<void> {
  await writeParquet(
    root,
    `data/sensors/sensors_${day}.parquet`,
    `SELECT TIMESTAMP '${day} 00:00:00' + to_minutes(CAST(reading * 30 AS INTEGER)) AS measured_at, sensor AS sensor_id,
            round(18 + 4 * sin(reading / 8.0) + sensor, 2) AS temperature,
            CASE WHEN (reading + sensor) % 19 = 0 THEN NULL ELSE CAST(40 + (reading * 7 + sensor) % 25 AS INTEGER) END AS humidity,
            {'building': 'Halle ' || sensor, 'floor': CAST(sensor % 3 AS INTEGER)} AS location
       FROM range(48) readings(reading) CROSS JOIN range(1, 4) sensors(sensor)
      ORDER BY measured_at, sensor_id`,
  );
}

async function writeParquet(root: string, name: string, select: string): Promise<void> {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run(`COPY (${select}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function write(root: string, name: string, content: string | Uint8Array): Promise<void> {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

function toCsv(rows: (string | undefined)[][]): string {
  const cell = (text = '') => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${rows.map((row) => row.map(cell).join(',')).join('\n')}\n`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
