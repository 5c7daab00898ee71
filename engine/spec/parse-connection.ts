import type { SourceType } from './kinds.ts';
import type { Table } from './project.ts';
import { isSecretKey } from './secret-keys.ts';
import { shellWords } from './shell-words.ts';

/** What a pasted text says of a connection. Secrets stand apart from everything that may be shown. */
export interface ParsedConnection {
  type: SourceType;
  /** What the text was taken for, e.g. `JDBC URL`. */
  form: string;
  /** A name for it, from the host or the database; letters, digits and _. */
  name: string;
  /** Canonical keys below `[sources.NAME]`. */
  values: Table;
  /** By key path with dots. */
  secrets: Record<string, string>;
  /** What of the text has no place in a connection, for people; no secret is in it. */
  notes: string[];
}

/** Found keys before they are put into their places. */
interface Found {
  type: SourceType;
  form: string;
  values: Table;
  secrets: Record<string, string>;
  notes: string[];
}

/**
 * Reads a URL (`postgresql://…`, `https://…`, `s3://…`), a JDBC URL, a connection string of ADO.NET or libpq, or a cURL command.
 * Null where the text is none of them. Never throws.
 */
export function parseConnection(text: string): ParsedConnection | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > 100_000) return null;
  const found =
    parseCurl(trimmed) ?? parseJdbc(trimmed) ?? parseUrl(trimmed) ?? parsePairs(trimmed) ?? parseFolder(trimmed);
  return found === null ? null : { ...found, name: nameFor(found) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A bare % is meant as it stands.
    return text;
  }
}

/** The words of other tools, in lower case without separators, and the key that they mean. */
const WORDS: Readonly<Record<string, string>> = {
  host: 'host',
  hostname: 'host',
  hostaddr: 'host',
  server: 'host',
  servername: 'host',
  datasource: 'host',
  address: 'host',
  addr: 'host',
  networkaddress: 'host',
  port: 'port',
  portnumber: 'port',
  database: 'database',
  databasename: 'database',
  dbname: 'database',
  initialcatalog: 'database',
  user: 'username',
  userid: 'username',
  username: 'username',
  uid: 'username',
  password: 'password',
  pwd: 'password',
  sslmode: 'ssl_mode',
  ssl: 'ssl',
  sslrootcert: 'ssl_root_cert',
  rootcertificate: 'ssl_root_cert',
  encrypt: 'encrypt',
  trustservercertificate: 'trust_server_certificate',
  instancename: 'instance',
  instance: 'instance',
  domain: 'domain',
  authentication: 'authentication',
  integratedsecurity: 'integrated',
  trustedconnection: 'integrated',
  connecttimeout: 'connect_timeout',
  connectiontimeout: 'connect_timeout',
  timeout: 'connect_timeout',
  logintimeout: 'connect_timeout',
  currentschema: 'schema_name',
  searchpath: 'schema_name',
};
/** Settings of a driver that mean nothing to ours. */
const IGNORED = new Set([
  'driver',
  'applicationname',
  'app',
  'pooling',
  'maxpoolsize',
  'minpoolsize',
  'multipleactiveresultsets',
  'persistsecurityinfo',
  'provider',
  'channelbinding',
]);

const FIELDS: Record<'postgresql' | 'mssql' | 'azure_sql' | 'oracle', readonly string[]> = {
  postgresql: ['ssl_mode', 'ssl_root_cert', 'connect_timeout', 'schema_name'],
  mssql: ['encrypt', 'trust_server_certificate', 'instance', 'domain', 'connect_timeout'],
  azure_sql: ['encrypt', 'trust_server_certificate', 'connect_timeout'],
  oracle: ['connect_timeout'],
};

const truthy = (value: string) => /^(true|yes|1|require|required|mandatory|strict)$/i.test(value.trim());

/** Puts key–value pairs of a database into their places. */
function database(
  type: 'postgresql' | 'mssql' | 'oracle',
  form: string,
  pairs: Iterable<readonly [string, string]>,
): Found | null {
  const given = new Map<string, string>();
  const unknown: string[] = [];
  for (const [key, value] of pairs) {
    const word = key.toLowerCase().replace(/[^a-z]/g, '');
    const known = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
    if (known !== undefined) {
      if (value !== '') given.set(known, value);
    } else if (!IGNORED.has(word) && word !== '') unknown.push(key.trim());
  }
  let host = (given.get('host') ?? '').replace(/^(tcp|np|lpc|admin):/i, '');
  const comma = /^(.*?)[,](\d+)$/.exec(host);
  if (comma !== null) {
    host = comma[1] as string;
    given.set('port', comma[2] as string);
  }
  const instance = /^([^\\]+)\\(.+)$/.exec(host);
  if (instance !== null) {
    host = instance[1] as string;
    if (!given.has('port')) given.set('instance', instance[2] as string);
  }
  if (host === '') return null;
  const azure = type === 'mssql' && /\.database\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/i.test(host);
  const kind = azure ? 'azure_sql' : type;
  const notes = unknown.length === 0 ? [] : [`Not used: ${[...new Set(unknown)].join(', ')}`];
  const values: Table = { host };
  const port = Number(given.get('port'));
  if (given.has('port') && Number.isInteger(port)) values.port = port;
  const name = given.get('database');
  if (name !== undefined) values[kind === 'oracle' ? 'service_name' : 'database'] = name;
  if (given.has('username')) values.username = given.get('username');
  if (given.get('ssl') !== undefined && !given.has('ssl_mode') && type === 'postgresql')
    given.set('ssl_mode', truthy(given.get('ssl') as string) ? 'require' : 'prefer');
  for (const key of FIELDS[kind]) {
    const value = given.get(key);
    if (value === undefined) continue;
    if (key === 'encrypt' || key === 'trust_server_certificate') values[key] = truthy(value);
    else if (key === 'connect_timeout') {
      if (Number(value) >= 5) values[key] = Math.min(300, Math.round(Number(value)));
    } else if (key === 'ssl_mode')
      values[key] = value
        .trim()
        .toLowerCase()
        .replace(/^verify_?(ca|full)$/, 'verify-$1');
    else values[key] = value;
  }
  if (kind !== 'oracle' && type === 'mssql') {
    const word = (given.get('authentication') ?? '').toLowerCase().replace(/[^a-z]/g, '');
    if (truthy(given.get('integrated') ?? '') || /^sspi$/i.test(given.get('integrated') ?? '')) {
      notes.push(
        'Windows sign-in (SSPI) is not possible from this driver: use NTLM with the same account, or Entra ID',
      );
      values.authentication = 'ntlm';
    } else if (word === 'activedirectoryserviceprincipal') {
      values.authentication = 'service_principal';
      if (values.username !== undefined) values.client_id = values.username;
      delete values.username;
    } else if (word === 'activedirectorydefault') values.authentication = 'default_credential';
  }
  const password = given.get('password');
  const secretKey = values.authentication === 'service_principal' ? 'client_secret' : 'password';
  return { type: kind, form, values, secrets: password === undefined ? {} : { [secretKey]: password }, notes };
}

const DATABASE_SCHEMES: Readonly<Record<string, 'postgresql' | 'mssql' | 'oracle'>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  mssql: 'mssql',
  sqlserver: 'mssql',
  oracle: 'oracle',
};

function* searchPairs(search: string): Generator<[string, string]> {
  for (const part of search.replace(/^\?/, '').split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    yield at < 0 ? [decoded(part), ''] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1).replaceAll('+', ' '))];
  }
}

function parseUrl(text: string): Found | null {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || /\s/.test(text)) return null;
  const kind = DATABASE_SCHEMES[scheme.replace(/\+.*$/, '')];
  if (kind !== undefined) return parseAuthority(kind, 'connection URL', text.slice(text.indexOf('://') + 3));
  if (scheme === 'http' || scheme === 'https') return api('URL', text, [], null, '');
  return ['file', 'az', 'abfss', 's3', 'gs', 'adl'].includes(scheme)
    ? { type: 'filesystem', form: 'storage URL', values: { bucket_url: text }, secrets: {}, notes: [] }
    : null;
}

/** `user:password@host:port/database?key=value`; a password may hold @ and / unescaped. */
function parseAuthority(kind: 'postgresql' | 'mssql' | 'oracle', form: string, rest: string): Found | null {
  const question = rest.indexOf('?', rest.lastIndexOf('@') + 1);
  const main = question < 0 ? rest : rest.slice(0, question);
  const at = main.lastIndexOf('@');
  const pairs: [string, string][] = [];
  if (at >= 0) {
    const user = main.slice(0, at);
    const colon = user.indexOf(':');
    pairs.push(['user', decoded(colon < 0 ? user : user.slice(0, colon))]);
    if (colon >= 0) pairs.push(['password', decoded(user.slice(colon + 1))]);
  }
  const match = /^(\[[^\]]+\]|[^:/,]*)(?::(\d+))?(?:,[^/]*)?(?:\/(.*))?$/.exec(main.slice(at + 1));
  if (match === null) return null;
  pairs.push(['host', (match[1] as string).replace(/^\[|\]$/g, '')]);
  if (match[2] !== undefined) pairs.push(['port', match[2]]);
  if (match[3]) pairs.push(['database', decoded(match[3])]);
  return database(kind, form, [...pairs, ...(question < 0 ? [] : searchPairs(rest.slice(question)))]);
}

function parseJdbc(text: string): Found | null {
  const form = 'JDBC URL';
  const match = /^jdbc:(postgresql|sqlserver|oracle:thin):(.*)$/is.exec(text);
  if (match === null) return null;
  const rest = match[2] as string;
  const driver = (match[1] as string).toLowerCase();
  if (driver === 'postgresql') return parseAuthority('postgresql', form, rest.replace(/^\/\//, ''));
  if (driver === 'sqlserver') {
    const [server = '', ...settings] = splitSettings(rest.replace(/^\/\//, ''));
    const at = /^([^:]*)(?::(\d+))?$/.exec(server);
    return database('mssql', form, [
      ['host', at?.[1] ?? ''],
      ...(at?.[2] === undefined ? [] : ([['port', at[2]]] as const)),
      ...settings.map(pairOf),
    ]);
  }
  const [, user, password, target = ''] = /^(?:([^/@]*)\/(.*))?@(.*)$/s.exec(rest) ?? [];
  const sign: [string, string][] = [
    ['user', user ?? ''],
    ['password', (password ?? '').replace(/^"(.*)"$/s, '$1')],
  ];
  if (target.startsWith('(')) {
    const host = /HOST\s*=\s*([^)\s]+)/i.exec(target)?.[1];
    const found = database('oracle', form, [['host', host ?? 'descriptor'], ...sign]);
    if (found === null) return null;
    return { ...found, values: { ...found.values, host: undefined, descriptor: target } };
  }
  const protocol = /^(tcps?):(?=\/\/)/i.exec(target);
  const parts = /^(?:\/\/)?([^:/]+)(?::(\d+))?(?:([:/])([^?]+))?/.exec(target.slice(protocol?.[0].length ?? 0));
  if (parts === null) return null;
  const plain = database('oracle', form, [
    ['host', parts[1] as string],
    ['port', parts[2] ?? ''],
    ['database', parts[4] ?? ''],
    ...sign,
  ]);
  if (plain === null) return null;
  const isEncrypted = protocol?.[1]?.toLowerCase() === 'tcps';
  const found = isEncrypted ? { ...plain, values: { ...plain.values, encrypt: true } } : plain;
  if (parts[3] !== ':') return found;
  const { service_name: sid, ...values } = found.values;
  return { ...found, values: { ...values, sid } };
}

/** Splits `a=1;b="x;y";c={z}` at its semicolons. */
function splitSettings(text: string): string[] {
  return [...text.matchAll(/(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|\{[^}]*\}|[^;])+/g)].map(([part]) => part.trim());
}

function pairOf(setting: string): [string, string] {
  const at = setting.indexOf('=');
  if (at < 0) return [setting, ''];
  const value = setting.slice(at + 1).trim();
  const quoted = /^"((?:[^"]|"")*)"$/.exec(value) ?? /^'((?:[^']|'')*)'$/.exec(value) ?? /^\{([^}]*)\}$/.exec(value);
  const quote = value[0] as string;
  return [
    setting.slice(0, at).trim(),
    quoted === null ? value : (quoted[1] as string).replaceAll(quote + quote, quote),
  ];
}

/** `Server=…;Database=…` (ADO.NET, ODBC, Npgsql) or `host=… dbname=…` (libpq). */
function parsePairs(text: string): Found | null {
  if (!/^[\w .]+\s*=/.test(text)) return null;
  const libpq = !text.replace(/'(?:[^'\\]|\\.)*'/g, '').includes(';') && /(^|\s)(host|hostaddr|dbname)\s*=/i.test(text);
  const pairs = libpq
    ? [...text.matchAll(/(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)/g)].map(([, key, value]): [string, string] => [
        key as string,
        (value as string).replace(/^'(.*)'$/s, '$1').replace(/\\(.)/g, '$1'),
      ])
    : splitSettings(text).map(pairOf);
  const words = new Set(pairs.map(([key]) => key.toLowerCase().replace(/[^a-z]/g, '')));
  const driver = pairs.find(([key]) => /^(driver|provider)$/i.test(key))?.[1] ?? '';
  const postgres =
    libpq ||
    /postgre|npgsql/i.test(driver) ||
    (words.has('host') && !words.has('server')) ||
    pairs.some(([key, value]) => /^port$/i.test(key) && value === '5432');
  return database(
    postgres ? 'postgresql' : 'mssql',
    libpq ? 'libpq connection string' : 'ADO.NET connection string',
    pairs,
  );
}

/** A path as Windows or other systems write it, or a bucket without credentials. */
function parseFolder(text: string): Found | null {
  if (!/^([a-z]:[\\/]|\\\\|\.{0,2}\/)/i.test(text) || text.includes('\n')) return null;
  return { type: 'filesystem', form: 'folder', values: { bucket_url: text }, secrets: {}, notes: [] };
}

/** Options of cURL that take a value. */
const WITH_VALUE =
  /^(-[XHdbuAeoFTmxwrCEKUtyYz]|--(request|header|data.*|json|cookie|user|user-agent|referer|output|form|url|max-time|proxy|connect-timeout|cert|key|cacert|oauth2-bearer|retry|write-out))$/;

function parseCurl(text: string): Found | null {
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

function api(
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
  return { type: 'api', form, values, secrets, notes };
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** UTF-8 text of a Base64; neither Node's Buffer nor the page's atob is everywhere that this file is. */
function fromBase64(text: string): string {
  let bits = '';
  for (const char of text.replace(/=+$/, '')) bits += BASE64.indexOf(char).toString(2).padStart(6, '0');
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => `%${Number.parseInt(byte, 2).toString(16).padStart(2, '0')}`);
  return decoded(bytes.join(''));
}

function nameFor({ type, values }: Found): string {
  const host = String(values.host ?? /^[a-z]+:\/\/([^/:]+)/i.exec(String(values.base_url ?? ''))?.[1] ?? '');
  const said =
    type === 'filesystem'
      ? (String(values.bucket_url).split(/[\\/]/).filter(Boolean).at(-1) ?? '')
      : type === 'api'
        ? (host
            .split('.')
            .filter((part) => !/^(api|www|rest|com|org|net|io|de)$/.test(part))
            .at(-1) ?? host)
        : String(values.database ?? values.service_name ?? values.sid ?? host.split('.')[0]);
  const name = said
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return name === '' ? type : /^\d/.test(name) ? `${type}_${name}` : name;
}
