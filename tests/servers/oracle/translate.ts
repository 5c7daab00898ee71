/** Oracle's SQL as DuckDB understands it: only what an extraction sends. What has no counterpart here fails in DuckDB, loudly. */

/** Strings, quoted names, comments, binds, words; the rest a character at a time. */
const TOKEN = /('(?:[^']|'')*')|("[^"]*")|(--[^\n]*|\/\*[\s\S]*?\*\/)|(:\w+)|([A-Za-z_][\w$#]*)|([\s\S])/g;

const WORDS: Record<string, string> = {
  NVL: 'COALESCE',
  DBTIMEZONE: "'+00:00'",
  SYS_EXTRACT_UTC: 'ora_utc',
  ROWIDTOCHAR: 'ora_same',
  RAWTOHEX: 'hex',
  TO_CHAR: 'ora_text',
  TO_NCHAR: 'ora_text',
  NUMTODSINTERVAL: 'ora_seconds',
  UNISTR: 'ora_unistr',
  TO_BINARY_DOUBLE: 'ora_double',
  TO_BINARY_FLOAT: 'ora_double',
};

/** Macros that stand for Oracle's functions; created once a database. */
export const MACROS = `
CREATE MACRO ora_utc(x) AS CAST(x AS TIMESTAMPTZ) AT TIME ZONE 'UTC';
CREATE MACRO ora_seconds(n, unit) AS to_microseconds(CAST(n AS BIGINT) * 1000000);
CREATE MACRO ora_double(t) AS CAST(t AS DOUBLE);
CREATE MACRO ora_same(t) AS t;
CREATE MACRO ora_unistr(t) AS t;
CREATE MACRO ora_date(x) AS (CASE WHEN year(x) < 1 THEN '-' || lpad(CAST(1 - year(x) AS VARCHAR), 4, '0')
  ELSE ' ' || lpad(CAST(year(x) AS VARCHAR), 4, '0') END) || strftime(x, '-%m-%d %H:%M:%S');
CREATE MACRO ora_fraction(x, digits) AS substr(CASE WHEN typeof(x) = 'TIMESTAMP_NS'
  THEN lpad(CAST(epoch_ns(x) % 1000000000 AS VARCHAR), 9, '0') ELSE strftime(x, '%f') || '000' END, 1, digits);
CREATE MACRO ora_signed(x, mask) AS CASE
  WHEN x IS NULL THEN NULL
  WHEN regexp_matches(mask, 'TZM$') THEN ora_date(x) || '.' || ora_fraction(x, 6) || ' +00:00'
  WHEN regexp_matches(mask, 'FF9$') THEN ora_date(x) || '.' || ora_fraction(x, 9)
  WHEN regexp_matches(mask, 'FF6$') THEN ora_date(x) || '.' || ora_fraction(x, 6)
  ELSE ora_date(x) END;
CREATE MACRO ora_text(x, mask) AS CASE WHEN mask LIKE 'Y%' THEN ltrim(ora_signed(x, mask)) ELSE ora_signed(x, mask) END;
`;

/** Masks that a literal may have. */
const MASKED_LITERAL = /\bTO_(DATE|TIMESTAMP|TIMESTAMP_TZ)\s*\(\s*('[^']*')\s*,\s*'[^']*'\s*\)/gi;
/** What TO_CHAR gives of a time; anything else is text already. */
const MASKED_TEXT = /\bTO_CHAR\s*\(/gi;

export interface Translation {
  sql: string;
  /** The system change number that the statement reads at. */
  scn: number | null;
}

export function translate(oracle: string): Translation {
  const scn = /\bAS OF SCN (\d+)/i.exec(oracle)?.[1];
  const text = withoutEndings(oracle)
    .replace(/\s+AS OF SCN \d+/gi, '')
    .replace(/\b(?:WHERE|AND) ROWNUM <= (\d+)$/i, 'LIMIT $1')
    .replace(MASKED_LITERAL, (_all, kind: string, value: string) => {
      const type = kind.toUpperCase() === 'TIMESTAMP_TZ' ? 'TIMESTAMPTZ' : 'TIMESTAMP';
      return `CAST(${value.replace(/ (?=[+-]\d\d:)/, '')} AS ${type})`;
    })
    .replace(/\bXMLSERIALIZE\s*\(\s*CONTENT\s+([^\s)]+)\s+AS\s+CLOB\s*\)/gi, '$1')
    .replace(/\bJSON_SERIALIZE\s*\(\s*([^\s)]+)\s+RETURNING\s+CLOB\s*\)/gi, '$1')
    .replace(
      /\bORA_HASH\s*\(\s*ROWID\s*,\s*(\d+)\s*\)/gi,
      (_all, most: string) => `(hash(rowid) % ${Number(most) + 1})`,
    );
  let binds = 0;
  const replaced = replaceTexts(text);
  const sql = replaced.replace(TOKEN, (all, _string, _name, comment, bind, word, _other, at) => {
    if (comment) return ' ';
    if (bind) {
      binds += 1;
      return `$${binds}`;
    }
    // A national literal: N'…'
    if (word === 'N' && replaced[at + 1] === "'") return '';
    return word && Object.hasOwn(WORDS, word.toUpperCase()) ? (WORDS[word.toUpperCase()] as string) : all;
  });
  return { sql, scn: scn === undefined ? null : Number(scn) };
}

const withoutEndings = (sql: string) => sql.replace(/;?\s*$/, '');

/** `TO_CHAR(x, 'mask')` of a time is a macro; `TO_CHAR(x)` and `TO_CHAR(x, 'TM9')` are the value as text. */
function replaceTexts(sql: string): string {
  let result = '';
  let from = 0;
  MASKED_TEXT.lastIndex = 0;
  for (let match = MASKED_TEXT.exec(sql); match; match = MASKED_TEXT.exec(sql)) {
    const open = match.index + match[0].length;
    const close = closing(sql, open);
    const inner = sql.slice(open, close);
    const mask = /,\s*'([^']*)'\s*$/.exec(inner);
    if (mask && mask[1] !== 'TM9') continue;
    const value = mask ? inner.slice(0, mask.index) : inner;
    result += `${sql.slice(from, match.index)}CAST(${replaceTexts(value)} AS VARCHAR)`;
    from = close + 1;
    MASKED_TEXT.lastIndex = from;
  }
  return result + sql.slice(from);
}

function closing(sql: string, open: number): number {
  let depth = 1;
  for (let at = open; at < sql.length; at += 1) {
    if (sql[at] === '(') depth += 1;
    if (sql[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return sql.length;
}
