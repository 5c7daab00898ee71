import { decoded, type Found, pairOf, searchPairs, splitSettings } from './connection-text.ts';
import { api, parseCurl } from './parse-api.ts';
import { easyConnect, oracleDescriptor } from './parse-oracle.ts';
import { parseStorage, parseStoragePairs } from './parse-storage.ts';
import type { Table } from './project.ts';

/** What a pasted text says of a connection or a destination. Secrets stand apart from everything that may be shown. */
export interface ParsedConnection extends Found {
  /** A name for it, from the host or the database; letters, digits and _. */
  name: string;
}

/**
 * Reads a URL (`postgresql://…`, `https://…`, `s3://…`), a JDBC URL, a connection string of ADO.NET, ODBC, libpq or Azure Storage, an Oracle
 * descriptor or Easy Connect string, an address of a bucket with its SAS, the key file of a service account, or a cURL command.
 * Null where the text is none of them. Never throws.
 */
export function parseConnection(text: string): ParsedConnection | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > 100_000) return null;
  const found =
    parseCurl(trimmed) ??
    parseJdbc(trimmed) ??
    parseStorage(trimmed) ??
    parseUrl(trimmed) ??
    parseOracle(trimmed) ??
    parseStoragePairs(trimmed) ??
    parsePairs(trimmed) ??
    parseFolder(trimmed);
  return found === null ? null : { ...found, name: nameFor(found) };
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
  authenticationscheme: 'scheme',
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
    const windows = truthy(given.get('integrated') ?? '') || /^sspi$/i.test(given.get('integrated') ?? '');
    if (word === 'ntlm' || /^ntlm$/i.test(given.get('scheme') ?? '')) values.authentication = 'ntlm';
    else if (windows) {
      notes.push(
        'Windows sign-in (SSPI) is not possible from this driver: use NTLM with the same account and its password, or Entra ID',
      );
      values.authentication = 'ntlm';
    } else if (word === 'activedirectoryserviceprincipal') {
      values.authentication = 'service_principal';
      if (values.username !== undefined) values.client_id = values.username;
      delete values.username;
      notes.push('The tenant is not in the text: enter its ID');
    } else if (word === 'activedirectoryinteractive') {
      values.authentication = 'browser';
    } else if (word.startsWith('activedirectory')) {
      values.authentication = 'default_credential';
      delete values.username;
      if (!/(default|managedidentity|msi)$/.test(word)) {
        notes.push(
          'Signing in with an Entra password is not possible here: “az login” on this computer does the same, or the browser',
        );
      }
    }
    const account = /^([^\\]+)\\(.+)$/.exec(String(values.username ?? ''));
    if (values.authentication === 'ntlm' && account !== null) [, values.domain, values.username] = account;
  }
  const password = given.get('password');
  const secretKey = values.authentication === 'service_principal' ? 'client_secret' : 'password';
  const secrets = password === undefined ? {} : { [secretKey]: password };
  return { section: 'sources', type: kind, form, values, secrets, notes };
}

const DATABASE_SCHEMES: Readonly<Record<string, 'postgresql' | 'mssql' | 'oracle'>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  mssql: 'mssql',
  sqlserver: 'mssql',
  oracle: 'oracle',
};

function parseUrl(text: string): Found | null {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || /\s/.test(text)) return null;
  const kind = DATABASE_SCHEMES[scheme.replace(/\+.*$/, '')];
  if (kind !== undefined) return parseAuthority(kind, 'connection URL', text.slice(text.indexOf('://') + 3));
  if (scheme === 'http' || scheme === 'https') return api('URL', text, [], null, '');
  return scheme === 'file'
    ? { section: 'sources', type: 'filesystem', form: 'file URL', values: { bucket_url: text }, secrets: {}, notes: [] }
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
  const match = /^jdbc:(postgresql|sqlserver|oracle:thin|databricks|spark):(.*)$/is.exec(text);
  if (match === null) return null;
  const rest = match[2] as string;
  const driver = (match[1] as string).toLowerCase();
  if (driver === 'postgresql') return parseAuthority('postgresql', form, rest.replace(/^\/\//, ''));
  if (driver === 'databricks' || driver === 'spark') return parseDatabricks(form, rest.replace(/^\/\//, ''));
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
  return oracle(form, target, sign);
}

/** What stands behind the @ of a JDBC URL, or as the data source of ADO.NET: a descriptor, an Easy Connect string, or a name of tnsnames.ora. */
function oracle(form: string, target: string, sign: Iterable<readonly [string, string]>): Found | null {
  const place = oracleDescriptor(target) ?? easyConnect(target);
  // The host is only needed to read the rest; a descriptor holds its own.
  const found = place === null ? null : database('oracle', form, [['host', 'descriptor'], ...sign]);
  if (found === null || place === null) return null;
  const { host: _host, service_name: _service, ...values } = found.values;
  return { ...found, values: { ...place, ...values } };
}

/** A descriptor, an entry of tnsnames.ora, or an Easy Connect string, maybe with `user/password@` before it. */
function parseOracle(text: string): Found | null {
  const [, user, password, target = ''] = /^(?:([^\s/@=:]+)\/([^\s]*)@)?(.*)$/s.exec(text) ?? [];
  const entry = /^[\w.]+\s*=\s*(\(.*)$/s.exec(target)?.[1] ?? target;
  const descriptor = /^\(\s*DESCRIPTION/i.test(entry);
  // Without a user before it, host:1521/name must be Oracle's by its port: an address of a web service looks the same.
  const easy =
    user !== undefined
      ? /^[^\s]+$/.test(target)
      : /^(?:tcps?:)?(?:\/\/)?[\w.-]+:(?:15\d\d|2484)[/:][\w.$-]+$/i.test(target);
  if (!descriptor && !easy) return null;
  const sign: [string, string][] =
    user === undefined
      ? []
      : [
          ['user', user],
          ['password', (password ?? '').replace(/^"(.*)"$/s, '$1')],
        ];
  return oracle(descriptor ? 'TNS descriptor' : 'Easy Connect string', entry, sign);
}

/** Words of the Databricks drivers, in lower case, and the key that they mean. */
const WAREHOUSE_WORDS: Readonly<Record<string, string>> = {
  host: 'server_hostname',
  httppath: 'http_path',
  conncatalog: 'catalog',
  catalog: 'catalog',
  connschema: 'schema',
  schema: 'schema',
  oauth2clientid: 'client_id',
  auth_client_id: 'client_id',
  oauth2secret: 'client_secret',
  auth_client_secret: 'client_secret',
  pwd: 'access_token',
  auth_accesstoken: 'access_token',
};

/** `host:443/schema;httpPath=…;AuthMech=3;UID=token;PWD=…` */
function parseDatabricks(form: string, rest: string): Found | null {
  const [server = '', ...settings] = splitSettings(rest);
  const at = /^([^:/]+)(?::(\d+))?(?:\/([^;]*))?$/.exec(server);
  if (at === null) return null;
  const pairs: [string, string][] = [['host', at[1] as string], ...settings.map(pairOf)];
  const found = warehouse(form, pairs);
  if (found === null) return null;
  if (at[2] !== undefined && at[2] !== '443') found.values.port = Number(at[2]);
  if (at[3] !== undefined && at[3] !== '' && at[3] !== 'default') found.values.schema ??= at[3];
  return found;
}

function warehouse(form: string, pairs: readonly (readonly [string, string])[]): Found | null {
  const values: Table = {};
  const secrets: Record<string, string> = {};
  for (const [key, value] of pairs) {
    const name = WAREHOUSE_WORDS[key.toLowerCase()];
    if (name === undefined || value === '') continue;
    if (name === 'access_token' || name === 'client_secret') secrets[name] = value;
    else values[name] = value;
  }
  if (values.server_hostname === undefined) return null;
  return { section: 'destinations', type: 'databricks', form, values, secrets, notes: [] };
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
  if (words.has('httppath')) return warehouse('ODBC connection string', pairs);
  const form = libpq
    ? 'libpq connection string'
    : /^driver$/i.test(pairs[0]?.[0] ?? '') || words.has('driver')
      ? 'ODBC connection string'
      : 'ADO.NET connection string';
  const source = pairs.find(([key]) => /^(data source|dbq|server)$/i.test(key))?.[1] ?? '';
  if (/oracle|oraoledb/i.test(driver) || /^\s*\(\s*DESCRIPTION|^[\w.-]+:\d+\/|^\/\//i.test(source)) {
    const others = pairs.filter(([key]) => !/^(data source|dbq|server)$/i.test(key));
    return oracle(form, source.trim(), others);
  }
  const postgres =
    libpq ||
    /postgre|npgsql/i.test(driver) ||
    (words.has('host') && !words.has('server')) ||
    pairs.some(([key, value]) => /^port$/i.test(key) && value === '5432');
  return database(postgres ? 'postgresql' : 'mssql', form, pairs);
}

/** A path as Windows or other systems write it, or a bucket without credentials. */
function parseFolder(text: string): Found | null {
  if (!/^([a-z]:[\\/]|\\\\|\.{0,2}\/)/i.test(text) || text.includes('\n')) return null;
  return {
    section: 'sources',
    type: 'filesystem',
    form: 'folder',
    values: { bucket_url: text },
    secrets: {},
    notes: [],
  };
}
function nameFor({ type, values }: Found): string {
  const service = /SERVICE_NAME\s*=\s*([^)\s]+)|SID\s*=\s*([^)\s]+)/i.exec(String(values.descriptor ?? ''));
  const host = String(
    values.host ?? values.server_hostname ?? /^[a-z]+:\/\/([^/:]+)/i.exec(String(values.base_url ?? ''))?.[1] ?? '',
  );
  const said =
    type === 'filesystem'
      ? bucketName(String(values.bucket_url ?? ''))
      : type === 'api'
        ? (host
            .split('.')
            .filter((part) => !/^(api|www|rest|com|org|net|io|de)$/.test(part))
            .at(-1) ?? host)
        : type === 'databricks'
          ? type
          : String(
              values.database ??
                values.service_name ??
                values.sid ??
                service?.[1] ??
                service?.[2] ??
                host.split('.')[0],
            );
  const name = said
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return name === '' ? type : /^\d/.test(name) ? `${type}_${name}` : name;
}

/** The last folder; of a bucket alone its own name. */
function bucketName(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const last = path.split(/[\\/]/).filter(Boolean).at(-1) ?? '';
  return last.replace(/@.*$/, '');
}
