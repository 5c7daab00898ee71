import type { SecretProvider } from './provider.ts';
import { isSecretValue } from './secret-values.ts';
import { isTable, leafPaths, valueAt } from './table.ts';

/** Variables, as `process.env` gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export const ENVIRONMENT_PLACE = 'environment';

const SECTIONS = ['sources', 'destination', 'destinations', 'notifications', 'telemetry', 'history', 'key_vault'];

/**
 * Values from environment variables in dlt's form: the key path in upper case, joined by two underscores
 * (`SOURCES__SHOP__PASSWORD`, `DESTINATION__DATABRICKS__ACCESS_TOKEN`), in any case, to any depth.
 * A name is given back in the spelling of `known` paths where one matches (letters that a variable cannot hold count as `_`), else in lower case.
 * An empty variable counts as not set: CI systems set a missing secret so.
 * A JSON object or list becomes a table or list, unless its key is a secret's; models read numbers and booleans from text themselves.
 *
 * @param known key paths of the project: what its files say, and the names that its workbook uses
 */
export function environmentProvider(
  environment: Environment,
  known: readonly (readonly string[])[] = [],
): SecretProvider {
  const tree = nameTree(known);
  const values = new Map<string, { path: string[]; value: unknown; variable: string }>();
  // Upper case is dlt's own form: it comes last and so wins over another spelling of the same variable.
  const variables = Object.keys(environment).sort(
    (a, b) => Number(a === a.toUpperCase()) - Number(b === b.toUpperCase()),
  );
  for (const variable of variables) {
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    const path = pathOf(variable, tree);
    if (path === null) continue;
    const value = mayBeStructured(path) ? structured(text) : text;
    // A JSON table is laid over the other places key by key, like a TOML table.
    const leaves = isTable(value) ? leafPaths(value) : [[]];
    for (const leaf of leaves) {
      const whole = [...path, ...leaf];
      values.set(JSON.stringify(whole), {
        path: whole,
        value: isTable(value) ? valueAt(value, leaf) : value,
        variable,
      });
    }
  }
  return {
    name: ENVIRONMENT_PLACE,
    async get(path) {
      const found = values.get(JSON.stringify(path));
      return found === undefined ? null : { kind: 'value', value: found.value, place: found.variable };
    },
    async paths() {
      return [...values.values()].map(({ path }) => path);
    },
  };
}

/** The variable that a key path is looked up under, e.g. for hints: `SOURCES__SHOP__PASSWORD`. */
export function variableName(path: readonly string[]): string {
  return path.map(variablePart).join('__');
}

function variablePart(key: string): string {
  return key.toUpperCase().replace(/[^\p{L}\p{N}_]/gu, '_');
}

interface NameNode {
  key: string;
  children: Map<string, NameNode>;
}

function nameTree(known: readonly (readonly string[])[]): NameNode {
  const root: NameNode = { key: '', children: new Map() };
  for (const path of [...SECTIONS.map((section) => [section]), ...known]) {
    let node = root;
    for (const key of path) {
      const part = variablePart(key);
      let child = node.children.get(part);
      if (child === undefined) {
        child = { key, children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
  }
  return root;
}

/** Null where the variable does not begin with a section of the project. */
function pathOf(variable: string, tree: NameNode): string[] | null {
  const parts = variable.toUpperCase().split('__');
  if (parts.length < 2 || !tree.children.has(parts[0]!)) return null;
  const path: string[] = [];
  let node: NameNode | undefined = tree;
  let i = 0;
  while (i < parts.length) {
    // A known name may hold two underscores itself (`shop__eu`): the longest that is known wins.
    let next: NameNode | undefined;
    let taken = 1;
    for (let n = parts.length - i; n >= 1 && node !== undefined && next === undefined; n -= 1) {
      next = node.children.get(parts.slice(i, i + n).join('__'));
      taken = n;
    }
    if (next === undefined) taken = 1;
    const key = next?.key ?? parts[i]!.toLowerCase();
    if (key === '') return null;
    path.push(key);
    node = next;
    i += taken;
  }
  return path;
}

// dlt takes a table of credentials as JSON; a password that looks like JSON stays what it is.
function mayBeStructured(path: readonly string[]): boolean {
  return path.at(-1) === 'credentials' || !isSecretValue(path);
}

function structured(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
