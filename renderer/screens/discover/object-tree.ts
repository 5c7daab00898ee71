import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { objectId } from '../../stores/object-id.ts';

/** A line of the tree: a schema or folder, or an object in it. */
export type TreeLine =
  | { kind: 'group'; id: string; name: string; open: boolean; objects: readonly DiscoveredObject[]; found: number }
  | { kind: 'object'; id: string; object: DiscoveredObject; group: string };

/** The schema; of files the folder that they lie in. */
export function groupOf({ schema, kind, name }: DiscoveredObject): string {
  if (schema !== null) return schema;
  if (kind !== 'file_group') return '';
  const folder = name.split('/').find((part) => part !== '');
  return folder === undefined || folder.includes('*') ? '' : folder;
}

/** The lines that are shown: groups by name, in each the objects that a search finds. A group whose own name is found shows all. */
export function treeLines(
  objects: readonly DiscoveredObject[],
  search: string,
  closed: ReadonlySet<string>,
): TreeLine[] {
  const wanted = search.trim().toLowerCase();
  const groups = new Map<string, DiscoveredObject[]>();
  for (const object of objects) {
    const group = groupOf(object);
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [object]);
    else list.push(object);
  }
  const lines: TreeLine[] = [];
  for (const [name, all] of [...groups].sort(([one], [other]) => one.localeCompare(other))) {
    const whole = wanted === '' || name.toLowerCase().includes(wanted);
    const found = whole
      ? [...all]
      : all.filter((object) => `${object.name} ${object.comment ?? ''}`.toLowerCase().includes(wanted));
    if (found.length === 0) continue;
    found.sort((one, other) => one.name.localeCompare(other.name));
    const open = wanted !== '' || !closed.has(name);
    lines.push({ kind: 'group', id: `group ${name}`, name, open, objects: found, found: found.length });
    if (!open) continue;
    for (const object of found) lines.push({ kind: 'object', id: objectId(object), object, group: name });
  }
  return lines;
}

/** True all, false none, null some of these are ticked. */
export function tickedState(objects: readonly DiscoveredObject[], ticked: ReadonlySet<string>): boolean | null {
  let count = 0;
  for (const object of objects) if (ticked.has(objectId(object))) count += 1;
  if (count === 0) return false;
  return count === objects.length ? true : null;
}

/** All of these ticked, or, where they are already, none. */
export function toggled(objects: readonly DiscoveredObject[], ticked: ReadonlySet<string>): ReadonlySet<string> {
  const all = tickedState(objects, ticked) === true;
  const next = new Set(ticked);
  for (const object of objects) {
    if (all) next.delete(objectId(object));
    else next.add(objectId(object));
  }
  return next;
}

export function countText(count: number | null): string {
  if (count === null) return '';
  if (count < 1000) return String(count);
  const units = ['', 'k', 'M', 'bn'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`;
}
