import { type PathStep, pathText } from '../../spec/path-text.ts';
import type { Finding, ObservedPage } from './detect.ts';
import { isObject } from './json-path.ts';

interface List {
  path: string;
  length: number;
  /** Entries that are objects. */
  objects: number;
}

const MOST_DEPTH = 4;

/** Where the records are: the list of objects that every page has, the longest where there are several. */
export function detectSelection(
  pages: readonly ObservedPage[],
  inUse: string | null,
  configured: string | null,
): { data_selector?: Finding } {
  const body = pages[0]?.body;
  if (body === undefined) return {};
  if (inUse !== null && configured === inUse && pages.some(({ records }) => records.length > 0)) {
    const lengths = pages.map(({ records }) => records.length);
    return {
      data_selector: {
        value: inUse,
        evidence: `It finds ${counted(lengths)}`,
        confidence: 'certain',
      },
    };
  }
  const lists = listsIn(body, [], 1);
  const filled = lists.filter(({ objects }) => objects > 0);
  const candidates = filled.length > 0 ? filled : lists;
  const best = candidates.toSorted((one, other) => other.length - one.length)[0];
  if (best === undefined) {
    return isObject(body) && inUse === '$'
      ? {
          data_selector: {
            value: '$',
            evidence: 'The response holds no list: it is one record itself',
            confidence: 'likely',
          },
        }
      : {};
  }
  const chosen = candidates.find(({ path }) => path === inUse) ?? best;
  const others = candidates.filter((list) => list !== chosen);
  const what = chosen.objects > 0 ? 'list of objects' : 'list';
  const evidence =
    chosen.path === '$'
      ? `The response is a list of ${chosen.length} ${chosen.length === 1 ? 'entry' : 'entries'}`
      : others.length === 0
        ? `The only ${what} in the response, ${longOn(chosen.length, pages, inUse === chosen.path)}`
        : `A ${what}, ${longOn(chosen.length, pages, inUse === chosen.path)}; there are also ${others
            .slice(0, 4)
            .map(({ path, length }) => `${path} (${length})`)
            .join(', ')}`;
  return {
    data_selector: {
      value: chosen.path,
      evidence,
      confidence: others.length === 0 ? 'certain' : chosen.path === inUse ? 'likely' : 'guess',
    },
  };
}

function longOn(length: number, pages: readonly ObservedPage[], isUsed: boolean): string {
  if (!isUsed || pages.length === 1) return `${length} long`;
  const lengths = pages.map(({ records }) => records.length);
  return new Set(lengths).size === 1 ? `${length} long on every page` : `${lengths.join(', ')} long on the pages`;
}

function counted(lengths: readonly number[]): string {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return lengths.length === 1 ? `${total} records` : `${total} records on ${lengths.length} pages`;
}

/** Lists in objects, not inside lists. */
function listsIn(value: unknown, steps: PathStep[], depth: number): List[] {
  if (Array.isArray(value)) {
    let objects = 0;
    for (const entry of value) if (isObject(entry)) objects += 1;
    return [{ path: pathText(steps), length: value.length, objects }];
  }
  if (!isObject(value) || depth > MOST_DEPTH) return [];
  return Object.entries(value).flatMap(([key, inner]) => listsIn(inner, [...steps, key], depth + 1));
}
