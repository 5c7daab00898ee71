import { isDeepStrictEqual } from 'node:util';
import { parse as parseForPatch, patch } from '@decimalturn/toml-patch';
import { parse, stringify, TomlDate, TomlError } from 'smol-toml';
import { IngestError, messageOf } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import type { Table } from '../spec/project.ts';
import { tomlLines } from './toml-lines.ts';

export interface ParsedToml {
  /** Empty where the text is not valid TOML. Dates are their TOML text. */
  table: Table;
  /** The line of each key path. */
  lines: ReadonlyMap<string, number>;
  findings: Finding[];
}

/**
 * What smol-toml says, in words that help. Its own text is never passed on unless it is one of these:
 * it ends in the lines around the error, and they may hold a secret.
 */
const REASONS: readonly (readonly [said: string, meant: string, hint?: string])[] = [
  [
    'trying to redefine an already defined',
    'this key or table is defined a second time',
    'Keep one of the two definitions.',
  ],
  ['unfinished string', 'a text is not closed', 'Put a quotation mark at its end.'],
  ['unfinished array', 'a list is not closed', 'Put a ] at its end.'],
  ['unfinished table', 'a table header or inline table is not closed', 'Put the missing ] or } at its end.'],
  [
    'invalid value',
    'this is no valid value',
    'Put texts in quotation marks; numbers, true and false stand without them.',
  ],
  ['illegal character in numeric literal', 'this is no valid number', 'Put texts in quotation marks.'],
  ['illegal leading zero', 'a number begins with 0', 'Put it in quotation marks to keep its zeros.'],
  ['integer value cannot be represented losslessly', 'this whole number is too large', 'Put it in quotation marks.'],
  [
    'unrecognised escape sequence',
    'a backslash begins no known escape',
    "Write \\\\ for a backslash, or use 'single quotation marks' (Windows paths).",
  ],
  [
    'invalid unicode escape',
    '\\u is not followed by hexadecimal digits',
    "Write \\\\ for a backslash, or use 'single quotation marks' (Windows paths).",
  ],
  [
    'invalid non-hex character in unicode escape',
    '\\u is not followed by hexadecimal digits',
    "Write \\\\ for a backslash, or use 'single quotation marks' (Windows paths).",
  ],
  [
    'invalid escape: only line-ending whitespace may be escaped',
    'a backslash begins no known escape',
    'Write \\\\ for a backslash.',
  ],
  [
    'control characters are not allowed in strings',
    'a text holds a line break or another control character',
    'Close the quotation marks on the same line.',
  ],
  [
    'each key-value declaration must be followed by an end-of-line',
    'something follows the value on the same line',
    'Put each key on a line of its own.',
  ],
  [
    'incomplete key-value: cannot find end of key',
    'a key has no value',
    'Write key = value, or put # before a comment.',
  ],
  ['expected comma or end of structure', 'a comma is missing between two values', 'Put a comma between them.'],
  ['illegal character in key', 'a key holds a character that it may not', 'Put the key in quotation marks.'],
  ['illegal empty bare key', 'a key is empty', 'Write key = value.'],
  ['unexpected end of key', 'a key is empty', 'Write key = value.'],
  ['expected end of table array declaration', 'a table header is not closed', 'Put ]] at its end.'],
  ['document contains an unsafe property', 'this key has a name that is not allowed', 'Rename it.'],
  ['document contains excessively nested structures. aborting.', 'it is nested too deeply'],
];

/**
 * Reads the text of a TOML file. `file` is how messages name it (`.dlt/config.toml`).
 * Errors name line and column, and never the line's content.
 */
export function parseToml(text: string, file: string): ParsedToml {
  try {
    const table = plain(parse(text.replace(/^\uFEFF/, ''), { maxDepth: 100 })) as Table;
    return { table, lines: tomlLines(text), findings: lostDigits(text, file) };
  } catch (error) {
    const said = messageOf(error);
    const known = REASONS.find(([reason]) => said.startsWith(`Invalid TOML document: ${reason}`));
    const [line, column] = error instanceof TomlError ? [error.line, error.column] : [null, null];
    const place = line === null ? '' : ` line ${line}, column ${column}`;
    const message = `${file}${place}: ${known?.[1] ?? 'this is not valid TOML'}.`;
    const hint = known?.[2] ?? 'Compare the line with key = "value" and [table]; texts stand in quotation marks.';
    return {
      table: {},
      lines: new Map(),
      findings: [
        {
          severity: 'error',
          code: 'TOML_INVALID',
          sheet: file,
          row: line,
          column: null,
          value: null,
          message,
          hint,
          fix: null,
        },
      ],
    };
  }
}

/** A time's digits beyond thousandths, outside of quotation marks: JavaScript's dates drop them. */
const FINE_TIME = /^[^"'#]*\d\d:\d\d:\d\d\.\d{3}\d*[1-9]/;

function lostDigits(text: string, file: string): Finding[] {
  return text.split('\n').flatMap((content, index): Finding[] => {
    if (!FINE_TIME.test(content)) return [];
    return [
      {
        severity: 'warning',
        code: 'TOML_TIME_CUT',
        sheet: file,
        row: index + 1,
        column: null,
        value: null,
        message: `${file} line ${index + 1}: a time is read to thousandths of a second; its other digits are dropped.`,
        hint: 'Put it in quotation marks to keep all its digits.',
        fix: null,
      },
    ];
  });
}

/** As {@link parseToml}, from a file's bytes: explains UTF-16 and the old Windows encodings, takes a byte order mark. */
export function parseTomlBytes(bytes: Buffer, file: string): ParsedToml {
  if (
    (bytes[0] === 0xff && bytes[1] === 0xfe) ||
    (bytes[0] === 0xfe && bytes[1] === 0xff) ||
    bytes.subarray(0, 4).includes(0)
  ) {
    return unreadable(file, null, `${file} is saved as UTF-16 ("Unicode").`);
  }
  try {
    return parseToml(new TextDecoder('utf-8', { fatal: true }).decode(bytes), file);
  } catch {
    const line = firstBadLine(bytes);
    return unreadable(
      file,
      line,
      `${file} line ${line}: a character is not UTF-8 (perhaps the file is saved as ANSI).`,
    );
  }
}

function unreadable(file: string, row: number | null, message: string): ParsedToml {
  const hint = 'Save it again as UTF-8 (in Notepad: File > Save As > Encoding > UTF-8).';
  return {
    table: {},
    lines: new Map(),
    findings: [
      {
        severity: 'error',
        code: 'TOML_ENCODING',
        sheet: file,
        row,
        column: null,
        value: null,
        message,
        hint,
        fix: null,
      },
    ],
  };
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    const piece = bytes.subarray(start, end);
    if (!Buffer.from(piece.toString('utf8')).equals(piece)) return line;
    start = end + 1;
    line += 1;
  }
  return line;
}

/** Dates as their text, tables as plain objects. */
function plain(value: unknown): unknown {
  // The clock's digits as written: no thousandths that nobody typed.
  if (value instanceof TomlDate) return value.toISOString().replace(/\.000(?=Z|[+-]|$)/, '');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Table = {};
  for (const [key, inner] of Object.entries(value)) setKey(copy, key, plain(inner));
  return copy;
}

/** `__proto__` is a key like any other, never a prototype. */
function setKey(table: Table, key: string, value: unknown): void {
  Object.defineProperty(table, key, { value, enumerable: true, configurable: true, writable: true });
}

/** True for a table, false for lists and plain values. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `upper` laid over `lower`: tables key by key, everything else (lists too) as a whole. Neither is changed. */
export function layOver(lower: Table, upper: Table): Table {
  const merged: Table = {};
  for (const [key, value] of Object.entries(lower)) setKey(merged, key, value);
  for (const [key, value] of Object.entries(upper)) {
    const below = Object.hasOwn(lower, key) ? lower[key] : undefined;
    setKey(merged, key, isTable(below) && isTable(value) ? layOver(below, value) : value);
  }
  return merged;
}

/** A new TOML document. Null and undefined values are left out. */
export function formatToml(table: Table): string {
  return stringify(withoutBlanks(table) as Table);
}

function withoutBlanks(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item != null).map(withoutBlanks);
  if (!isTable(value)) return value;
  const copy: Table = {};
  for (const [key, inner] of Object.entries(value)) if (inner != null) setKey(copy, key, withoutBlanks(inner));
  return copy;
}

/** One change of a TOML file; `value` undefined deletes the key. */
export interface TomlEdit {
  path: readonly string[];
  value: unknown;
}

/**
 * The text with the edits made; comments, order, line ends and everything that is not edited stay as they are.
 * @throws IngestError `TOML_INVALID` where the text is no TOML, `TOML_EDIT_REFUSED` where an edit would change anything else.
 */
export function editToml(text: string, edits: readonly TomlEdit[], file: string): string {
  const problem = parseToml(text, file).findings.find((found) => found.severity === 'error');
  if (problem) throw new IngestError('TOML_INVALID', problem.message, { hint: problem.hint ?? undefined });
  const bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const body = text.slice(bom.length);
  const wanted = parse(body) as Table;
  applyEdits(wanted, edits, file);
  if (isDeepStrictEqual(plain(wanted), plain(parse(body)))) return text;
  let edited: string;
  try {
    if (body.trim() === '') {
      edited = body + stringify(wanted);
    } else {
      edited = withNewTables(body, edits, wanted, file) ?? patched(body, edits, file);
    }
    // The patcher is trusted only as far as its result says the same as the edits.
    if (!isDeepStrictEqual(plain(parse(edited)), plain(wanted))) throw new Error('the result differs');
  } catch (error) {
    throw new IngestError('TOML_EDIT_REFUSED', `${file} cannot be edited in place without changing something else.`, {
      hint: `Edit ${edits.map((edit) => edit.path.join('.')).join(', ')} in a text editor.`,
      cause: error instanceof TomlError ? undefined : error,
    });
  }
  return bom + edited;
}

function patched(body: string, edits: readonly TomlEdit[], file: string): string {
  const next = parseForPatch(body) as Table;
  applyEdits(next, edits, file);
  // The defaults would write TOML 1.1, which dlt's reader refuses: trailing commas and line breaks in inline tables.
  return patch(body, next, { trailingComma: false, multilineTable: false, multilineArray: false });
}

/**
 * As people write it: a table that is new comes as `[sources.NAME]` at the end of the file; the patcher would put it on one line at the top.
 * Null where nothing is new, or where the file's own style does not allow it (`sources = { … }`).
 */
function withNewTables(body: string, edits: readonly TomlEdit[], wanted: Table, file: string): string | null {
  const there = parse(body) as Table;
  const isNew = ({ path, value }: TomlEdit) => {
    if (value === undefined || value === null) return false;
    const parent = tableAt(there, path.slice(0, -1));
    return parent === null || (isTable(value) && !Object.hasOwn(parent, path.at(-1) as string));
  };
  const added = edits.filter(isNew);
  if (added.length === 0) return null;
  const table: Table = {};
  try {
    applyEdits(table, added, file);
    const newline = body.includes('\r\n') ? '\r\n' : '\n';
    const gap = body.endsWith('\n') ? newline : newline + newline;
    const text = body + gap + stringify(table).replaceAll('\n', newline);
    const rest = edits.filter((edit) => !isNew(edit));
    const edited = rest.length === 0 ? text : patched(text, rest, file);
    return isDeepStrictEqual(plain(parse(edited)), plain(wanted)) ? edited : null;
  } catch {
    return null;
  }
}

function tableAt(table: Table, path: readonly string[]): Table | null {
  let inner: unknown = table;
  for (const key of path) inner = isTable(inner) && Object.hasOwn(inner, key) ? inner[key] : null;
  return isTable(inner) ? inner : null;
}

function applyEdits(table: Table, edits: readonly TomlEdit[], file: string): void {
  for (const { path, value } of edits)
    applyEdit(table, path, value === undefined ? undefined : withoutBlanks(value), file);
}

function applyEdit(table: Table, path: readonly string[], value: unknown, file: string): void {
  let inner = table;
  for (const [index, key] of path.slice(0, -1).entries()) {
    const next = Object.hasOwn(inner, key) ? inner[key] : undefined;
    if (next === undefined && value === undefined) return;
    if (next !== undefined && !isTable(next)) {
      throw new IngestError(
        'TOML_EDIT_REFUSED',
        `${file}: ${path.slice(0, index + 1).join('.')} is a value, not a table.`,
        {
          hint: 'Delete it in a text editor first.',
        },
      );
    }
    if (next === undefined) setKey(inner, key, {});
    inner = inner[key] as Table;
  }
  const last = path.at(-1) as string;
  if (value === undefined) delete inner[last];
  else setKey(inner, last, value);
}
