import { z } from 'zod';
import { API_ALIASES } from './api-table.ts';
import { connectionModels } from './connection.ts';
import { DATABASE_ALIASES } from './database-table.ts';
import { destinationModels } from './destination.ts';
import { type JobColumnName, jobColumn } from './job-columns.ts';
import type { DestinationType, SourceType } from './kinds.ts';
import type { Table } from './project.ts';
import { resourceOptionsModel } from './resource.ts';
import { isSecretKey } from './secret-keys.ts';
import { isTable } from './toml-table.ts';

/**
 * The one table of connection fields: it drives the window's forms and the documents. What a field takes (type, range, choices, default,
 * whether it must be given) is read from the models of `connection.ts` and `destination.ts`; only its words and its place stand here.
 */
export type Section = 'sources' | 'destinations';

/** How a field is entered. `map`: names with values, such as headers. */
export type FieldControl = 'text' | 'integer' | 'number' | 'choice' | 'flag' | 'secret' | 'map';

export interface Shown {
  key: string;
  in: readonly string[];
}

export interface ConnectionField {
  /** Where the canonical TOML says it below its section: `['host']`, `['auth', 'token']`. */
  path: readonly string[];
  /** The same with dots; also the key of a secret in `connection.save`. */
  key: string;
  label: string;
  help: string;
  tab: string;
  /** Heading that it stands below, within its tab. */
  group: string | null;
  control: FieldControl;
  /** Its value goes to the keychain, not into config.toml. In a map: each value whose name says so. */
  secret: boolean;
  /** The connection cannot do without it, whatever the other fields say. */
  required: boolean;
  /** As the field shows it where nothing is set; null where that means nothing. */
  default: string | number | boolean | null;
  choices: readonly string[];
  min: number | null;
  max: number | null;
  /** Shown only where another field (of bucket_url: its {@link Store}) has one of these values. */
  shown: Shown | null;
  /** Takes the whole width: its values are long. */
  wide: boolean;
  /** Offered as values: the project's destinations that lie in a bucket. Any other text is taken, too. */
  offers: 'bucket destinations' | null;
  example: string | null;
  /** Other places where the TOML may say it, strongest first; {@link path} is the first of them. */
  spellings: readonly (readonly string[])[];
}

/** Ways to say one matter that exclude each other, such as how to sign in. The fields that are set say which, or a key that an option sets. */
export interface FieldWay {
  key: string;
  label: string;
  tab: string;
  group: string | null;
  shown: Shown | null;
  /** The first whose {@link WayOption.tells} are all set is meant; where none is, the one that needs nothing, else the first. */
  options: readonly WayOption[];
}

export interface WayOption {
  value: string;
  label: string;
  help: string;
  /** Fields of this way; those that no way names are shown always. */
  fields: readonly string[];
  tells: readonly string[];
  /** Choosing it sets this field, which the form does not show; the field tells it, whatever else is set. */
  sets?: { key: string; value: string };
}

export interface ConnectionKind {
  section: Section;
  type: SourceType | DestinationType;
  label: string;
  /** One line for the choice of a new connection. */
  about: string;
  tabs: readonly string[];
  fields: readonly ConnectionField[];
  ways: readonly FieldWay[];
}

/** What the table says of a field, over what the model says. */
export interface Words {
  label: string;
  help?: string;
  tab?: string;
  group?: string;
  shown?: [key: string, ...values: string[]];
  example?: string;
  offers?: ConnectionField['offers'];
  wide?: boolean;
}

/** What the table says of a way; `group` defaults to none, `shown` to always. */
export type WayWords = Omit<FieldWay, 'group' | 'shown'> & Partial<Pick<FieldWay, 'group' | 'shown'>>;

type Shape = Readonly<Record<string, z.ZodType>>;

/** What a model takes, its wrappers taken off. */
interface Facts {
  control: FieldControl;
  required: boolean;
  default: string | number | boolean | null;
  choices: readonly string[];
  min: number | null;
  max: number | null;
  description: string | null;
  shape: Shape | null;
}

/** Looks through defaults, optionality and preprocessing at what a model takes. */
function factsOf(model: z.ZodType): Facts {
  let inner: unknown = model;
  let required = true;
  let preset: Facts['default'] = null;
  let description = model.description ?? null;
  for (;;) {
    if (inner instanceof z.ZodDefault) {
      required = false;
      const value: unknown = inner.def.defaultValue;
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') preset = value;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
      required = false;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodPipe) inner = inner.def.out;
    else break;
    description ??= (inner as z.ZodType).description ?? null;
  }
  const facts: Facts = {
    control: 'text',
    required,
    default: preset === '' ? null : preset,
    choices: [],
    min: null,
    max: null,
    description,
    shape: null,
  };
  if (inner instanceof z.ZodEnum) return { ...facts, control: 'choice', choices: inner.options.map(String) };
  if (inner instanceof z.ZodBoolean) return { ...facts, control: 'flag' };
  if (inner instanceof z.ZodRecord) return { ...facts, control: 'map' };
  if (inner instanceof z.ZodObject) return { ...facts, shape: inner.shape as Shape };
  if (inner instanceof z.ZodNumber) {
    return {
      ...facts,
      control: inner.isInt ? 'integer' : 'number',
      min: inner.minValue,
      max: inner.maxValue === Number.MAX_SAFE_INTEGER ? null : inner.maxValue,
    };
  }
  return facts;
}

/** The model below a key path, through tables. */
function modelAt(shape: Shape, path: readonly string[]): z.ZodType | undefined {
  const [key, ...rest] = path as [string, ...string[]];
  const model = Object.hasOwn(shape, key) ? shape[key] : undefined;
  if (model === undefined || rest.length === 0) return model;
  const below = factsOf(model).shape;
  return below === null ? undefined : modelAt(below, rest);
}

function aliasesOf(aliases: Readonly<Record<string, string>>, name: string): string[] {
  return [name, ...Object.keys(aliases).filter((alias) => aliases[alias] === name)];
}

/** dlt's and the plan's names inside `auth`. */
const AUTH_TABLE_KEYS = { ...API_ALIASES, name: 'api_key_name', location: 'api_key_location', access_token: 'token' };
/** dlt's names inside `pagination`. */
const PAGINATION_KEYS = {
  type: 'pagination_type',
  limit: 'page_size',
  per_page: 'page_size',
  page: 'base_page',
  maximum_page: 'max_pages',
};
const FILE_ALIASES = { path: 'bucket_url', url: 'bucket_url' };
const DESTINATION_ALIASES: Record<DestinationType, Readonly<Record<string, string>>> = {
  duckdb: { dataset_name: 'schema', database: 'path', credentials: 'path' },
  filesystem: { dataset_name: 'schema', ...FILE_ALIASES },
  databricks: { dataset_name: 'schema', host: 'server_hostname', token: 'access_token' },
};

/** All places that say a field, in the order in which the readers of TOML (source-table, destination-table) look at them. */
function spellingsOf(section: Section, type: string, path: readonly string[], pagination: boolean): string[][] {
  const [key] = path as [string];
  const leaf = path.at(-1) as string;
  if (section === 'destinations') {
    const flat = aliasesOf(DESTINATION_ALIASES[type as DestinationType], key).map((name) => [name]);
    return [...flat, ...flat.map(([name]) => ['credentials', name as string])];
  }
  if (type === 'api') {
    if (key === 'auth') {
      const below = leaf === 'type' ? ['type', 'auth_type'] : aliasesOf(AUTH_TABLE_KEYS, leaf);
      const flat = leaf === 'type' ? ['auth_type'] : aliasesOf({ ...API_ALIASES }, leaf);
      const places = [...below.map((name) => ['auth', name]), ...flat.map((name) => [name])];
      return [...places, ...places.map((place) => ['client', ...place])];
    }
    if (pagination) {
      const below = aliasesOf(PAGINATION_KEYS, key);
      return [
        [key],
        ...below.map((name) => ['pagination', name]),
        ...below.map((name) => ['paginator', name]),
        ...below.map((name) => ['client', 'paginator', name]),
      ];
    }
    const flat = aliasesOf(API_ALIASES, key).map((name) => [name, ...path.slice(1)]);
    return [...flat, ...flat.map((place) => ['client', ...place])];
  }
  const aliases = type === 'filesystem' ? FILE_ALIASES : DATABASE_ALIASES;
  const flat = aliasesOf(aliases, key).map((name) => [name]);
  return [...flat, ...flat.map(([name]) => ['credentials', name as string])];
}

function field(
  section: Section,
  type: string,
  path: readonly string[],
  facts: Facts,
  words: Words & { tab: string },
  pagination = false,
): ConnectionField {
  const key = path.join('.');
  const secret = isSecretKey([section, 'NAME', ...path]);
  return {
    path,
    key,
    label: words.label,
    help: words.help ?? facts.description ?? '',
    tab: words.tab,
    group: words.group ?? null,
    control: secret ? 'secret' : facts.control,
    secret: secret || key === 'headers',
    required: facts.required,
    default: facts.default,
    choices: facts.choices,
    min: facts.min,
    max: facts.max,
    shown: words.shown === undefined ? null : { key: words.shown[0], in: words.shown.slice(1) },
    wide: words.wide ?? false,
    offers: words.offers ?? null,
    example: words.example ?? null,
    spellings: spellingsOf(section, type, path, pagination),
  };
}

export type TabWords = readonly [tab: string, fields: Readonly<Record<string, Words>>];

/** A kind's form: what its model takes, with the words and the places of the table. */
export function kind(
  section: Section,
  type: SourceType | DestinationType,
  about: Pick<ConnectionKind, 'label' | 'about'>,
  tabs: readonly TabWords[],
  ways: readonly WayWords[] = [],
): ConnectionKind {
  const model =
    section === 'sources' ? connectionModels[type as SourceType] : destinationModels[type as DestinationType];
  const fields = tabs.flatMap(([tab, entries]) =>
    Object.entries(entries).map(([key, words]) => {
      const path = key.split('.');
      const own = modelAt(model.shape, path);
      const facts = own === undefined ? jobDefaultFacts(key) : factsOf(own);
      return field(section, type, path, facts, { tab, ...words }, own === undefined);
    }),
  );
  const told = ways.map((way) => ({ group: null, shown: null, ...way }));
  return { section, type, ...about, tabs: tabs.map(([tab]) => tab), fields, ways: told };
}

/** What the jobs of a connection take over from it: a column of the workbook, or an option that has none. */
function jobDefaultFacts(key: string): Facts {
  if (Object.hasOwn(resourceOptionsModel.shape, key)) {
    return { ...factsOf(resourceOptionsModel.shape[key as keyof typeof resourceOptionsModel.shape]), required: false };
  }
  const column = jobColumn(key as JobColumnName);
  const control = column.kind === 'enum' ? 'choice' : column.kind === 'integer' ? 'integer' : 'text';
  return {
    control,
    required: false,
    default: column.kind === 'integer' && column.default !== null ? Number(column.default) : column.default,
    choices: column.values ?? [],
    min: column.min ?? null,
    max: column.max ?? null,
    description: column.help,
    shape: null,
  };
}

/** The value under a key path, or undefined. */
export function valueAt(table: Table, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const key of path) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** What a section says of a field, with the path that says it; null where none does. */
export function fieldEntry(
  table: Table,
  { spellings, key }: ConnectionField,
): { value: unknown; path: string[] } | null {
  for (const path of spellings) {
    const value = valueAt(table, path);
    if (value !== undefined && value !== null && value !== '') return { value, path: [...path] };
  }
  // A word in place of a table is its type; a number is requests a minute.
  const short = key === 'auth.type' ? table.auth : key === 'pagination_type' ? table.pagination : undefined;
  if (typeof short === 'string') return { value: short, path: [key === 'auth.type' ? 'auth' : 'pagination'] };
  if (typeof table.rate_limit !== 'number') return null;
  if (key === 'rate_limit.requests_per_second') return { value: table.rate_limit / 60, path: ['rate_limit'] };
  return key === 'rate_limit.burst_limit' ? { value: 1, path: ['rate_limit'] } : null;
}

/** Where a bucket_url leads. */
export type Store = 'local' | 'azure' | 's3' | 'gcs';

export function storeOf(bucketUrl: unknown): Store {
  const scheme = /^\s*([a-z][a-z0-9+.-]+):\/\//i.exec(typeof bucketUrl === 'string' ? bucketUrl : '')?.[1];
  if (scheme === undefined) return 'local';
  if (/^(az|azure|abfss?|https?)$/i.test(scheme)) return 'azure';
  if (/^s3a?$/i.test(scheme)) return 's3';
  return /^(gs|gcs)$/i.test(scheme) ? 'gcs' : 'local';
}

/** The values of a form, by the key of their field; of ways what a person chose. */
export interface FormValues {
  value(key: string): unknown;
  /** The option of a way that a person chose, or undefined. */
  chosen?(way: string): string | undefined;
}

function holds(kindOf: ConnectionKind, shown: Shown | null, { value }: FormValues): boolean {
  if (shown === null) return true;
  const said = value(shown.key) ?? kindOf.fields.find(({ key }) => key === shown.key)?.default;
  if (shown.key === 'bucket_url') return shown.in.includes(storeOf(said));
  return typeof said === 'string' && shown.in.includes(said.toLowerCase());
}

/** Does the form show a field or a way, given the other fields' values (or defaults)? */
export function isShown(kindOf: ConnectionKind, field: ConnectionField | FieldWay, values: FormValues): boolean {
  if (!holds(kindOf, field.shown, values)) return false;
  if (kindOf.ways.some(({ options }) => options.some(({ sets }) => sets?.key === field.key))) return false;
  return kindOf.ways.every((way) => {
    const owners = way.options.filter(({ fields }) => fields.includes(field.key));
    // A field can belong to a way of another store: that one has no say.
    if (owners.length === 0 || !holds(kindOf, way.shown, values)) return true;
    return owners.includes(wayOption(way, values));
  });
}

/** Which of a way's options is meant: what a person chose, else what the values tell. */
export function wayOption(way: FieldWay, { value, chosen }: FormValues): WayOption {
  const isSet = (key: string) => !['', undefined, null].includes(value(key) as string | undefined | null);
  const wanted = chosen?.(way.key);
  return (
    way.options.find((option) => option.value === wanted) ??
    way.options.find(({ sets }) => sets !== undefined && value(sets.key) === sets.value) ??
    way.options.find(({ tells }) => tells.length > 0 && tells.every(isSet)) ??
    way.options.find(({ tells, sets }) => tells.length === 0 && sets === undefined) ??
    (way.options[0] as WayOption)
  );
}
