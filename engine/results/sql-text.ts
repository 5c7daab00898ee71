/**
 * A user's SQL without what ends it: trailing semicolons, blanks and comments. Quotes, dollar quotes and comments inside stay as they are.
 * What follows a semicolon in the middle is kept, so that a second statement is seen as one.
 */
export function trimStatement(sql: string): string {
  let end = 0;
  for (let at = 0; at < sql.length; ) {
    const length = tokenLength(sql, at);
    const token = sql.slice(at, at + length);
    at += length;
    if (!/^(\s+|;|--.*|\/\*[\s\S]*)$/.test(token)) end = at;
  }
  return sql.slice(0, end).replace(/^[\s;]+/, '');
}

const QUOTED = [
  /'(?:[^']|'')*'?/y,
  /"(?:[^"]|"")*"?/y,
  /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/y,
  /--[^\n]*/y,
  /\/\*[\s\S]*?(?:\*\/|$)/y,
  /\s+/y,
];

function tokenLength(sql: string, at: number): number {
  for (const pattern of QUOTED) {
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match && match[0] !== '') return match[0].length;
  }
  return 1;
}
