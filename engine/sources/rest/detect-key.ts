import { pathText } from '../../spec/path-text.ts';
import type { Finding } from './detect.ts';
import { scalarText } from './json.ts';
import type { JsonRecord } from './records.ts';

/** How a column's values are spread over the records. */
interface Spread {
  distinct: number;
  nulls: number;
}

/** Fewer records than these prove little. */
const ENOUGH = 20;

/**
 * The column that names a record: without nulls, never the same twice, and called like a key. Columns that are merely unique (a time, an amount)
 * are not proposed. Two columns that are keys together are tried where no single one is.
 */
export function detectKey(records: readonly JsonRecord[], configured: readonly string[]): { primary_key?: Finding } {
  const first = records[0];
  if (first === undefined || records.length < 2) return {};
  const names = Object.keys(first).filter((name) => scalarText(first[name]) !== null);
  if (configured.length > 0) {
    const { distinct, nulls } = spreadOf(records, configured);
    if (distinct === records.length && nulls === 0)
      return { primary_key: { value: configured.join(', '), ...evidence(records, distinct, configured[0] ?? '') } };
  }
  const ranked = names
    .map((name) => ({ name, rank: keyRank(name) }))
    .filter(({ rank }) => rank > 0)
    .toSorted((one, other) => other.rank - one.rank);
  for (const { name } of ranked) {
    const { distinct, nulls } = spreadOf(records, [name]);
    if (distinct === records.length && nulls === 0)
      return { primary_key: { value: pathText([name]), ...evidence(records, distinct, name) } };
  }
  const parts = ranked.slice(0, 6).map(({ name }) => name);
  for (const [index, one] of parts.entries()) {
    for (const other of parts.slice(index + 1)) {
      const both = names.filter((name) => name === one || name === other);
      const { distinct, nulls } = spreadOf(records, both);
      if (distinct < records.length || nulls > 0) continue;
      return {
        primary_key: {
          value: both.map((name) => pathText([name])).join(', '),
          evidence: `Together ${distinct} distinct values in ${records.length} records, no nulls; neither alone names a record`,
          confidence: records.length >= ENOUGH ? 'likely' : 'guess',
        },
      };
    }
  }
  return {};
}

function evidence(records: readonly unknown[], distinct: number, name: string): Omit<Finding, 'value'> {
  const few = records.length < ENOUGH;
  return {
    evidence: `${records.length} values, ${distinct} distinct, no nulls${few ? '; few records to judge by' : ''}`,
    confidence: few ? 'guess' : keyRank(name) >= 4 ? 'certain' : 'likely',
  };
}

/** Distinct values of columns taken together. A value counts by its text and kind: 1 and "1" are two. */
export function spreadOf(records: readonly JsonRecord[], names: readonly string[]): Spread {
  const seen = new Set<string>();
  let nulls = 0;
  for (const record of records) {
    const values = names.map((name) => scalarText(record[name]));
    if (values.includes(null)) nulls += 1;
    else seen.add(names.length === 1 ? (values[0] as string) : JSON.stringify(values));
  }
  return { distinct: seen.size, nulls };
}

/** How much a name sounds like a key's; 0: not at all. */
function keyRank(name: string): number {
  const plain = name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toLowerCase();
  if (plain === 'id' || plain === '_id') return 6;
  if (/^(uuid|guid|gid|key|pk|object_id|record_id)$/.test(plain)) return 5;
  if (/^(?!parent|external|ext|created_by|updated_by|user_agent).*_(id|uuid|guid|key)$/.test(plain)) return 4;
  if (/(^|_)(code|number|no|sku|slug|iban|isbn|ean|line|line_no|position|seq|sequence)$/.test(plain)) return 2;
  if (/(_by|parent|external)_?id$/.test(plain)) return 1;
  return 0;
}
