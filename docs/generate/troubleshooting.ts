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
    prefixes: [
      'CONFIG',
      'CONNECTION',
      'CREDENTIALS',
      'ENV',
      'KEY',
      'KEYCHAIN',
      'RESOURCE',
      'SECRET',
      'SIGN',
      'TOML',
      'VAULT',
    ],
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
export const MEANINGS: Record<string, string> = {
  API_BAD_REQUEST: 'The API answers 400.',
  API_FORBIDDEN: 'The API answers 403.',
  API_HTTP_ERROR: 'The API answers with a status that is no success and none of the known ones.',
  API_MAX_PAGES: 'The read ended at max_pages; there may be more.',
  API_METHOD_NOT_ALLOWED: 'The API answers 405.',
  API_NOT_FOUND: 'The API answers 404.',
  API_PAGE_NOT_FOUND: 'A page behind the first answers 404, which ends the read.',
  API_RATE_LIMITED: 'The API answers 429, also after all attempts.',
  API_REQUEST_TOO_LARGE: 'The API answers 413, 414 or 431.',
  API_RETRY: 'A request had to be sent again; the read went on.',
  API_SERVER_ERROR: 'The API answers 5xx, also after all attempts.',
  API_UNAUTHORIZED: 'The API answers 401.',
  CHECK_TYPE_UNKNOWN: 'This type of check is not known and skipped.',
  CHECK_VALUE_MISSING: 'A check lacks a cell that its type needs.',
  CHECK_VALUE_NOT_ALLOWED: 'The cell of a check holds a value that is not allowed; the message says which are.',
  DATABRICKS_CONFLICT: 'A statement met a concurrent change of its table, also after six attempts.',
  DATABRICKS_SESSION_LOST: 'The warehouse knows the session no more, also after six attempts.',
  DESTINATION_FORBIDDEN: 'The warehouse does not allow a statement of the load.',
  DESTINATION_TWICE: 'Two tables of config.toml describe one destination; [destinations.NAME] counts.',
  ENGINE_STOPPED: 'The process of the engine ended while the window waited for its answer.',
  EXPORT_TARGET: 'The folder of the export cannot take the bundle; what it holds stays as it is.',
  FILE_UNREADABLE: 'The connection test found a file that cannot be read.',
  JOB_FORMAT_DOUBTFUL: 'The ending of file_glob is of another format than file_format says.',
  JOB_VALUE_MISSING: 'A required cell is blank.',
  JOB_VALUE_NOT_ALLOWED: 'The cell of a job holds a value that is not allowed; the message says which are.',
  KEY_VAULT_FORBIDDEN: 'The vault does not let this user read the secret.',
  KEY_VAULT_SECRET_REFUSED: 'The vault gives no value for one secret.',
  LOOKS_TRUNCATED: 'A read ended as expected, with a number of records that looks like a limit of the source.',
  MERGE_KEY_NOT_UNIQUE: 'A merge met more than one row of the target for one row of the load.',
  QUERY_FAILED: 'A query of the console in Results cannot be carried out.',
  READ_ONLY: 'The database refuses a statement that would write.',
  RESOURCE_UNUSED: 'No job uses this resource of config.toml.',
  ROWS_MOVE_AWAY: 'Names or formulas of other sheets point at rows that an edit moves; said before saving.',
  SETTING_UNKNOWN: 'This setting of sheet Pipeline is not known and has no effect.',
  SETTING_VALUE_NOT_ALLOWED: 'The value of a setting is not allowed; the message says which are.',
  SNAPSHOT_NOT_ALLOWED: 'Parallel readers need one snapshot, and the database allows none.',
  SOURCE_CONVERSION: 'The database cannot convert a value that the statement compares or computes with.',
  SOURCE_TABLE_NOT_FOUND: 'The database has no such table or view, or this user may not see it.',
  TOML_ENCODING: 'A TOML file is not UTF-8.',
  TOML_INVALID: 'A TOML file cannot be read; line and column are named.',
  UNKNOWN: 'Stands in telemetry for an error without a code.',
  USAGE: 'The arguments of the command do not fit; nothing was done.',
};

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
