import { shellWords } from '../../../engine/spec/shell-words.ts';

/** A request as a cURL command describes it. Holds the command's secrets as they are. */
export interface CurlRequest {
  method: string;
  /** With the parameters of `-G`; without user and password. */
  url: string;
  headers: [name: string, value: string][];
  /** `-u`, or from the address. */
  user: { name: string; password: string } | null;
  body: string | null;
  /** Options that change what is sent and are not understood, and what else a person should know; no secret is in it. */
  notes: string[];
}

/** Long names of the short options that matter here. */
const SHORT: Readonly<Record<string, string>> = {
  X: 'request',
  H: 'header',
  d: 'data',
  b: 'cookie',
  u: 'user',
  A: 'user-agent',
  e: 'referer',
  G: 'get',
  I: 'head',
  F: 'form',
  o: 'output',
  m: 'max-time',
  x: 'proxy',
  w: 'write-out',
  c: 'cookie-jar',
  E: 'cert',
  T: 'upload-file',
  K: 'config',
  r: 'range',
  U: 'proxy-user',
};
const TAKES_VALUE = new Set([
  ...Object.values(SHORT).filter((name) => !['get', 'head'].includes(name)),
  'data-raw',
  'data-binary',
  'data-ascii',
  'data-urlencode',
  'json',
  'url',
  'url-query',
  'oauth2-bearer',
  'connect-timeout',
  'retry',
  'retry-delay',
  'key',
  'cacert',
  'capath',
  'resolve',
  'interface',
  'limit-rate',
  'ciphers',
  'aws-sigv4',
  'max-redirs',
]);
/** Options that send something which a job cannot. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  form: 'a multipart form (-F)',
  'upload-file': 'a file (-T)',
  cert: 'a client certificate (--cert)',
  key: 'a client key (--key)',
  'aws-sigv4': 'an AWS signature (--aws-sigv4)',
  digest: 'Digest sign-in',
  ntlm: 'NTLM sign-in',
  negotiate: 'Kerberos sign-in',
  range: 'a byte range (-r)',
  head: 'a HEAD request (-I)',
};

/** Reads a cURL command as bash, cmd.exe or PowerShell write it. Null where the text is none, or names no address. Never throws. */
export function parseCurlCommand(text: string): CurlRequest | null {
  const trimmed = text.trim().replace(/^(\$|>|PS [^>]*>)\s+/, '');
  if (!/^curl(\.exe)?\s/i.test(trimmed) || trimmed.length > 100_000) return null;
  const found: CurlRequest = { method: '', url: '', headers: [], user: null, body: null, notes: [] };
  const data: string[] = [];
  const query: string[] = [];
  let asQuery = false;
  for (const [name, value] of optionsOf(shellWords(trimmed).slice(1))) {
    switch (name) {
      case 'url':
        if (found.url === '') found.url = value;
        else found.notes.push('Only the first of several addresses is taken');
        break;
      case 'request':
        found.method = value.toUpperCase();
        break;
      case 'header': {
        const colon = value.indexOf(':');
        if (colon > 0) found.headers.push([value.slice(0, colon).trim(), value.slice(colon + 1).trim()]);
        break;
      }
      case 'user': {
        const colon = value.indexOf(':');
        found.user = {
          name: colon < 0 ? value : value.slice(0, colon),
          password: colon < 0 ? '' : value.slice(colon + 1),
        };
        break;
      }
      case 'oauth2-bearer':
        found.headers.push(['Authorization', `Bearer ${value}`]);
        break;
      case 'cookie':
        if (value.includes('=')) found.headers.push(['Cookie', value]);
        else found.notes.push('The cookies of a file (-b FILE) are not taken');
        break;
      case 'user-agent':
        found.headers.push(['User-Agent', value]);
        break;
      case 'get':
        asQuery = true;
        break;
      case 'data':
      case 'data-ascii':
      case 'data-binary':
        if (value.startsWith('@')) found.notes.push(`The body's file ${value.slice(1)} is not taken`);
        else data.push(name === 'data-binary' ? value : value.replace(/[\r\n]/g, ''));
        break;
      case 'data-raw':
        data.push(value);
        break;
      case 'data-urlencode':
        data.push(urlEncoded(value));
        break;
      case 'url-query':
        query.push(value.startsWith('+') ? value.slice(1) : urlEncoded(value));
        break;
      case 'json':
        data.push(value);
        if (!has(found, 'content-type')) found.headers.push(['Content-Type', 'application/json']);
        break;
      default:
        if (Object.hasOwn(UNSUPPORTED, name)) found.notes.push(`A job cannot send ${UNSUPPORTED[name]}`);
    }
  }
  return settled(found, data, query, asQuery);
}

function settled(found: CurlRequest, data: string[], query: string[], asQuery: boolean): CurlRequest | null {
  if (found.url === '') return null;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(found.url) ? found.url : `https://${found.url}`;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (!/^https?:$/.test(url.protocol)) return null;
  if (url.username !== '') found.user ??= { name: decoded(url.username), password: decoded(url.password) };
  url.username = '';
  url.password = '';
  url.hash = '';
  const added = [...query, ...(asQuery ? data : [])].join('&');
  if (added !== '') url.search = url.search === '' ? added : `${url.search}&${added}`;
  found.url = url.href;
  if (!asQuery && data.length > 0) found.body = data.join('&');
  if (found.method === '') found.method = found.body === null ? 'GET' : 'POST';
  return found;
}

/** `--name value`, `--name=value`, `-Xvalue`, `-sSL`, and what is no option: an address. */
function* optionsOf(words: readonly string[]): Generator<[name: string, value: string]> {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (word === '--') continue;
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      if (equals >= 0) yield [name, word.slice(equals + 1)];
      else if (TAKES_VALUE.has(name)) yield [name, words[++at] ?? ''];
      else yield [name, ''];
    } else if (word.startsWith('-') && word.length > 1) {
      for (let letter = 1; letter < word.length; letter += 1) {
        const name = SHORT[word[letter] as string];
        if (name === undefined) continue;
        if (!TAKES_VALUE.has(name)) {
          yield [name, ''];
          continue;
        }
        const rest = word.slice(letter + 1);
        yield [name, rest === '' ? (words[++at] ?? '') : rest];
        break;
      }
    } else if (word !== '') yield ['url', word];
  }
}

/** `content`, `=content`, `name=content`: the content is encoded, the name is not. */
function urlEncoded(value: string): string {
  const equals = value.indexOf('=');
  if (equals < 0) return encodeURIComponent(value);
  const encoded = encodeURIComponent(value.slice(equals + 1));
  return equals === 0 ? encoded : `${value.slice(0, equals)}=${encoded}`;
}

function has({ headers }: CurlRequest, name: string): boolean {
  return headers.some(([own]) => own.toLowerCase() === name);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
