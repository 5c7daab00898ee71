import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import {
  INCREMENTAL_BOUNDS,
  PLACEHOLDER,
  parentNames,
  placeholdersOf,
  resolvedParams,
} from '../../spec/placeholders.ts';
import { scalarText } from './json.ts';
import { compileJsonPath, isObject } from './json-path.ts';
import type { JsonRecord } from './records.ts';

/** What placeholders stand for while one request is made. */
export interface Bindings {
  /** Values of the parent's record by the path of their field; null for a resource without parent. */
  parent: JsonRecord | null;
  /** The bounds as the API takes them; null where there is none. */
  start: string | null;
  end: string | null;
}

export const NO_BINDINGS: Bindings = { parent: null, start: null, end: null };

/** The parent of a job and what is needed of its records. */
export interface ParentLink {
  resource: string;
  /** Paths that placeholders need. */
  bound: string[];
  /** Fields that go into the child rows. */
  include: string[];
  /** Placeholders of the path that stand for a field: dlt's `resolve` parameters and options.parent. */
  names: ReadonlyMap<string, string>;
}

/**
 * The parent of a job; null where it has none.
 * @throws IngestError API_PARENT_SEVERAL
 */
export function parentOf(job: Job): ParentLink | null {
  const [resource, other] = parentNames(job);
  if (resource === undefined) return null;
  if (other !== undefined) {
    throw new IngestError(
      'API_PARENT_SEVERAL',
      `${job.table_name} has two parent resources, ${resource} and ${other}.`,
      {
        hint: 'A resource can have one parent; fields of its own parent can be taken along with include.',
      },
    );
  }
  const { parent, include_from_parent } = job.options;
  const names = new Map<string, string>();
  if (parent?.field !== undefined) names.set(parent.param ?? parent.field, parent.field);
  for (const { name, field } of resolvedParams(job)) names.set(name, field);
  const bound = new Set(names.values());
  for (const { resource: parentName, field } of placeholdersOf(job)) if (parentName !== null) bound.add(field);
  const include = [...new Set([...(parent?.include ?? []), ...include_from_parent])];
  return { resource, bound: [...bound], include, names };
}

/** True where the request says the end of an incremental read. */
export function carriesEnd(job: Job): boolean {
  const { incremental } = job.options;
  if (incremental?.end_param !== undefined || incremental?.end_body_path !== undefined) return true;
  return placeholdersOf(job).some(({ context, field }) => context === 'incremental' && field === 'end_value');
}

/** True where the request says the beginning of an incremental read. */
export function carriesStart(job: Job): boolean {
  const { incremental } = job.options;
  if (incremental?.start_param !== undefined || incremental?.start_body_path !== undefined) return true;
  return placeholdersOf(job).some(({ context, field }) => context === 'incremental' && field !== 'end_value');
}

/** A text with its placeholders filled in; undefined where one has no value. A text that is one placeholder gives the value itself. */
export function filled(text: string, job: Job, bindings: Bindings): unknown {
  const whole = /^\{\s*(resources|incremental)\.([^{}]+?)\s*\}$/.exec(text);
  if (whole) return bindingOf(whole[1] as string, whole[2] as string, job, bindings);
  let missing = false;
  const result = text.replace(PLACEHOLDER, (_all, context: string, rest: string) => {
    const value = scalarText(bindingOf(context, rest, job, bindings));
    if (value === null) missing = true;
    return value ?? '';
  });
  return missing ? undefined : result;
}

/** A JSON value with the placeholders of its texts filled in; entries without a value are left out. */
export function filledDeep(value: unknown, job: Job, bindings: Bindings): unknown {
  if (typeof value === 'string') return value.includes('{') ? filled(value, job, bindings) : value;
  if (Array.isArray(value))
    return value.map((item) => filledDeep(item, job, bindings)).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, filledDeep(item, job, bindings)] as const)
      .filter(([, item]) => item !== undefined),
  );
}

function bindingOf(context: string, rest: string, job: Job, bindings: Bindings): unknown {
  if (context === 'resources') {
    const at = rest.indexOf('.');
    return bindings.parent?.[rest.slice(at + 1)];
  }
  switch (rest) {
    case 'start_value':
    case 'last_value':
      return bindings.start ?? undefined;
    case 'initial_value':
      return job.last_watermark ?? bindings.start ?? undefined;
    case 'end_value':
      return bindings.end ?? undefined;
    default:
      throw new IngestError(
        'API_PLACEHOLDER',
        `${job.table_name} has the placeholder {incremental.${rest}}, which is not known.`,
        {
          hint: `Use one of ${INCREMENTAL_BOUNDS.map((name) => `{incremental.${name}}`).join(', ')}.`,
        },
      );
  }
}

/** The fields of a parent's record that a child needs, by their path, and the fields for its rows. */
export function parentValues(record: JsonRecord, link: ParentLink, describe: () => string): JsonRecord {
  const values: JsonRecord = {};
  for (const path of link.bound) {
    const value = compileJsonPath(path).first(record);
    if (value === undefined) throw missingField(path, record, link, describe);
    if (value !== null && scalarText(value) === null) {
      throw new IngestError(
        'API_PARENT_FIELD',
        `${describe()}: the field ${path} is ${Array.isArray(value) ? 'a list' : 'an object'}, not a value.`,
        {
          hint: `Name a field that holds one value, such as ${path}.id.`,
        },
      );
    }
    values[path] = value;
  }
  return values;
}

/** `_PARENT_FIELD` of each field to include, as dlt names them. */
export function includedFields(record: JsonRecord, link: ParentLink, describe: () => string): JsonRecord {
  return Object.fromEntries(
    link.include.map((field) => {
      const value = Object.hasOwn(record, field) ? record[field] : compileJsonPath(field).first(record);
      if (value === undefined) throw missingField(field, record, link, describe);
      return [`_${link.resource}_${field}`, value];
    }),
  );
}

function missingField(field: string, record: JsonRecord, link: ParentLink, describe: () => string): IngestError {
  return new IngestError('API_PARENT_FIELD', `${describe()} has no field ${field}.`, {
    hint: `Records of ${link.resource} have ${Object.keys(record).slice(0, 12).join(', ')}.`,
  });
}
