import type { Section } from './connection-fields.ts';
import type { DestinationType, SourceType } from './kinds.ts';
import type { Table } from './project.ts';

/** What a text says of a connection, before it has a name. */
export interface Found {
  section: Section;
  type: SourceType | DestinationType;
  /** What the text was taken for, e.g. `JDBC URL`. */
  form: string;
  /** Canonical keys below its section. */
  values: Table;
  /** By key path with dots. */
  secrets: Record<string, string>;
  /** What of the text has no place in a connection, for people; no secret is in it. */
  notes: string[];
}

/** Percent-encoded text as it is meant. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A bare % is meant as it stands.
    return text;
  }
}

/** The pairs of a URL's query. */
export function* searchPairs(search: string): Generator<[string, string]> {
  for (const part of search.replace(/^\?/, '').split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    yield at < 0 ? [decoded(part), ''] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1).replaceAll('+', ' '))];
  }
}

/** Splits `a=1;b="x;y";c={z}` at its semicolons. */
export function splitSettings(text: string): string[] {
  return [...text.matchAll(/(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|\{[^}]*\}|[^;])+/g)].map(([part]) => part.trim());
}

/** `key=value`, the value's quotes or braces taken off. */
export function pairOf(setting: string): [string, string] {
  const at = setting.indexOf('=');
  if (at < 0) return [setting, ''];
  const value = setting.slice(at + 1).trim();
  const quoted = /^"((?:[^"]|"")*)"$/.exec(value) ?? /^'((?:[^']|'')*)'$/.exec(value) ?? /^\{([^}]*)\}$/.exec(value);
  const quote = value[0] as string;
  return [
    setting.slice(0, at).trim(),
    quoted === null ? value : (quoted[1] as string).replaceAll(quote + quote, quote),
  ];
}
