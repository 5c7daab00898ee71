import { parseFlag } from './cells.ts';
import { CHECK_COLUMN_NAMES, CHECK_COLUMNS } from './check.ts';
import { JOB_COLUMN_NAMES, jobColumns } from './job-columns.ts';
import type { RawSheet, Table } from './project.ts';
import { isSecretKey } from './secret-keys.ts';
import { headerName } from './sheet.ts';
import { isTable, scalarText } from './toml-table.ts';

export const DIFFERENCE_KINDS = ['job', 'check', 'setting', 'connection', 'destination'] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** Semantic difference of two projects; never a secret. Cells and values that mean the same are the same. */
export interface Difference {
  added: { kind: DifferenceKind; name: string }[];
  removed: { kind: DifferenceKind; name: string }[];
  changed: { kind: DifferenceKind; name: string; cells: { column: string; before: string; after: string }[] }[];
}

/** What of a project is compared: sheets as text, config without environment variables and secrets. */
export interface ComparedProject {
  jobs: RawSheet | null;
  checks: RawSheet | null;
  settings: RawSheet | null;
  config: Table;
}

/** A row, setting or connection with what it says by column or key path. */
interface Item {
  kind: DifferenceKind;
  name: string;
  row: number;
  cells: Map<string, string>;
  /** Cells as they are compared. */
  meaning: Map<string, string>;
}

/** True where nothing differs. */
export function isSame({ added, removed, changed }: Difference): boolean {
  return added.length + removed.length + changed.length === 0;
}

/** What has to happen to `before` to make it `after`. Order of rows and columns means nothing. Pure. */
export function diffProjects(before: ComparedProject, after: ComparedProject): Difference {
  const difference: Difference = { added: [], removed: [], changed: [] };
  for (const items of [jobItems, checkItems, settingItems, configItems]) {
    compare(items(before), items(after), difference);
  }
  return difference;
}

function compare(before: Item[], after: Item[], difference: Difference): void {
  const key = ({ kind, name }: Item) => JSON.stringify([kind, name]);
  const old = new Map(before.map((item) => [key(item), item]));
  const left = new Set(before);
  const pairs: [Item, Item][] = [];
  const fresh: Item[] = [];
  for (const item of after) {
    const match = old.get(key(item));
    if (match) {
      left.delete(match);
      pairs.push([match, item]);
    } else fresh.push(item);
  }
  for (const item of fresh) {
    const renamed = [...left].find((candidate) => isRenamed(candidate, item));
    if (renamed) {
      left.delete(renamed);
      pairs.push([renamed, item]);
    } else difference.added.push({ kind: item.kind, name: item.name });
  }
  for (const { kind, name } of left) difference.removed.push({ kind, name });
  for (const [from, to] of pairs) {
    const cells = changedCells(from, to);
    if (cells.length > 0) difference.changed.push({ kind: to.kind, name: from.name, cells });
  }
}

/** The same row under another name: nothing else differs much. */
function isRenamed(from: Item, to: Item): boolean {
  if (from.kind !== to.kind || (from.kind !== 'job' && from.kind !== 'check') || from.row !== to.row) return false;
  return changedCells(from, to).length <= 2;
}

function changedCells(from: Item, to: Item): { column: string; before: string; after: string }[] {
  const columns = new Set([...from.cells.keys(), ...to.cells.keys()]);
  return [...columns].flatMap((column) => {
    if ((from.meaning.get(column) ?? '') === (to.meaning.get(column) ?? '')) return [];
    return [{ column, before: from.cells.get(column) ?? '', after: to.cells.get(column) ?? '' }];
  });
}

function jobItems({ jobs }: ComparedProject): Item[] {
  const meaning = (column: string, text: string): string => {
    if (!(JOB_COLUMN_NAMES as readonly string[]).includes(column)) return text.trim();
    const { kind, aliases, keepSpaces } = jobColumns[column as (typeof JOB_COLUMN_NAMES)[number]];
    return keepSpaces ? text : cellMeaning(kind, text, aliases);
  };
  const name = (cells: Map<string, string>) => `${cells.get('source_name') ?? ''}.${cells.get('table_name') ?? ''}`;
  return rowItems('job', jobs, name, meaning);
}

function checkItems({ checks }: ComparedProject): Item[] {
  const kinds = new Map(CHECK_COLUMNS.map(({ name, kind }) => [name as string, kind]));
  const name = (cells: Map<string, string>) => {
    const column = cells.get('column') ?? cells.get('columns');
    return (
      cells.get('name') ??
      [cells.get('table'), cells.get('type'), column].filter((part) => part !== undefined).join(' ')
    );
  };
  const known: readonly string[] = CHECK_COLUMN_NAMES;
  return rowItems('check', checks, name, (column, text) =>
    known.includes(column) ? cellMeaning(kinds.get(column) ?? 'text', text) : text.trim(),
  );
}

/** `Y` and `yes` are one flag, `Full` and `full` one word of a list. */
function cellMeaning(kind: string, text: string, aliases: Readonly<Record<string, string>> = {}): string {
  const trimmed = text.trim();
  if (kind === 'flag') {
    const flag = parseFlag(trimmed);
    return flag.ok ? String(flag.value) : trimmed;
  }
  if (kind === 'enum') return (aliases[trimmed.toLowerCase()] ?? trimmed).toLowerCase();
  if (kind === 'list')
    return trimmed
      .split(',')
      .map((part) => part.trim())
      .join(',');
  return trimmed;
}

function rowItems(
  kind: DifferenceKind,
  sheet: RawSheet | null,
  nameOf: (cells: Map<string, string>) => string,
  meaningOf: (column: string, text: string) => string,
): Item[] {
  const headers = (sheet?.headers ?? []).map((header) => headerName(header));
  const seen = new Map<string, number>();
  return (sheet?.rows ?? []).flatMap(({ row, cells: texts }) => {
    const cells = new Map<string, string>();
    for (const [at, text] of texts.entries()) {
      const header = headers[at] ?? '';
      if (header !== '' && text.trim() !== '') cells.set(header, text);
    }
    if (cells.size === 0) return [];
    const base = nameOf(cells);
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    const meaning = new Map([...cells].map(([column, text]) => [column, meaningOf(column, text)]));
    return [{ kind, name: count === 1 ? base : `${base} (${count})`, row, cells, meaning }];
  });
}

function settingItems({ settings }: ComparedProject): Item[] {
  const headers = (settings?.headers ?? []).map((header) => headerName(header));
  const [key, value] = [headers.indexOf('key'), headers.indexOf('value')];
  return (settings?.rows ?? []).flatMap(({ row, cells }) => {
    const name = headerName(cells[key] ?? '');
    const text = (cells[value] ?? '').trim();
    return name === '' || text === '' ? [] : [itemOf('setting', name, row, new Map([['value', text]]))];
  });
}

function configItems({ config }: ComparedProject): Item[] {
  const items: Item[] = [];
  for (const [section, value] of Object.entries(config)) {
    const kind = section === 'sources' ? 'connection' : /^destinations?$/.test(section) ? 'destination' : 'setting';
    if (kind === 'setting' || !isTable(value)) {
      items.push(itemOf('setting', section, 0, leaves(value, [section])));
      continue;
    }
    for (const [name, table] of Object.entries(value)) {
      if (isTable(table)) items.push(itemOf(kind, name, 0, leaves(table, [section, name])));
      else items.push(itemOf(kind, `${section}.${name}`, 0, leaves(table, [section, name])));
    }
  }
  return items;
}

function itemOf(kind: DifferenceKind, name: string, row: number, cells: Map<string, string>): Item {
  return { kind, name, row, cells, meaning: cells };
}

/** Values below a table by key path; secrets are left out. */
function leaves(value: unknown, path: readonly string[], base = path.length): Map<string, string> {
  if (isTable(value)) {
    return new Map(Object.entries(value).flatMap(([key, inner]) => [...leaves(inner, [...path, key], base)]));
  }
  if (isSecretKey(path)) return new Map();
  const text = Array.isArray(value) ? JSON.stringify(value) : scalarText(value);
  return new Map([[path.slice(base).join('.') || 'value', withoutPassword(text)]]);
}

/** `https://user:password@host` without its password. */
function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^/?#\s:@]*:)[^/?#\s]+@/g, '$1***@');
}
