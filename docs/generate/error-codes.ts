import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAst } from 'vite';

/** What the source says of a code: every message and way out that may come with it. */
export interface ErrorCode {
  code: string;
  says: { message: string | null; hint: string | null }[];
}

// The tree is ESTree with TypeScript's nodes; only a few fields of it matter here.
// biome-ignore lint/suspicious/noExplicitAny: a walk over every kind of node.
type Node = any;

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

interface Parameters {
  code: number;
  message: number;
  hint: number;
}

/**
 * Every code that the engine can print: literals that reach `new IngestError(code, …)`, a property `code`, or a parameter of that name.
 * Messages are templates: `…` stands for a value.
 */
export function errorCodes(folders: readonly string[]): ErrorCode[] {
  // The sample's data has words that look like codes.
  const files = folders
    .flatMap(sources)
    .filter((file) => !file.includes('sample-api'))
    .map((file) => ({ file, tree: parse(file) }));
  const found = new Map<string, Map<string, ErrorCode['says'][number]>>();
  const add = (node: Node, message: Node, hint: Node) => {
    for (const code of literals(node)) {
      // Codes of the operating system begin with E and have one word; they are translated before they are printed.
      if (!CODE.test(code) || /^E[A-Z]+$/.test(code)) continue;
      const says = found.get(code) ?? new Map();
      const said = { message: text(message), hint: text(hint) };
      says.set(`${said.message}\n${said.hint}`, said);
      found.set(code, says);
    }
  };
  const functions = codeFunctions(files.map(({ tree }) => tree));
  for (const { tree } of files) {
    walk(tree, (node) => {
      if (node.type === 'NewExpression' && /Error$/.test(node.callee.name ?? '') && node.arguments.length > 0) {
        add(node.arguments[0], node.arguments[1], property(node.arguments[2], 'hint'));
      } else if (node.type === 'CallExpression' && node.callee.type === 'Super') {
        add(node.arguments[0], node.arguments[1], property(node.arguments[2], 'hint'));
      } else if (node.type === 'CallExpression') {
        const name = node.callee.name ?? node.callee.property?.name;
        for (const at of functions.get(name) ?? [])
          add(node.arguments[at.code], node.arguments[at.message], node.arguments[at.hint]);
      } else if (node.type === 'ObjectExpression') {
        const code = property(node, 'code');
        // A finding's message is made of its place and its problem.
        const said = ['message', 'problem', 'says']
          .map((name) => property(node, name))
          .find((each) => each !== undefined);
        if (code !== undefined) add(code, said, property(node, 'hint'));
      }
    });
  }
  return [...found]
    .map(([code, says]) => ({ code, says: [...says.values()].filter(({ message, hint }) => message ?? hint) }))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** Functions and methods that take a code, by name: where among their arguments it, the message and the hint are. */
function codeFunctions(trees: readonly Node[]): Map<string, Parameters[]> {
  const functions = new Map<string, Parameters[]>();
  for (const tree of trees) {
    walk(tree, (node) => {
      const { name, made } = namedFunction(node);
      if (name === undefined) return;
      const names: string[] = made.params.map((param: Node) => param.name ?? param.left?.name);
      const code = names.indexOf('code');
      if (code < 0) return;
      const message = Math.max(names.indexOf('message'), names.indexOf('problem'));
      const at = { code, message, hint: names.indexOf('hint') };
      functions.set(name, [...(functions.get(name) ?? []), at]);
    });
  }
  return functions;
}

function namedFunction(node: Node): { name?: string; made?: Node } {
  if (node.type === 'FunctionDeclaration') return { name: node.id?.name, made: node };
  if (node.type === 'VariableDeclarator' && /Function/.test(node.init?.type ?? ''))
    return { name: node.id.name, made: node.init };
  if (node.type === 'MethodDefinition' || (node.type === 'Property' && /Function/.test(node.value?.type ?? ''))) {
    return { name: node.key?.name, made: node.value };
  }
  return {};
}

/** Texts that an expression may be: a literal, or either side of a choice. */
function literals(node: Node): string[] {
  switch (node?.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'ConditionalExpression':
      return [...literals(node.consequent), ...literals(node.alternate)];
    case 'LogicalExpression':
      return [...literals(node.left), ...literals(node.right)];
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return literals(node.expression);
    default:
      return [];
  }
}

/** A message as a template; null where it is made elsewhere. */
function text(node: Node): string | null {
  switch (node?.type) {
    case 'Literal':
      return typeof node.value === 'string' ? node.value : null;
    case 'TemplateLiteral': {
      const parts = node.quasis.map((quasi: Node) => quasi.value.cooked as string);
      return parts.join('…');
    }
    case 'BinaryExpression': {
      const [left, right] = [text(node.left), text(node.right)];
      return left === null && right === null ? null : `${left ?? '…'}${right ?? '…'}`;
    }
    case 'ConditionalExpression':
      return text(node.consequent) ?? text(node.alternate);
    case 'ArrowFunctionExpression':
      return text(node.body);
    default:
      return null;
  }
}

function property(node: Node, name: string): Node {
  if (node?.type !== 'ObjectExpression') return undefined;
  return node.properties.find((each: Node) => each.key?.name === name || each.key?.value === name)?.value;
}

function walk(node: Node, visit: (node: Node) => void): void {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const each of node) walk(each, visit);
    return;
  }
  if (typeof node.type === 'string') visit(node);
  for (const [key, value] of Object.entries(node)) if (key !== 'parent') walk(value, visit);
}

/** TypeScript files below a folder. */
export function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

function parse(file: string): Node {
  return parseAst(readFileSync(file, 'utf8'), { lang: file.endsWith('x') ? 'tsx' : 'ts' }, file);
}
