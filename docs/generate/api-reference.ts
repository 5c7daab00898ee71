import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAst } from 'vite';

/** What a program may build on: the files of each part, in the order of reading. */
const PARTS: { title: string; about: string; files: string[] }[] = [
  {
    title: 'Projects',
    about: 'Open a project, check it, export it.',
    files: [
      'open-project.ts',
      'spec/validate-project.ts',
      'spec/project.ts',
      'spec/finding.ts',
      'bundle/export-bundle.ts',
      'bundle/write-bundle.ts',
      'bundle/verify-bundle.ts',
      'spec/project-diff.ts',
    ],
  },
  {
    title: 'Runs',
    about: 'Plan and run jobs, follow what happens.',
    files: ['pipeline/plan-run.ts', 'pipeline/run-project.ts', 'runs/events.ts', 'runs/history.ts'],
  },
  {
    title: 'Sources',
    about: 'The interface that every kind of source answers, and how one is opened.',
    files: ['connectors.ts', 'sources/source.ts'],
  },
  {
    title: 'Destinations',
    about: 'The interface that every kind of destination answers.',
    files: [
      'destinations/destination.ts',
      'destinations/capabilities.ts',
      'destinations/reader.ts',
      'load/load-package.ts',
      'state/job-state.ts',
    ],
  },
  {
    title: 'DuckDB',
    about: 'The columnar workspace of a run, and the door for rows.',
    files: ['duckdb/workspace.ts', 'duckdb/chunk-writer.ts'],
  },
  {
    title: 'Secrets',
    about: 'Where a secret comes from, and how it stays out of everything.',
    files: ['secrets/provider.ts', 'secrets/secret-store.ts', 'secrets/redaction.ts'],
  },
  { title: 'Errors', about: 'What every function throws.', files: ['errors.ts'] },
];

// biome-ignore lint/suspicious/noExplicitAny: ESTree with TypeScript's nodes.
type Node = any;

interface Entry {
  name: string;
  comment: string;
  signature: string;
  members: { signature: string; comment: string }[];
}

/** The text of API_REFERENCE.md: exported functions, classes, interfaces and types with their TSDoc. */
export function apiReference(root: string): string {
  const lines = [
    '# API reference',
    '',
    'The engine is plain Node: a program may use it as the command line does. Generated from the source by `npm run docs`; imports are `ingest-studio/out/engine/FILE.js`.',
    'The calls of a window (`engine/contract.ts`) and the command line (`ingest --help`) are documented where they are.',
    '',
  ];
  for (const part of PARTS) {
    lines.push(`## ${part.title}`, '', part.about, '');
    for (const file of part.files) {
      const entries = exportsOf(readFileSync(path.join(root, 'engine', file), 'utf8'));
      if (entries.length === 0) continue;
      lines.push(`### \`engine/${file}\``, '');
      for (const entry of entries) {
        lines.push('```ts', entry.signature, '```', '', ...(entry.comment === '' ? [] : [entry.comment, '']));
        for (const member of entry.members.filter(({ comment }) => comment !== '')) {
          lines.push(`- \`${member.signature}\`: ${member.comment.replaceAll('\n', ' ')}`);
        }
        if (entry.members.some(({ comment }) => comment !== '')) lines.push('');
      }
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function exportsOf(source: string): Entry[] {
  const tree: Node = parseAst(source, { lang: 'ts' });
  return tree.body.flatMap((node: Node) => {
    if (node.type !== 'ExportNamedDeclaration' || node.declaration === null) return [];
    const { declaration } = node;
    const comment = commentBefore(source, node.start);
    const text = (from: number, to: number) => oneLine(source.slice(from, to));
    switch (declaration.type) {
      case 'FunctionDeclaration':
      case 'TSDeclareFunction':
        return [
          {
            name: declaration.id.name,
            comment,
            signature: text(declaration.start, declaration.body?.start ?? declaration.end),
            members: [],
          },
        ];
      case 'ClassDeclaration':
      case 'TSInterfaceDeclaration': {
        const members = declaration.body.body
          .filter((member: Node) => member.accessibility !== 'private' && member.key?.type !== 'PrivateIdentifier')
          .map((member: Node) => ({
            signature: text(member.start, member.value?.body?.start ?? member.end).replace(/;$/, ''),
            comment: commentBefore(source, member.start),
          }));
        return [
          { name: declaration.id.name, comment, signature: text(declaration.start, declaration.body.start), members },
        ];
      }
      case 'TSTypeAliasDeclaration':
        return [
          { name: declaration.id.name, comment, signature: text(declaration.start, declaration.end), members: [] },
        ];
      case 'VariableDeclaration':
        return declaration.declarations
          .filter(() => comment !== '')
          .map((each: Node) => ({
            name: each.id.name,
            comment,
            signature: `const ${text(each.id.start, each.id.end)}`,
            members: [],
          }));
      default:
        return [];
    }
  });
}

/** The TSDoc that ends right before a position, as Markdown. */
function commentBefore(source: string, position: number): string {
  const match = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(source.slice(0, position));
  if (!match) return '';
  return (match[1] as string)
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim()
    .replace(/\{@link (?:import\('[^']+'\)\.)?([^}]+)\}/g, '`$1`')
    .replace(/^@(\w+)/gm, '**$1**');
}

function oneLine(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
