import { decoded, type Found, searchPairs } from './connection-text.ts';
import type { Table } from './project.ts';
import { isSecretKey } from './secret-keys.ts';
import { shellWords } from './shell-words.ts';

/** Options of cURL that take a value. */
const WITH_VALUE =
  /^(-[XHdbuAeoFTmxwrCEKUtyYz]|--(request|header|data.*|json|cookie|user|user-agent|referer|output|form|url|max-time|proxy|connect-timeout|cert|key|cacert|oauth2-bearer|retry|write-out))$/;

/** A cURL command. */
export function parseCurl(text: string): Found | null {
  if (!/^(\$\s*)?curl(\.exe)?\s/i.test(text)) return null;
  const words = shellWords(text.replace(/^\$\s*/, '')).slice(1);
  const headers: [string, string][] = [];
  let url = '';
  let user: string | null = null;
  let search = '';
  let asQuery = false;
  const notes: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    let word = words[at] as string;
    let value: string | undefined;
    if (/^--[\w-]+=/.test(word)) [word, value] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
    else if (/^-[XHdbuAe]./.test(word) && !word.startsWith('--')) [word, value] = [word.slice(0, 2), word.slice(2)];
    else if (WITH_VALUE.test(word)) value = words[++at] ?? '';
    if (word === '-H' || word === '--header') {
      const colon = (value ?? '').indexOf(':');
      if (colon > 0)
        headers.push([(value as string).slice(0, colon).trim(), (value as string).slice(colon + 1).trim()]);
    } else if (word === '-u' || word === '--user') user = value ?? '';
    else if (word === '--oauth2-bearer') headers.push(['Authorization', `Bearer ${value ?? ''}`]);
    else if (word === '-A' || word === '--user-agent') headers.push(['User-Agent', value ?? '']);
    else if (word === '-b' || word === '--cookie') headers.push(['Cookie', value ?? '']);
    else if (word === '--url') url = value ?? '';
    else if (word === '-G' || word === '--get') asQuery = true;
    else if (word.startsWith('-d') || word.startsWith('--data') || word === '--json') search += `&${value ?? ''}`;
    else if (!word.startsWith('-') && url === '') url = word;
  }
  if (search !== '' && !asQuery) notes.push('The body of the request belongs to a job, not to the connection');
  if (!/^[a-z]+:\/\//i.test(url)) url = `https://${url}`;
  return api('cURL command', url, headers, user, asQuery ? search : '', notes);
}

/** Headers that a client sets by itself. */
const OWN_HEADERS = /^(host|content-length|connection|accept-encoding|sec-.*|origin|referer|user-agent|content-type)$/i;

/** An address with what a command or a URL says beside it. */
export function api(
  form: string,
  text: string,
  headers: readonly (readonly [string, string])[],
  user: string | null,
  search: string,
  notes: string[] = [],
): Found | null {
  const match = /^(https?:\/\/)(?:([^@/?#]*)@)?([^/?#]+)([^?#]*)(\?[^#]*)?/i.exec(text);
  if (match === null) return null;
  const [, scheme = '', userinfo, host = '', path = '', query = ''] = match;
  const values: Table = {};
  const secrets: Record<string, string> = {};
  const parts = path.split('/').filter((part) => part !== '');
  // A command asks for a resource; the connection is what stands before it.
  const endpoint = form === 'URL' ? '' : (parts.pop() ?? '');
  if (endpoint !== '') notes.push(`The job’s endpoint: ${endpoint}`);
  values.base_url = `${scheme}${host}${parts.map((part) => `/${part}`).join('')}`;

  const basic = user ?? userinfo ?? null;
  const auth: Table = {};
  if (basic !== null) {
    const colon = basic.indexOf(':');
    const plain = (part: string) => (user === null ? decoded(part) : part);
    auth.type = 'basic';
    auth.username = plain(colon < 0 ? basic : basic.slice(0, colon));
    if (colon >= 0) secrets['auth.password'] = plain(basic.slice(colon + 1));
  }
  const kept: Table = {};
  for (const [name, value] of headers) {
    const bearer = /^(bearer|token)\s+(.+)$/i.exec(value);
    const encoded = /^basic\s+([a-z0-9+/=]+)$/i.exec(value);
    if (/^authorization$/i.test(name) && bearer?.[1]?.toLowerCase() === 'bearer') {
      auth.type = 'bearer';
      secrets['auth.token'] = bearer[2] as string;
    } else if (/^authorization$/i.test(name) && encoded !== null) {
      const pair = fromBase64(encoded[1] as string);
      auth.type = 'basic';
      auth.username = pair.split(':')[0];
      secrets['auth.password'] = pair.slice(pair.indexOf(':') + 1);
    } else if (/^(x-)?api-?key$/i.test(name)) {
      auth.type = 'api_key';
      auth.api_key_name = name;
      secrets['auth.api_key'] = value;
    } else if (isSecretKey(['sources', 'x', 'headers', name])) secrets[`headers.${name}`] = value;
    else if (!OWN_HEADERS.test(name)) kept[name] = value;
  }
  const params: Table = {};
  for (const [name, value] of searchPairs(`${query}${search}`)) {
    if (auth.type === undefined && isSecretKey(['sources', 'x', 'params', name])) {
      auth.type = 'api_key';
      auth.api_key_name = name;
      auth.api_key_location = 'query';
      secrets['auth.api_key'] = value;
    } else if (isSecretKey(['sources', 'x', 'params', name])) secrets[`params.${name}`] = value;
    else if (form === 'URL') params[name] = value;
    else notes.push(`The job’s parameter: ${name} = ${value}`);
  }
  if (Object.keys(auth).length > 0) values.auth = auth;
  if (Object.keys(kept).length > 0) values.headers = kept;
  if (Object.keys(params).length > 0) values.params = params;
  return { section: 'sources', type: 'api', form, values, secrets, notes };
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** UTF-8 text of a Base64; neither Node's Buffer nor the page's atob is everywhere that this file is. */
function fromBase64(text: string): string {
  let bits = '';
  for (const char of text.replace(/=+$/, '')) bits += BASE64.indexOf(char).toString(2).padStart(6, '0');
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => `%${Number.parseInt(byte, 2).toString(16).padStart(2, '0')}`);
  return decoded(bytes.join(''));
}
