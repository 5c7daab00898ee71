import type { SourceType } from './kinds.ts';
import { type Entries, type Entry, remark, scalarText, type TomlContext, take } from './toml-table.ts';

/** What is said of a database in TOML: the plan's keys, dlt's connection strings, and the words of other tools. */
export const DATABASE_ALIASES = {
  user: 'username',
  server: 'host',
  dbname: 'database',
  sslmode: 'ssl_mode',
  sslrootcert: 'ssl_root_cert',
  dsn: 'descriptor',
};

/** Words for `authentication` of SQL Server that other tools use. */
const SIGN_IN_ALIASES: Record<string, string> = {
  entra: 'service_principal',
  activedirectoryserviceprincipal: 'service_principal',
  'azure-active-directory-service-principal-secret': 'service_principal',
  activedirectorydefault: 'default_credential',
  'azure-active-directory-default': 'default_credential',
  sqlpassword: 'sql',
  interactive: 'browser',
  activedirectoryinteractive: 'browser',
};

/** dlt's `credentials = "postgresql://user:password@host:5432/database"`. No part of it is ever shown. */
export function readConnectionString(context: TomlContext, entries: Entries, entry: Entry, type: SourceType): void {
  const match =
    /^[a-z][a-z0-9+_]*:\/\/(?:([^:@/?]*)(?::([^@/]*))?@)?([^:/?@]+|\[[^\]]+\])(?::(\d+))?(?:\/([^?]*))?(?:\?.*)?$/i.exec(
      scalarText(entry.value).trim(),
    );
  if (type === 'api' || type === 'filesystem' || match === null) {
    remark(
      context,
      { value: null, path: entry.path },
      'CONFIG_VALUE_NOT_ALLOWED',
      'cannot be read as a connection string',
      {
        hint: 'Write kind://username:password@host:port/database, or one key each.',
      },
    );
    return;
  }
  const keys = ['username', 'password', 'host', 'port', 'database'];
  for (const [index, key] of keys.entries()) {
    const text = match[index + 1];
    if (text === undefined || text === '' || entries.has(key)) continue;
    let value = text;
    try {
      value = decodeURIComponent(text);
    } catch {
      // A bare % in a password is meant as it stands.
    }
    entries.set(key, { value, path: entry.path });
  }
}

export function settleOracle(context: TomlContext, entries: Entries, path: string[]): void {
  const database = take(entries, 'database');
  if (database !== undefined && !entries.has('service_name') && !entries.has('sid'))
    entries.set('service_name', database);
  const ways = ['service_name', 'sid', 'descriptor'].filter((key) => entries.has(key));
  if (ways.length !== 1) {
    const problem = ways.length === 0 ? 'service_name is missing' : `has ${ways.join(' and ')}`;
    remark(
      context,
      { value: null, path },
      'CONFIG_ORACLE_TARGET',
      `${problem}; give exactly one of service_name, sid and descriptor`,
    );
  }
  if (!entries.has('descriptor') && !entries.has('host')) {
    remark(context, { value: null, path: [...path, 'host'] }, 'CONFIG_VALUE_MISSING', 'is missing');
  }
}

export function settleSqlServer(context: TomlContext, entries: Entries, path: string[]): void {
  take(entries, 'azure_sql');
  for (const key of ['trusted_connection', 'integrated_security']) {
    const entry = take(entries, key);
    if (entry !== undefined && !/^(no|false|0)$/i.test(scalarText(entry.value))) refuseWindowsSignIn(context, entry);
  }
  const given = entries.get('authentication');
  if (given === undefined) {
    const principal = entries.has('client_id');
    const value = principal ? 'service_principal' : entries.has('domain') ? 'ntlm' : 'sql';
    entries.set('authentication', { value, path: [...path, 'authentication'] });
  } else if (typeof given.value === 'string') {
    const word = given.value.trim().toLowerCase();
    if (['windows', 'integrated', 'sspi', 'trusted'].includes(word)) {
      refuseWindowsSignIn(context, given);
      entries.set('authentication', { ...given, value: 'ntlm' });
    } else if (Object.hasOwn(SIGN_IN_ALIASES, word))
      entries.set('authentication', { ...given, value: SIGN_IN_ALIASES[word] });
  }
  const needs: Record<string, string[]> = {
    sql: ['username'],
    ntlm: ['username', 'domain'],
    service_principal: ['tenant_id', 'client_id'],
  };
  const signIn = scalarText(entries.get('authentication')?.value).toLowerCase();
  for (const key of Object.hasOwn(needs, signIn) ? (needs[signIn] as string[]) : []) {
    if (!entries.has(key))
      remark(
        context,
        { value: null, path: [...path, key] },
        'CONFIG_VALUE_MISSING',
        `is missing; authentication ${signIn} needs it`,
      );
  }
}

function refuseWindowsSignIn(context: TomlContext, entry: Entry): void {
  remark(context, entry, 'CONFIG_WINDOWS_SIGN_IN', 'the driver cannot sign in with the Windows user (SSPI)', {
    hint: 'Use authentication = "ntlm" with domain, username and password, or Entra ID with "service_principal".',
  });
}
