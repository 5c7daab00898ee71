import type { ErrorCode } from './error-codes.ts';

/** Chapters by the first word of a code; what fits none is told under the last. */
const CHAPTERS: { title: string; prefixes: string[] }[] = [
  {
    title: 'Workbook, jobs and checks',
    prefixes: [
      'CELL',
      'CELLS',
      'CHECK',
      'CHECKS',
      'COLUMN',
      'FORMULA',
      'HEADER',
      'JOB',
      'LAG',
      'NAME',
      'NAMES',
      'ROWS',
      'SETTING',
      'SHEET',
      'WORKBOOK',
    ],
  },
  {
    title: 'Configuration, connections and secrets',
    prefixes: ['CONFIG', 'CONNECTION', 'CREDENTIALS', 'ENV', 'KEYCHAIN', 'RESOURCE', 'SECRET', 'TOML', 'VAULT'],
  },
  {
    title: 'Selecting and running',
    prefixes: [
      'CANCELLED',
      'DISK',
      'INTERRUPTED',
      'LOCKED',
      'LOOKS',
      'NO',
      'OUT',
      'PROJECT',
      'RUN',
      'SELECTION',
      'SELECTOR',
      'STATE',
      'WORK',
    ],
  },
  {
    title: 'Databases',
    prefixes: [
      'CERTIFICATE',
      'DATABASE',
      'DIGITS',
      'DRIVER',
      'FILTER',
      'FIREWALL',
      'HOST',
      'INSTANCE',
      'LOGIN',
      'NATIVE',
      'NULL',
      'OFFSET',
      'PARTITION',
      'PERMISSION',
      'PROTOCOL',
      'QUERY',
      'ROW',
      'SERVER',
      'SNAPSHOT',
      'SOURCE',
      'TLS',
      'VALUE',
      'WATERMARK',
    ],
  },
  { title: 'REST APIs', prefixes: ['API', 'PROXY', 'RECORDING', 'PREVIEW'] },
  { title: 'Files', prefixes: ['CSV', 'FILE', 'FILES', 'FOLDER', 'JSON', 'PARQUET'] },
  {
    title: 'Types, keys and schema changes',
    prefixes: ['CAST', 'MERGE', 'NANOSECONDS', 'PRIMARY', 'SCHEMA', 'TYPE', 'UNBOUNDED'],
  },
  {
    title: 'Destinations',
    prefixes: ['DATABRICKS', 'DESTINATION', 'LOAD', 'OBJECT', 'PACKAGE', 'STAGING', 'TABLE', 'TARGET'],
  },
  { title: 'Bundles, imports and everything else', prefixes: [] },
];

/** What codes mean whose message is put together where it is printed. */
export const MEANINGS: Record<string, string> = {};

/** Every code with what it says and the way out, by chapter, as Markdown. */
export function troubleshootingTable(codes: readonly ErrorCode[]): string {
  const chapterOf = ({ code }: ErrorCode) => {
    const [first] = code.split('_') as [string];
    const index = CHAPTERS.findIndex(({ prefixes }) => prefixes.includes(first));
    return index < 0 ? CHAPTERS.length - 1 : index;
  };
  return CHAPTERS.map(({ title }, index) => {
    const rows = codes.filter((code) => chapterOf(code) === index);
    if (rows.length === 0) return '';
    return [`### ${title}`, '', '| code | what it says | what to do |', '|---|---|---|', ...rows.map(row), ''].join(
      '\n',
    );
  }).join('\n');
}

function row({ code, says }: ErrorCode): string {
  const unique = (texts: (string | null)[]) => [...new Set(texts.filter((each) => each !== null))];
  const messages = unique([
    ...(MEANINGS[code] === undefined ? [] : [MEANINGS[code]]),
    ...says.map(({ message }) => message),
  ]);
  const hints = unique(says.map(({ hint }) => hint));
  return `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${messages.map(escaped).join('<br>')} | ${hints.map(escaped).join('<br>')} |`;
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('\n', ' ')
    .replace(/…+/g, '…')
    .trim();
}
