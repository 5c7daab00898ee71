import { cp, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { jsonSchemas } from '../../docs/generate/schemas.ts';
import { parseToml } from '../../engine/bundle/toml.ts';
import { toCommandForm } from '../../engine/cli/command-form.ts';
import { shellWords } from '../../engine/spec/shell-words.ts';
import { cli } from '../cli/cli-process.ts';
import { tempFolder } from '../cli/cli-project.ts';

const root = path.join(import.meta.dirname, '../..');

interface Block {
  /** `docs/QUICK_START.md line 7` */
  place: string;
  language: string;
  text: string;
  /** Why it cannot run here: `<!-- not run: REASON -->` above it. */
  reason: string | null;
}

/** Code blocks of a Markdown text. */
function blocksOf(file: string, text: string): Block[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^\s*```(.*)$/.exec(lines[at] as string)?.[1];
    if (language === undefined) continue;
    const begin = at;
    do at += 1;
    while (at < lines.length && !/^\s*```\s*$/.test(lines[at] as string));
    const above = lines.slice(0, begin).findLast((line) => line.trim() !== '') ?? '';
    blocks.push({
      place: `${file} line ${begin + 1}`,
      language: language.trim(),
      text: lines.slice(begin + 1, at).join('\n'),
      reason: /^<!-- not run: (.+) -->$/.exec(above.trim())?.[1] ?? null,
    });
  }
  return blocks;
}

const documents = [
  'README.md',
  'CHANGELOG.md',
  ...(await readdir(path.join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];
const texts = new Map<string, string>();
for (const file of documents) texts.set(file, await readFile(path.join(root, file), 'utf8'));
const blocks = [...texts].flatMap(([file, text]) => blocksOf(file, text));
const of = (...languages: string[]) =>
  blocks
    .filter(({ language, reason }) => languages.includes(language) && reason === null)
    .map((block) => [block.place, block.text] as const);

/** Commands of shell blocks, without comments, by the block's place. */
const commands = of('sh').flatMap(([place, text]) =>
  text
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s+)#.*$/, '').split('&&'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => [place, line] as const),
);
/** And those in running text: `ingest state show`, `--list`'s friends. */
const mentioned = [...texts]
  .filter(([file]) => !/API_REFERENCE|DECISIONS|CHANGELOG/.test(file))
  .flatMap(([file, text]) =>
    [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`((?:dlt-)?ingest [^`…]+)`/g)].map(
      ([, line]) => [file, line as string] as const,
    ),
  );

test('every block says what it is in', () => {
  const known = ['sh', 'toml', 'tsv', 'json', 'yaml', 'text', 'ts'];
  expect(blocks.filter(({ language }) => !known.includes(language)).map(({ place }) => place)).toEqual([]);
  expect(blocks.length).toBeGreaterThan(40);
});

let folder = '';
let remove: () => Promise<void>;
const inside = (name: string) => path.join(folder, name);
beforeAll(async () => {
  ({ folder, remove } = await tempFolder());
  const filter = (file: string) => !file.endsWith('.ts');
  for (const name of ['sample', 'shop'])
    await cp(path.join(root, 'resources/sample'), inside(name), { recursive: true, filter });
  expect((await cli(['-c', inside('sample'), 'run', '-j', 'tag:daily'])).code).toBe(0);
});
afterAll(async () => {
  await remove();
  const left = blocks.filter(({ reason }) => reason !== null);
  console.log(
    `Not run: ${left.length} of ${blocks.length} code blocks. ${left.map(({ place, reason }) => `${place}: ${reason}`).join('; ')}`,
  );
});

/** What a command's help names: option → takes a value. */
const helps = new Map<string, Promise<Map<string, boolean> | null>>();
function optionsOf(words: readonly string[]): Promise<Map<string, boolean> | null> {
  const key = words.join(' ');
  let found = helps.get(key);
  if (found === undefined) {
    found = cli([...words, '--help']).then(({ code, stdout }) => {
      if (code !== 0 || !stdout.startsWith(['Usage: ingest', ...words].join(' '))) return null;
      const options = new Map<string, boolean>();
      for (const [, short, long, value] of stdout.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)(?: (<\w+>))?/gm)) {
        options.set(long as string, value !== undefined);
        if (short !== undefined) options.set(short, value !== undefined);
      }
      return options;
    });
    helps.set(key, found);
  }
  return found;
}

const COMMANDS = (await cli(['--help'])).stdout
  .split('Commands:')[1]!
  .split('Examples:')[0]!
  .matchAll(/^ {2}([a-z][\w-]*)/gm);
const NAMES = [...COMMANDS].map(([, name]) => name as string);

/** What is wrong with a line of `ingest`; null where nothing is. */
async function wrong(line: string): Promise<string | null> {
  const words = toCommandForm(shellWords(line).slice(1), NAMES);
  const global = (await optionsOf([])) as Map<string, boolean>;
  let command: string[] = [];
  // Without a command it is run.
  let options = (await optionsOf(['run'])) as Map<string, boolean>;
  let positional = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (word.startsWith('-')) {
      const takes = options.get(word) ?? global.get(word);
      if (takes === undefined) return `${command.join(' ') || 'ingest'} has no option ${word}`;
      if (takes) at += 1;
      if (takes && words[at] === undefined) return `${word} lacks its value`;
      continue;
    }
    const deeper = command.length === 0 || (positional === 0 && /^(state|secrets)$/.test(command.join(' ')));
    if (!deeper) {
      positional += 1;
      continue;
    }
    command = [...command, word];
    const found = await optionsOf(command);
    if (found === null) return `there is no command ${command.join(' ')}`;
    options = found;
  }
  return null;
}

describe('the command line', () => {
  const lines = [...commands, ...mentioned]
    .map(([place, line]) => [place, line.replace(/^npm run -s ingest -- /, 'ingest ')] as const)
    .filter(([, line]) => /^(dlt-)?ingest\b/.test(line));

  test('what is no command or option is found', async () => {
    expect(await wrong('ingest run --speed 3')).toBe('run has no option --speed');
    expect(await wrong('ingest fly')).toBe('there is no command fly');
    expect(await wrong('ingest state lose orders')).toBe('there is no command state lose');
    expect(await wrong('ingest --job orders --parallel')).toBe(null);
  });

  test('every line is one that the program takes', async () => {
    expect(lines.length).toBeGreaterThan(60);
    const problems: string[] = [];
    for (const [place, line] of lines) {
      const problem = await wrong(line);
      if (problem !== null) problems.push(`${place}: ${line}: ${problem}`);
    }
    expect(problems).toEqual([]);
  });

  /** Commands that change nothing, or a bundle in a folder of ours only, and need no system of anybody's. */
  const HARMLESS =
    /^ingest (-c \S+ )?(--?\w\S* )*(validate|list|preview|discover|preflight|check|state show|secrets explain|export|completion|clean|run --sample|test shop)\b/;
  const harmless = [...new Set(commands.map(([, line]) => line))].filter(
    // Placeholders in capitals stand for a reader's own names.
    (line) => HARMLESS.test(line) && !/\b[A-Z]{3,}\b/.test(line) && !/old-project|dlt-project/.test(line),
  );

  test.each(harmless)('%s', async (line) => {
    const words = shellWords(line)
      .slice(1)
      .map((word) => (word.startsWith('../') ? inside(word.slice(3)) : word));
    const at = words.indexOf('-c');
    if (at >= 0) words.splice(at, 2);
    const ran = await cli(['-c', inside('sample'), ...words]);
    // Data of January is not fresh, and `preflight` says what has changed meanwhile.
    expect([0, ...(/check|preflight/.test(line) ? [1] : [])], ran.stderr + ran.stdout).toContain(ran.code);
  });

  test('import-dlt with a project as the guide has it', async () => {
    const old = inside('old-project');
    await mkdir(path.join(old, '.dlt'), { recursive: true });
    await cp(inside('shop/ingestion_config.xlsx'), path.join(old, 'config/ingestion_config.xlsx'));
    await cp(inside('shop/.dlt/config.toml'), path.join(old, '.dlt/secrets.toml'));
    for (const [, line] of lines.filter(([, line]) => line.includes('import-dlt ../old-project'))) {
      const words = shellWords(line).slice(1);
      const [, target = ''] = words;
      await rm(inside(target), { recursive: true, force: true });
      const ran = await cli(['-c', inside(target), ...words.slice(2).map((word) => word.replace('..', folder))]);
      expect(ran, line).toMatchObject({ code: 0, stderr: '' });
    }
    const flat = await cli(['-c', old, 'validate']);
    expect(flat.code).toBe(0);
  });
});

test('npm lines name scripts that there are', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const own = commands.map(([, line]) => line).filter((line) => /^npm\b/.test(line));
  expect(own.length).toBeGreaterThan(5);
  for (const line of own) {
    const script = /^npm run (?:-s )?([\w:-]+)/.exec(line)?.[1];
    if (script !== undefined) expect(scripts, line).toHaveProperty(script);
    else expect(line).toMatch(/^npm (ci|test|start|pack|install --global \.\/ingest-studio-\d+\.\d+\.\d+\.tgz)$/);
  }
  const others = commands.filter(([, line]) => !/^(npm|(dlt-)?ingest)\b/.test(line));
  expect(others, 'other programs need a mark: <!-- not run: REASON -->').toEqual([]);
});

const config = new Ajv2020({ strict: false, allErrors: true }).compile(jsonSchemas()['config.schema.json'] as object);

test.each(of('toml'))('%s is TOML that the published schema takes', (_place, text) => {
  const { table, findings } = parseToml(text, 'block.toml');
  expect(findings).toEqual([]);
  expect(config(table), JSON.stringify(config.errors)).toBe(true);
});

test('JSON and YAML can be read', () => {
  for (const [, text] of of('json')) JSON.parse(text);
  for (const [, text] of of('yaml')) parseYaml(text);
});

/** The anchor that GitHub makes of a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

test('links lead somewhere', async () => {
  const broken: string[] = [];
  for (const [file, text] of texts) {
    for (const [, target] of text.replace(/```[\s\S]*?```|`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target as string)) continue;
      const [name = '', fragment] = (target as string).split('#');
      const linked = name === '' ? file : path.posix.join(path.posix.dirname(file), name);
      const there = await stat(path.join(root, linked)).catch(() => null);
      const content = texts.get(linked) ?? '';
      const anchors = [
        ...[...content.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading as string)),
        ...[...content.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id),
      ];
      if (there === null || (fragment !== undefined && !anchors.includes(fragment))) broken.push(`${file}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});
