import type { Job } from './job.ts';

/** `{resources.users.id}` or `{incremental.start_value}` in a job's path, parameters, headers or body. */
export interface Placeholder {
  /** As it was written, with its braces. */
  text: string;
  context: 'resources' | 'incremental';
  /** Null for `incremental`, and where no field follows the resource. */
  resource: string | null;
  /** Path of the field, or the name of the bound. */
  field: string;
  /** It stands in the sheet, not in the resource's options. */
  inEndpoint: boolean;
}

export const PLACEHOLDER = /\{\s*(resources|incremental)\.([^{}]+?)\s*\}/g;

/** What can stand behind `incremental.`; last_value is dlt's name for start_value. */
export const INCREMENTAL_BOUNDS = ['start_value', 'last_value', 'initial_value', 'end_value'] as const;

/** All placeholders of contexts in path, parameters, headers and body. */
export function placeholdersOf({ api_endpoint, options }: Pick<Job, 'api_endpoint' | 'options'>): Placeholder[] {
  const found: Placeholder[] = [];
  const look = (value: unknown, inEndpoint: boolean): void => {
    if (typeof value === 'string') {
      if (!value.includes('{')) return;
      for (const [text, context, rest = ''] of value.matchAll(PLACEHOLDER)) {
        const at = context === 'resources' ? rest.indexOf('.') : -1;
        found.push({
          text,
          context: context as Placeholder['context'],
          resource: at > 0 ? rest.slice(0, at) : null,
          field: rest.slice(at + 1),
          inEndpoint,
        });
      }
    } else if (typeof value === 'object' && value !== null)
      for (const item of Object.values(value)) look(item, inEndpoint);
  };
  look(api_endpoint, true);
  const { params, headers, body } = options;
  look([params, headers, body], false);
  return found;
}

/** dlt's parameters `{ type = "resolve", resource, field }`. */
export function resolvedParams({ options }: Pick<Job, 'options'>): { name: string; resource: string; field: string }[] {
  return Object.entries(options.params).flatMap(([name, value]) => {
    if (typeof value !== 'object' || value === null) return [];
    const { type, resource, field } = value as Record<string, unknown>;
    return type === 'resolve' && typeof resource === 'string' && typeof field === 'string'
      ? [{ name, resource, field }]
      : [];
  });
}

/** The names of the resources that a job asks for one request a record; one at most in a job that is right. */
export function parentNames(job: Pick<Job, 'api_endpoint' | 'options'>): string[] {
  const names = new Set<string>();
  if (job.options.parent) names.add(job.options.parent.resource);
  for (const { resource } of resolvedParams(job)) names.add(resource);
  for (const { resource } of placeholdersOf(job)) if (resource !== null) names.add(resource);
  return [...names];
}
