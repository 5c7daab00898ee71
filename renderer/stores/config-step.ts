import type { Section } from '../../engine/spec/connection-fields.ts';
import { valueAt } from '../../engine/spec/connection-fields.ts';
import type { Table } from '../../engine/spec/project.ts';
import { SECRET_PLACEHOLDER } from '../../engine/spec/secret-placeholder.ts';
import { isTable } from '../../engine/spec/toml-table.ts';

/** One key of config.toml that is another one; undefined where it is not there. */
export interface ConfigChange {
  path: readonly string[];
  before: unknown;
  after: unknown;
}

/**
 * What a step of undo has changed in config.toml. It is written at once, unlike the step's part of the workbook.
 * Secrets are in no step: the window never has them.
 */
export interface ConfigStep {
  changes: readonly ConfigChange[];
  /** A connection that has another name: its secrets go with it. Its values are here and not among the changes. */
  renamed: { section: Section; type: string; from: string; to: string; before: Table; after: Table } | null;
  /** A connection whose secrets were forgotten with it. */
  forgotten: string | null;
  /** A connection whose secrets were entered or forgotten together with it. They stay so, whichever way the step goes: what they were is nowhere. */
  entered: string | null;
}

/** What differs below `roots` from one configuration to the next; null where nothing does. */
export function configStep(before: Table, after: Table, roots: readonly (readonly string[])[]): ConfigStep | null {
  const changes = roots.flatMap((root) => changesBetween(valueAt(before, root), valueAt(after, root), root));
  return changes.length === 0 ? null : { changes, renamed: null, forgotten: null, entered: null };
}

function changesBetween(before: unknown, after: unknown, path: readonly string[]): ConfigChange[] {
  if (isTable(before) && isTable(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      changesBetween(before[key], after[key], [...path, key]),
    );
  }
  const [old, now] = [withoutSecrets(before), withoutSecrets(after)];
  return JSON.stringify(old) === JSON.stringify(now) ? [] : [{ path, before: old, after: now }];
}

/** A value without anything that stands for a secret; undefined where nothing is left. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return value.includes(SECRET_PLACEHOLDER) ? undefined : value;
  if (Array.isArray(value)) return JSON.stringify(value).includes(SECRET_PLACEHOLDER) ? undefined : value;
  if (!isTable(value)) return value;
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const clean = withoutSecrets(inner);
    return clean === undefined ? [] : [[key, clean] as const];
  });
  return Object.fromEntries(entries);
}

/** The step that takes a step back. */
export function reverseStep({ changes, renamed, forgotten, entered }: ConfigStep): ConfigStep {
  return {
    changes: changes.map(({ path, before, after }) => ({ path, before: after, after: before })),
    renamed:
      renamed === null
        ? null
        : { ...renamed, from: renamed.to, to: renamed.from, before: renamed.after, after: renamed.before },
    forgotten,
    entered,
  };
}

/** Top-level keys that turn one table of a connection into another, as `connection.save` takes them: null removes one. */
export function valueChanges(before: Table, after: Table): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key === 'type' || JSON.stringify(before[key]) === JSON.stringify(after[key])) continue;
    const value = withoutSecrets(after[key]);
    changes[key] = value === undefined ? null : value;
  }
  return changes;
}
