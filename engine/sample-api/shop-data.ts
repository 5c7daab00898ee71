/**
 * The sample shop: small, deterministic and awkward on purpose. It holds what ingestion gets wrong elsewhere: leading zeros, umlauts, integers beyond 2^53,
 * nulls, nested objects and lists, and records that change later.
 */

/** A JSON value as the shop serves it; a bigint is written with all its digits. */
export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonRecord = { [key: string]: JsonValue };

/** The last day of the shop's first history; {@link NEXT_DAY} brings what is new. */
export const FIRST_HISTORY_ENDS = '2026-01-31';
export const NEXT_DAY = '2026-02-01';

export interface Collection {
  /** Unique field of a record. */
  key: string;
  /** Field that tells when a record changed last (ISO 8601, UTC); null where records never change. */
  changedAt: string | null;
  /** Records in order; a later one with the same key takes the place of the earlier. */
  versions: JsonRecord[];
}

export type CollectionName = 'countries' | 'products' | 'customers' | 'orders' | 'events' | 'reviews';

/** All collections of the shop. The same on every machine and every call. */
export function shopData(): Record<CollectionName, Collection> {
  return {
    countries: { key: 'code', changedAt: null, versions: COUNTRIES.map(country) },
    products: { key: 'id', changedAt: null, versions: range(240).map(product) },
    customers: {
      key: 'id',
      changedAt: 'updatedAt',
      versions: [
        ...range(180).map((index) => customer(index, momentInJanuary(index, 180))),
        // The next day: two customers moved, three are new.
        { ...customer(7, `${NEXT_DAY}T08:05:00Z`), city: 'Düsseldorf' },
        { ...customer(41, `${NEXT_DAY}T08:40:00Z`), city: 'Český Krumlov' },
        ...range(3).map((index) => customer(180 + index, `${NEXT_DAY}T09:1${index}:00Z`)),
      ],
    },
    orders: {
      key: 'id',
      changedAt: 'updatedAt',
      versions: [
        ...range(150).map((index) => order(index, momentInJanuary(index, 150), index % 9 === 0 ? 'open' : 'shipped')),
        // The next day: an open order is shipped, four are new.
        order(9, `${NEXT_DAY}T10:00:00Z`, 'shipped'),
        ...range(4).map((index) => order(150 + index, `${NEXT_DAY}T11:2${index}:00Z`, 'open')),
      ],
    },
    events: {
      key: 'sequence',
      changedAt: 'occurredAt',
      versions: [
        ...range(400).map((index) => event(index, momentInJanuary(index, 400))),
        ...range(25).map((index) => event(400 + index, `${NEXT_DAY}T12:00:${pad(index, 2)}Z`)),
      ],
    },
    reviews: { key: 'id', changedAt: null, versions: range(130).map(review) },
  };
}

/** The records of a collection as they stood at the end of a day: one a key, in order of their last change. */
export function recordsAsOf(collection: Collection, day: string): JsonRecord[] {
  const { key, changedAt } = collection;
  if (changedAt === null) return collection.versions;
  const latest = new Map<JsonValue | undefined, JsonRecord>();
  for (const record of collection.versions) {
    if (String(record[changedAt]).slice(0, 10) > day) continue;
    latest.delete(record[key]);
    latest.set(record[key], record);
  }
  return [...latest.values()].sort((one, other) => compare(String(one[changedAt]), String(other[changedAt])));
}

const COUNTRIES: [code: string, name: string, nativeName: string, callingCode: string, euro: boolean][] = [
  ['AT', 'Austria', 'Österreich', '0043', true],
  ['BE', 'Belgium', 'België', '0032', true],
  ['CH', 'Switzerland', 'Schweiz', '0041', false],
  ['CZ', 'Czechia', 'Česko', '00420', false],
  ['DE', 'Germany', 'Deutschland', '0049', true],
  ['DK', 'Denmark', 'Danmark', '0045', false],
  ['EE', 'Estonia', 'Eesti', '00372', true],
  ['ES', 'Spain', 'España', '0034', true],
  ['FI', 'Finland', 'Suomi', '00358', true],
  ['FR', 'France', 'France', '0033', true],
  ['GR', 'Greece', 'Ελλάδα', '0030', true],
  ['HU', 'Hungary', 'Magyarország', '0036', false],
  ['IE', 'Ireland', 'Éire', '00353', true],
  ['IS', 'Iceland', 'Ísland', '00354', false],
  ['IT', 'Italy', 'Italia', '0039', true],
  ['LT', 'Lithuania', 'Lietuva', '00370', true],
  ['LV', 'Latvia', 'Latvija', '00371', true],
  // Namibia's code is the text that spreadsheets and CSV readers like to turn into "nothing".
  ['NA', 'Namibia', 'Namibia', '00264', false],
  ['NL', 'Netherlands', 'Nederland', '0031', true],
  ['NO', 'Norway', 'Norge', '0047', false],
  ['PL', 'Poland', 'Polska', '0048', false],
  ['PT', 'Portugal', 'Portugal', '00351', true],
  ['SE', 'Sweden', 'Sverige', '0046', false],
  ['TR', 'Türkiye', 'Türkiye', '0090', false],
];

const FIRST_NAMES = [
  'Ada',
  'Björn',
  'Chloé',
  'Dörte',
  'Émile',
  'Françoise',
  'Günther',
  'Håkon',
  'Inês',
  'Jürgen',
  'Łukasz',
  'Zoë',
];
const LAST_NAMES = [
  'Müller',
  "O'Brien",
  'Søndergaard',
  'Nowak',
  'García',
  'Weiß',
  'de Vries',
  'Šimek',
  'Papadopoulou',
  'Lindqvist',
];
const CITIES = ['Köln', 'Zürich', 'Gdańsk', 'Århus', 'Málaga', 'Porto', 'Wien', 'Łódź', 'Nice', 'Graz'];
const ADJECTIVES = ['Sturdy', 'Quiet', 'Folding', 'Bright', 'Small', 'Heavy', 'Spare', 'Soft'];
const THINGS = ['lamp', 'chair', 'kettle', 'drill', 'notebook', 'bicycle bell', 'desk', 'umbrella', 'mug', 'hammer'];
const EVENT_TYPES = ['page_view', 'add_to_cart', 'checkout', 'search', 'login'];

function country([code, name, nativeName, callingCode, euro]: (typeof COUNTRIES)[number]): JsonRecord {
  return { code, name, nativeName, callingCode, euro };
}

function product(index: number): JsonRecord {
  return {
    id: index + 1,
    sku: pad(index * 37 + 5, 8),
    name: `${pick(ADJECTIVES, index)} ${pick(THINGS, index * 3 + 1)}`,
    price: cents(199 + ((index * 7919) % 24_000)),
    currency: 'EUR',
    discontinued: index % 17 === 0,
    dimensions: { widthMm: 40 + ((index * 13) % 900), heightMm: 20 + ((index * 29) % 700) },
    tags: range(index % 4).map((tag) => pick(['new', 'sale', 'eco', 'gift', 'heavy'], index + tag)),
  };
}

function customer(index: number, updatedAt: string): JsonRecord {
  const first = pick(FIRST_NAMES, index * 5);
  const last = pick(LAST_NAMES, index * 3);
  return {
    id: index + 1,
    customerNumber: pad(index + 1, 6),
    name: `${first} ${last}`,
    email: index % 11 === 3 ? null : `customer.${pad(index + 1, 6)}@example.com`,
    city: pick(CITIES, index * 7),
    countryCode: (pick(COUNTRIES, index * 11) as (typeof COUNTRIES)[number])[0],
    creditLimit: index % 6 === 0 ? null : cents(50_000 + ((index * 104_729) % 900_000)),
    updatedAt,
  };
}

function order(index: number, updatedAt: string, status: string): JsonRecord {
  return {
    id: 10_001 + index,
    customerId: ((index * 31) % 180) + 1,
    status,
    shippingAddress: { city: pick(CITIES, index * 3), postalCode: pad((index * 977) % 100_000, 5) },
    lines: range(1 + (index % 4)).map((line) => ({
      productId: ((index * 17 + line * 53) % 240) + 1,
      quantity: 1 + ((index + line) % 5),
      unitPrice: cents(199 + ((((index * 17 + line * 53) % 240) * 7919) % 24_000)),
      discounts: (index + line) % 5 === 0 ? [{ code: 'WINTER', amount: cents(100 + index) }] : [],
    })),
    updatedAt,
  };
}

function event(index: number, occurredAt: string): JsonRecord {
  return {
    // Beyond 2^53: a reader that goes through a JavaScript number loses the last digit.
    sequence: 9_007_199_254_740_993n + BigInt(index) * 2n,
    type: pick(EVENT_TYPES, index * 3 + 1),
    customerId: index % 7 === 0 ? null : ((index * 13) % 180) + 1,
    occurredAt,
    context: { device: index % 3 === 0 ? 'phone' : 'desktop', durationMs: (index * 379) % 60_000 },
  };
}

function review(index: number): JsonRecord {
  return {
    id: index + 1,
    productId: ((index * 19) % 240) + 1,
    stars: 1 + ((index * 7) % 5),
    title: pick(['Sehr schön', 'Does "the job"', 'Très bien', 'Broke, twice; sadly', 'Ok'], index),
    text: index % 4 === 0 ? null : `First line.\nSecond line, review no. ${index + 1}.`,
  };
}

/** Spreads records evenly over January 2026; every third shares its second with the one before, so that boundaries hold more than one row. */
function momentInJanuary(index: number, count: number): string {
  const seconds = Math.floor(((index - (index % 3 === 2 ? 1 : 0)) / count) * 31 * 86_400);
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().replace('.000Z', 'Z');
}

function cents(amount: number): number {
  return amount / 100;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function pick<Item>(items: readonly Item[], index: number): Item {
  return items[index % items.length] as Item;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
