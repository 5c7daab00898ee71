import { isTable } from '../bundle/toml.ts';
import { WRITE_DISPOSITIONS } from '../spec/kinds.ts';
import type { Table } from '../spec/project.ts';
import type { ImportDraft } from './dlt-import.ts';

/** A name that a job may have: letters, digits, `_` and `.`, not a digit first. */
export function tableName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_.]+/g, '_').replace(/^_+(?=.)/, (lead) => (name.startsWith('_') ? lead : ''));
  return /^[A-Za-z_]/.test(safe) ? safe.slice(0, 200) : `_${safe}`.slice(0, 200);
}

/** A name or a list of names as a cell says it; null where there is none. */
export function listText(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value;
  if (!Array.isArray(value)) return null;
  const names = value.filter((item) => typeof item === 'string');
  return names.length === 0 ? null : names.join(', ');
}

/** dlt's write disposition; append is its default. */
export function writeDisposition(draft: ImportDraft, place: string, value: unknown): string {
  const word = isTable(value) ? value.disposition : value;
  if (
    isTable(value) &&
    value.strategy !== undefined &&
    value.strategy !== 'upsert' &&
    value.strategy !== 'delete-insert'
  )
    draft.leftOut(
      `${place}.write_disposition.strategy`,
      `${String(value.strategy)} is not done here; rows are merged by key`,
    );
  const known = WRITE_DISPOSITIONS.find((disposition) => disposition === word);
  if (known) return known;
  if (word !== undefined && word !== null)
    draft.changed(`${place}.write_disposition`, `"${String(word)}" is not known: append`);
  return 'append';
}

const TYPES: Record<string, string> = {
  text: 'text',
  double: 'double',
  bool: 'bool',
  timestamp: 'timestamptz',
  bigint: 'bigint',
  date: 'date',
  time: 'time',
  wei: 'decimal(38,0)',
  json: 'json',
  complex: 'json',
  binary: 'blob',
};

/** The data types of dlt's column hints as the cell column_types; null where there are none. Other hints are left out. */
export function columnTypes(draft: ImportDraft, place: string, columns: unknown): string | null {
  const list: Table[] = Array.isArray(columns)
    ? columns.filter(isTable)
    : isTable(columns)
      ? Object.entries(columns).flatMap(([name, hint]) => (isTable(hint) ? [{ name, ...hint }] : []))
      : [];
  const types: string[] = [];
  const others = new Set<string>();
  for (const { name, data_type, precision, scale, timezone, ...hints } of list) {
    if (typeof data_type === 'string') {
      const type =
        data_type === 'decimal'
          ? `decimal(${Number(precision ?? 38)},${Number(scale ?? 9)})`
          : data_type === 'timestamp' && timezone === false
            ? 'timestamp'
            : TYPES[data_type];
      if (type === undefined) others.add(`data_type ${data_type}`);
      else types.push(`${String(name)}: ${type}`);
    }
    for (const [hint, value] of Object.entries(hints)) if (value !== undefined && value !== null) others.add(hint);
  }
  if (others.size > 0) draft.leftOut(`${place}.columns`, `hints without a counterpart: ${[...others].join(', ')}`);
  return types.length === 0 ? null : types.join(', ');
}
