import type { ProjectDocument } from '../../../engine/contract.ts';
import {
  type ConnectionField,
  type ConnectionKind,
  type FieldWay,
  type FormValues,
  fieldEntry,
  isShown,
  wayOption,
} from '../../../engine/spec/connection-fields.ts';
import { connectionKind } from '../../../engine/spec/connection-kinds.ts';
import { readDestination } from '../../../engine/spec/destination-table.ts';
import { FindingList, type Place, type Remark } from '../../../engine/spec/finding-list.ts';
import type { DestinationType, SourceType } from '../../../engine/spec/kinds.ts';
import type { Table } from '../../../engine/spec/project.ts';
import { isSecretKey } from '../../../engine/spec/secret-keys.ts';
import { SECRET_PLACEHOLDER } from '../../../engine/spec/secret-placeholder.ts';
import { readSourceTable } from '../../../engine/spec/source-table.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import { valueChanges } from '../../stores/config-step.ts';
import { type ConnectionDraft, isUnsaved } from '../../stores/connection-store.ts';
import type { ListedConnection } from './connection-list.ts';

/** What is wrong with a field, or good to know. */
export interface FieldProblem {
  severity: 'error' | 'warning';
  text: string;
}

/** Where a value of a connection comes from; never the value. */
export type Origin = ProjectDocument['origins'][number];

/** The form of a connection that is in the files. */
export function draftOf({ section, name, kind, table }: ListedConnection): ConnectionDraft {
  return {
    section,
    type: kind?.type ?? '',
    name,
    previousName: name,
    table,
    base: table,
    secrets: {},
    touched: [],
    ways: {},
  };
}

export function kindOf({ section, type }: ConnectionDraft): ConnectionKind | undefined {
  return connectionKind(section, type);
}

/** The value that the form shows, as the files have it; undefined where they say nothing. */
export function fieldValue({ table }: ConnectionDraft, field: ConnectionField): unknown {
  return fieldEntry(table, field)?.value;
}

function formValues(draft: ConnectionDraft, kind: ConnectionKind): FormValues {
  const fields = new Map(kind.fields.map((field) => [field.key, field]));
  return {
    value(key) {
      const entered = draft.secrets[key];
      if (entered !== undefined) return entered;
      const field = fields.get(key);
      return field === undefined ? undefined : fieldValue(draft, field);
    },
    chosen: (way) => draft.ways[way],
  };
}

export function shownFields(draft: ConnectionDraft, kind: ConnectionKind): ConnectionField[] {
  const values = formValues(draft, kind);
  return kind.fields.filter((field) => isShown(kind, field, values));
}

/** A way that the form shows, with what is chosen of it. */
export interface ShownWay {
  way: FieldWay;
  value: string;
}

export function shownWays(draft: ConnectionDraft, kind: ConnectionKind): ShownWay[] {
  const values = formValues(draft, kind);
  return kind.ways
    .filter((way) => isShown(kind, way, values))
    .map((way) => ({ way, value: wayOption(way, values).value }));
}

/** Another way is chosen: what belongs to the others only goes, its secrets too; what this one had in the files is back. */
export function withWay(draft: ConnectionDraft, kind: ConnectionKind, way: FieldWay, value: string): ConnectionDraft {
  const wanted = way.options.find((option) => option.value === value);
  let next: ConnectionDraft = { ...draft, ways: { ...draft.ways, [way.key]: value } };
  for (const key of new Set(way.options.flatMap(({ fields }) => fields))) {
    const field = kind.fields.find((known) => known.key === key);
    if (field === undefined) continue;
    const before = fieldEntry(draft.base, field)?.value;
    const belongs = wanted?.fields.includes(key) === true;
    if (field.control === 'secret') {
      const { [key]: entered, ...others } = next.secrets;
      if (belongs) next = { ...next, secrets: entered === undefined || entered === '' ? others : next.secrets };
      else next = { ...next, secrets: before === undefined ? others : { ...others, [key]: '' } };
    } else if (!belongs) next = withField(next, field, undefined);
    else if (fieldValue(next, field) === undefined && before !== undefined) next = withField(next, field, before);
  }
  for (const { sets } of way.options) {
    const field = kind.fields.find(({ key }) => key === sets?.key);
    if (field !== undefined) next = withField(next, field, sets === wanted?.sets ? sets?.value : undefined);
  }
  return next;
}

/** The draft with one value changed where the files say it, else where they should; undefined removes it. */
export function withField(draft: ConnectionDraft, field: ConnectionField, value: unknown): ConnectionDraft {
  const found = fieldEntry(draft.table, field);
  let { table } = draft;
  let path: readonly string[] = found?.path ?? field.path;
  // A word or a number in place of a table makes way for the table.
  if (field.key === 'auth.type' && path.length === 1 && path[0] === 'auth') {
    table = withValue(table, ['auth'], undefined);
    path = field.path;
  } else if (path.length === 1 && path[0] === 'rate_limit') {
    const number = Number(table.rate_limit);
    table = withValue(table, ['rate_limit'], { requests_per_second: number / 60, burst_limit: 1 });
    path = field.path;
  }
  return { ...draft, table: withValue(table, path, value) };
}

/** A copy of a table with one value set, or taken out; tables that this leaves empty go too. */
export function withValue(table: Table, [key, ...rest]: readonly string[], value: unknown): Table {
  if (key === undefined) return table;
  const { [key]: before, ...others } = table;
  if (rest.length > 0) {
    const inner = withValue(isTable(before) ? before : {}, rest, value);
    return Object.keys(inner).length === 0 ? others : { ...table, [key]: inner };
  }
  return value === undefined ? others : { ...table, [key]: value };
}

export function isChanged(draft: ConnectionDraft, listed: ListedConnection | null): boolean {
  return listed === null || isUnsaved(draft);
}

/** Top-level keys that were changed in the form, for `connection.save` and `connection.test`; null removes one. No placeholder is in them. */
export function changedValues({ base, table }: ConnectionDraft): Record<string, unknown> {
  return valueChanges(base, table);
}

/** Keeps what is wrong without the words for its place, which the form shows by itself. */
class ProblemList extends FindingList {
  readonly problems: { column: string; severity: Remark['severity']; text: string; code: string }[] = [];

  override add(place: Place, remark: Remark): void {
    super.add(place, remark);
    const { severity, problem, hint, code } = remark;
    const text = `${problem.charAt(0).toUpperCase()}${problem.slice(1)}`;
    this.problems.push({ column: place.column ?? '', severity, text: hint ? `${text}. ${hint}` : text, code });
  }
}

/** What the models say of a draft, by field; '' holds what belongs to none. The models are those of a run. */
export function judgeDraft(
  draft: ConnectionDraft,
  kind: ConnectionKind,
  document: Pick<ProjectDocument, 'secretPaths' | 'name'>,
): Map<string, FieldProblem> {
  const list = new ProblemList();
  const context = { list, secretPaths: new Set(document.secretPaths), severity: 'error' as const };
  let table = draft.table;
  for (const [key, value] of Object.entries(draft.secrets)) {
    table = withValue(table, key.split('.'), value === '' ? undefined : SECRET_PLACEHOLDER);
  }
  const name = draft.name.trim() === '' ? 'NAME' : draft.name;
  if (draft.section === 'sources') readSourceTable(context, name, kind.type as SourceType, table);
  else {
    const path = ['destinations', name];
    readDestination(context, { name, type: kind.type as DestinationType, table, path }, document.name);
  }
  const problems = new Map<string, FieldProblem>();
  for (const { column, severity, text, code } of list.problems) {
    if (severity === 'notice') continue;
    if (code === 'CONFIG_ORACLE_TARGET') {
      // The way that was chosen says which of its fields is missing.
      const chosen = shownWays(draft, kind)[0];
      const [key] = chosen?.way.options.find(({ value }) => value === chosen.value)?.tells ?? [];
      const field = kind.fields.find((known) => known.key === key);
      if (field !== undefined && fieldValue(draft, field) === undefined) {
        problems.set(field.key, { severity, text: 'Is missing' });
        continue;
      }
    }
    const path = column.startsWith(`${draft.section}.${name}.`)
      ? column.slice(draft.section.length + name.length + 2)
      : '';
    const field = kind.fields.find(({ spellings }) =>
      spellings.some((spelling) => path === spelling.join('.') || path.startsWith(`${spelling.join('.')}.`)),
    );
    const key = field?.key ?? '';
    if (!problems.has(key)) {
      problems.set(key, { severity, text: key === '' && path !== '' ? `${path}: ${text}` : text });
    }
  }
  return problems;
}

/** With what the whole project says of its fields: a secret that jobs need and that no place has. */
export function withFindings(
  problems: Map<string, FieldProblem>,
  draft: ConnectionDraft,
  kind: ConnectionKind,
  listed: ListedConnection | null,
  findings: readonly { code: string; column: string | null; message: string }[],
): Map<string, FieldProblem> {
  if (listed === null) return problems;
  for (const { code, column } of findings) {
    if (code !== 'SECRET_MISSING' || column === null) continue;
    const field = kind.fields.find(({ spellings }) =>
      spellings.some((spelling) => column === `${listed.path}.${spelling.join('.')}`),
    );
    if (field === undefined || problems.has(field.key) || draft.secrets[field.key]) continue;
    problems.set(field.key, {
      severity: 'error',
      text: 'Jobs need it, and no place has it. Secrets belong to a folder: after the project was moved, enter them again',
    });
  }
  return problems;
}

/** Why a connection cannot have this name, or null. */
export function nameProblem(draft: ConnectionDraft, taken: readonly string[]): FieldProblem | null {
  const { name, previousName } = draft;
  const error = (text: string): FieldProblem => ({ severity: 'error', text });
  if (name.trim() === '') return error('A connection needs a name');
  if (name !== name.trim()) return error('Begins or ends with a space');
  if (name.length > 100) return error('Use at most 100 characters');
  if (/[\p{Cc}]/u.test(name)) return error('Holds a character that cannot be shown');
  if (name !== previousName && taken.includes(name)) return error('Another connection has this name');
  if (!/^[A-Za-z0-9_]+$/.test(name)) {
    return {
      severity: 'warning',
      text: 'Only letters, digits and _ can be named by an environment variable as they are',
    };
  }
  return null;
}

/** How a secret stands. */
export type SecretState =
  | { state: 'entered' }
  | { state: 'forgotten' }
  | { state: 'set'; origin: Origin | null }
  | { state: 'not_set' };

export function secretState(
  draft: ConnectionDraft,
  field: Pick<ConnectionField, 'key' | 'spellings'>,
  listed: ListedConnection | null,
  origins: readonly Origin[],
): SecretState {
  const entered = draft.secrets[field.key];
  if (entered !== undefined) return entered === '' ? { state: 'forgotten' } : { state: 'entered' };
  if (listed === null) return { state: 'not_set' };
  const origin = originOf(field.spellings, listed, origins);
  if (origin !== null) return { state: 'set', origin };
  const value = field.spellings.some((path) => pathHas(draft.table, path));
  return value ? { state: 'set', origin: null } : { state: 'not_set' };
}

function pathHas(table: Table, path: readonly string[]): boolean {
  let value: unknown = table;
  for (const key of path) value = isTable(value) ? value[key] : undefined;
  return value !== undefined && value !== '';
}

/** Where the value of a field comes from; null where no place has it. */
export function originOf(
  spellings: readonly (readonly string[])[],
  { path }: ListedConnection,
  origins: readonly Origin[],
): Origin | null {
  for (const spelling of spellings) {
    const full = `${path}.${spelling.join('.')}`;
    const origin = origins.find((known) => known.path === full);
    if (origin !== undefined) return origin;
  }
  return null;
}

/** A place as people know it: `environment variable SOURCES__SHOP__PASSWORD`. */
export function placeText({ origin, place }: Origin): string {
  if (origin === 'environment') return `environment variable ${place}`;
  if (origin === 'keychain') return 'keychain';
  return origin;
}

/** A name of a map's value that is a secret: `headers.X-API-Key`. */
export function isSecretEntry(field: ConnectionField, name: string): boolean {
  return isSecretKey(['sources', 'NAME', ...field.path, name]);
}

/** The section as it will stand in config.toml; secrets as comments that say where they are. */
export function tomlPreview(
  draft: ConnectionDraft,
  listed: ListedConnection | null,
  origins: readonly Origin[],
): string {
  const lines: string[] = [];
  const base = listed !== null && draft.name === listed.name ? listed.path.split('.')[0] : draft.section;
  const secretLine = (path: readonly string[]): string => {
    const key = path.join('.');
    const origin = listed === null ? null : originOf([path], listed, origins);
    const entered = draft.secrets[key] !== undefined;
    const where = entered || origin === null ? 'in this computer’s keychain' : `in ${placeText(origin)}`;
    return `# ${path.at(-1)}: ${where === 'in keychain' ? 'in this computer’s keychain' : where}`;
  };
  const write = (table: Table, path: readonly string[]) => {
    const flat: string[] = [];
    const below: [string, Table][] = [];
    for (const [key, value] of Object.entries(table)) {
      if (isTable(value)) below.push([key, value]);
      else if (typeof value === 'string' && value.includes(SECRET_PLACEHOLDER)) {
        if (draft.secrets[[...path, key].join('.')] !== '') flat.push(secretLine([...path, key]));
      } else if (value !== undefined) flat.push(`${tomlKey(key)} = ${tomlValue(value)}`);
    }
    for (const key of Object.keys(draft.secrets)) {
      const parts = key.split('.');
      const here = parts.length === path.length + 1 && path.every((part, index) => part === parts[index]);
      if (here && draft.secrets[key] !== '' && !Object.hasOwn(table, parts.at(-1) as string))
        flat.push(secretLine(parts));
    }
    if (flat.length > 0 || path.length === 0) {
      if (lines.length > 0) lines.push('');
      lines.push(`[${[base as string, draft.name || 'NAME', ...path].map(tomlKey).join('.')}]`, ...flat);
    }
    for (const [key, inner] of below) write(inner, [...path, key]);
  };
  // A table that only the secret makes: `[sources.shop.auth]` with a token and nothing else.
  let table: Table =
    draft.section === 'sources' && draft.type === draft.name ? draft.table : { type: draft.type, ...draft.table };
  for (const key of Object.keys(draft.secrets)) {
    const parent = key.split('.').slice(0, -1);
    if (parent.length > 0 && !pathHas(table, parent)) table = withValue(table, [...parent, ' '], undefined);
  }
  write(table, []);
  return lines.join('\n');
}

function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (isTable(value)) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${tomlKey(key)} = ${tomlValue(inner)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
