import { IngestError } from '../../errors.ts';

/** Functions that reach beyond tables: files, streams, other systems, secrets, models; and those that wait. */
const FORBIDDEN_FUNCTION =
  /^(read_\w+|cloud_files\w*|stream|remote_query|secret|try_secret|http_request|ai_\w+|vector_search|reflect|java_method|try_reflect|event_log|table_changes|list_secrets|query)$/i;
/** csv.`/path` reads a file. */
const FILE_FORMAT = /^(csv|json|parquet|delta|text|binaryfile|orc|avro|xml|iceberg)$/i;
const CHANGES =
  /^(insert|update|delete|merge|create|drop|alter|truncate|copy|grant|revoke|set|reset|use|refresh|optimize|vacuum|call|execute|declare|begin|msck|analyze|cache|uncache|clear|restore|load|undrop|comment|sync)$/i;

interface Token {
  kind: 'word' | 'quoted' | 'text' | 'sign';
  text: string;
}

const TOKENS: readonly [Token['kind'] | null, RegExp][] = [
  [null, /\s+/y],
  [null, /--[^\n]*/y],
  [null, /\/\*[\s\S]*?\*\//y],
  ['text', /r?'(?:\\[\s\S]|''|[^'\\])*'/iy],
  ['text', /r?"(?:\\[\s\S]|""|[^"\\])*"/iy],
  ['quoted', /`(?:``|[^`])*`/y],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['sign', /[\s\S]/y],
];

/**
 * Refuses a statement that is more than one query over tables. It is sent inside of `SELECT … FROM ( )`, where the warehouse takes queries only; this keeps
 * it inside, and away from what queries can reach besides tables.
 * @throws IngestError CHECK_SQL_NOT_READ_ONLY
 */
export function assertReadOnly(sql: string): void {
  const tokens = tokensOf(sql);
  const first = tokens.find(({ text }) => text !== '(');
  if (first === undefined || !/^(select|with|from|values)$/i.test(first.text)) throw refused('It is no SELECT.');
  let depth = 0;
  for (const [at, { kind, text }] of tokens.entries()) {
    const next = tokens[at + 1];
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (depth < 0) throw refused('It closes a bracket that it did not open.');
    if (kind === 'sign' && text === ';') throw refused('It holds several statements.');
    if (kind === 'sign' && (text === '`' || text === "'" || text === '"')) throw refused('A quote is not closed.');
    // A comment that is not closed would hide what comes behind it.
    if (text === '/' && next?.text === '*') throw refused('A comment is not closed.');
    const name = kind === 'quoted' ? text.slice(1, -1) : text;
    if ((kind === 'word' || kind === 'quoted') && next?.text === '(' && FORBIDDEN_FUNCTION.test(name))
      throw refused(`It uses ${name}().`);
    if (FILE_FORMAT.test(name) && next?.text === '.' && tokens[at + 2]?.kind === 'quoted')
      throw refused('It reads files.');
    // The warehouse refuses them as well: a statement that changes something is no query.
    const begins = at === 0 || tokens[at - 1]?.text === '(';
    if (begins && CHANGES.test(text) && next !== undefined && next.kind !== 'sign')
      throw refused(`It begins with ${text.toUpperCase()}.`);
  }
  if (depth !== 0) throw refused('A bracket is not closed.');
}

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    for (const [kind, pattern] of TOKENS) {
      pattern.lastIndex = at;
      const match = pattern.exec(sql)?.[0];
      if (match === undefined || match === '') continue;
      if (kind !== null) tokens.push({ kind, text: match });
      at += match.length;
      break;
    }
  }
  return tokens;
}

function refused(reason: string): IngestError {
  return new IngestError('CHECK_SQL_NOT_READ_ONLY', `A check only reads tables. ${reason}`, {
    hint: 'Write one SELECT that gives one value, over {table} and other tables by their full names.',
  });
}
