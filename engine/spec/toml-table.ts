import type { z } from 'zod';
import { alternatives } from './cells.ts';
import { type FindingList, meant } from './finding-list.ts';
import type { Table } from './project.ts';
import { isSecretKey } from './secret-keys.ts';
import { didYouMean } from './suggest.ts';

/** The file that findings about connections and destinations name. */
export const CONFIG_FILE = '.dlt/config.toml';

/** A value with the key path that it stands under, for findings. */
export interface Entry {
  value: unknown;
  path: string[];
}

/** Flat keys of a connection, resource or destination, aliases settled. */
export type Entries = Map<string, Entry>;

export function isTable(value: unknown): value is Table {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

/** A TOML scalar as text, dates as the file has them; '' for tables, lists and what is no value. */
export function scalarText(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  if (value === null || value === undefined || typeof value === 'object' || typeof value === 'function') return '';
  return String(value);
}

/** The value as a finding shows it; null for secrets and tables. */
export function shown({ value, path }: Entry, secretPaths: ReadonlySet<string>): string | null {
  if (isSecretKey(path) || secretPaths.has(path.join('.'))) return null;
  if (value === null || value === undefined || typeof value === 'object') return null;
  return scalarText(value);
}

/**
 * Puts a table's keys into `entries` under their canonical names. What is there already stays: the caller adds the stronger table first.
 * A key that says the same twice with different values is a warning.
 */
export function addEntries(
  entries: Entries,
  table: Table,
  path: readonly string[],
  aliases: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(table)) {
    if (value === undefined || value === null) continue;
    const name = Object.hasOwn(aliases, key) ? (aliases[key] as string) : key;
    if (!entries.has(name)) entries.set(name, { value, path: [...path, key] });
  }
}

/** Takes an entry out. */
export function take(entries: Entries, name: string): Entry | undefined {
  const entry = entries.get(name);
  entries.delete(name);
  return entry;
}

/** What the readers of TOML tables share. */
export interface TomlContext {
  list: FindingList;
  secretPaths: ReadonlySet<string>;
  /** Lowers errors of what no enabled job uses. */
  severity: 'error' | 'warning';
  /** See `ValidateOptions.keychain`. */
  keychain?: boolean;
}

/** Adds a finding about an entry. */
export function remark(
  context: TomlContext,
  entry: Entry,
  code: string,
  problem: string,
  options: { severity?: 'error' | 'warning' | 'notice'; hint?: string | null; fix?: string | null } = {},
): void {
  const place = { sheet: CONFIG_FILE, column: entry.path.join('.'), value: shown(entry, context.secretPaths) };
  context.list.add(place, {
    severity: options.severity ?? context.severity,
    code,
    problem,
    hint: options.hint,
    fix: options.fix,
  });
}

/** A key that nobody reads: a warning with the likeliest meant one. */
export function unknownKey(
  context: TomlContext,
  path: readonly string[],
  known: Iterable<string>,
  hint: string | null = null,
): void {
  const name = didYouMean(path.at(-1) ?? '', known);
  context.list.add(
    { sheet: CONFIG_FILE, column: path.join('.') },
    {
      severity: 'warning',
      code: 'CONFIG_KEY_UNKNOWN',
      problem: 'this key is not known and has no effect',
      hint: hint ?? meant(name),
      fix: name,
    },
  );
}

/** A zod issue in the words of a finding. */
export function issueText(issue: z.core.$ZodIssue): { problem: string; values: readonly string[] } {
  switch (issue.code) {
    case 'invalid_type':
      return { problem: issue.input === undefined ? 'is missing' : `must be ${typeName(issue.expected)}`, values: [] };
    case 'too_small':
      return { problem: issue.origin === 'string' ? 'must not be empty' : `use at least ${issue.minimum}`, values: [] };
    case 'too_big':
      return {
        problem: issue.origin === 'string' ? `use at most ${issue.maximum} characters` : `use at most ${issue.maximum}`,
        values: [],
      };
    case 'invalid_value': {
      const values = issue.values.map(String);
      return { problem: `use ${alternatives(values)}`, values };
    }
    case 'unrecognized_keys':
      return { problem: `unknown ${issue.keys.length > 1 ? 'keys' : 'key'} ${issue.keys.join(', ')}`, values: [] };
    default:
      return { problem: 'has a value that cannot be used', values: [] };
  }
}

function typeName(expected: string): string {
  if (expected === 'int') return 'a whole number';
  if (expected === 'object' || expected === 'record') return 'a table';
  if (expected === 'array') return 'a list';
  if (expected === 'boolean') return 'true or false';
  return expected === 'string' ? 'text' : `a ${expected}`;
}

/** Checks entries against a model; issues become findings, and null comes back where there was one. */
export function parseEntries<Model extends z.ZodType>(
  context: TomlContext,
  model: Model,
  entries: ReadonlyMap<string, Entry>,
  fixed: Table,
  basePath: readonly string[],
): z.infer<Model> | null {
  const input: Table = { ...fixed };
  for (const [name, { value }] of entries) input[name] = value;
  const result = model.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const [name, ...rest] = issue.path.map(String);
    const entry = name === undefined ? undefined : entries.get(name);
    const path = entry === undefined ? [...basePath, ...issue.path.map(String)] : [...entry.path, ...rest];
    const { problem, values } = issueText(issue);
    const input = issue.input;
    const fix = typeof input === 'string' && !isSecretKey(path) ? didYouMean(input, values) : null;
    remark(
      context,
      { value: input, path },
      input === undefined ? 'CONFIG_VALUE_MISSING' : 'CONFIG_VALUE_NOT_ALLOWED',
      problem,
      {
        hint: meant(fix),
        fix,
      },
    );
  }
  return null;
}
