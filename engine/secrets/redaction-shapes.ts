/**
 * Secrets that are known by where they stand, not by their value: a password that a server echoes, a signed link in an answer.
 * Each pattern keeps group 1, what names the secret, and drops the rest.
 */
const NAMES = [
  '(?:user|client)?[_-]?(?:password|passwd|pwd|passphrase)',
  '(?:client|api|aws)?[_-]?secret(?:[_-]?(?:access)?[_-]?key)?',
  '(?:api|access|account|private|shared[_-]?access)[_-]?key',
  '(?:access|refresh|auth|id|sas|session|security|bearer)[_-]?token',
  'shared[_-]?access[_-]?signature',
  'x-amz-signature',
  'x-amz-security-token',
  'x-goog-signature',
].join('|');

const PATTERNS: readonly RegExp[] = [
  // scheme://user:password@host
  /(\b[a-z][a-z\d+.-]*:\/\/[^\s/@:"'<>]*:)[^\s/?#@"'<>]+(?=@)/gi,
  // Authorization: …, Proxy-Authorization: …, Cookie: … (also as JSON)
  /(\b(?:authorization|cookie)["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest)\s+)?)[^\s"',;][^\n"']*/gi,
  // Bearer … | Basic … with something that looks like a token, not like a word of a sentence
  /(\b(?:bearer|basic)\s+)(?=[A-Za-z+/_.~-]*\d)[A-Za-z\d+/_.~-]{8,}=*/gi,
  // name=value of a query, a form or a connection string
  new RegExp(`((?<![A-Za-z\\d])(?:${NAMES})\\s*=\\s*)(?:"[^"\\n]*"|'[^'\\n]*'|[^\\s;&,"'<>)}\\]]+)`, 'gi'),
  // "name": "value"
  new RegExp(`("(?:${NAMES})"\\s*:\\s*")(?:[^"\\\\\\n]|\\\\.)*`, 'gi'),
  // short names that mean a secret only in a link
  /([?&](?:key|token|sig|auth|apikey|code)=)[^\s&#"'<>]+/gi,
];

/** The text without what looks like a secret by its place. */
export function redactShapes(text: string, mask: string): string {
  let out = text;
  for (const pattern of PATTERNS) out = out.replace(pattern, `$1${mask}`);
  return out;
}
