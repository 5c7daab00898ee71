import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { matchesPattern } from './pac-functions.ts';

/** What the system says about proxies. */
export interface SystemProxy {
  /** A script that chooses (http, https or file); it goes before the proxies. */
  script: URL | null;
  /** Addresses for http and https. */
  http: string | null;
  https: string | null;
  /** Hosts that are reached directly: names with `*`, `10.0.0.0/8`, `<local>` for names without a dot. */
  bypass: readonly string[];
}

/** Gives a program's output; rejects where it fails. */
export type RunCommand = (file: string, args: readonly string[]) => Promise<string>;

/** A program of the system is given so many milliseconds. */
const PATIENCE = 5_000;
/** What was read holds so long: people change networks while a window is open. */
const FRESH = 10 * 60_000;
const NONE: SystemProxy = { script: null, http: null, https: null, bypass: [] };

const run: RunCommand = async (file, args) => {
  const { stdout } = await promisify(execFile)(file, args, { timeout: PATIENCE, windowsHide: true, encoding: 'utf8' });
  return stdout;
};

/**
 * Reads the system's proxies: on Windows those of the user (or the computer, where a policy says so), on macOS those of the network in use. What cannot be read counts as none.
 * On other systems the environment's variables are the convention, and there is nothing else to read.
 */
export async function readSystemProxy(
  platform: NodeJS.Platform,
  runCommand: RunCommand = run,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<SystemProxy> {
  if (platform === 'win32') return await readRegistry(runCommand, environment['SystemRoot'] ?? 'C:\\Windows');
  if (platform === 'darwin') return parseScutil(await runCommand('/usr/sbin/scutil', ['--proxy']).catch(() => ''));
  return NONE;
}

/** Whether there is anything that {@link readSystemProxy} can read. */
export function hasSystemProxy(platform: NodeJS.Platform): boolean {
  return platform === 'win32' || platform === 'darwin';
}

let last: { proxy: Promise<SystemProxy>; until: number } | null = null;

/** This system's proxies, read when they are asked for first and kept for a while. */
export function systemProxy(): Promise<SystemProxy> {
  if (last === null || Date.now() >= last.until)
    last = { proxy: readSystemProxy(process.platform), until: Date.now() + FRESH };
  return last.proxy;
}

const SETTINGS = 'Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';
const POLICIES = 'Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';

async function readRegistry(runCommand: RunCommand, systemRoot: string): Promise<SystemProxy> {
  // By its whole path: a program of that name beside ours would be found first.
  const reg = path.win32.join(systemRoot, 'System32', 'reg.exe');
  const query = async (key: string) => parseRegistry(await runCommand(reg, ['query', key]).catch(() => ''));
  const [computerPolicy, userPolicy, user, computer] = await Promise.all([
    query(`HKLM\\${POLICIES}`),
    query(`HKCU\\${POLICIES}`),
    query(`HKCU\\${SETTINGS}`),
    query(`HKLM\\${SETTINGS}`),
  ]);
  const isComputers = computerPolicy.get('proxysettingsperuser') === '0';
  return proxyOfValues(new Map([...(isComputers ? computer : user), ...userPolicy, ...computerPolicy]));
}

/** Values of the key itself by lower-case name, numbers as decimals. What follows in `reg query` are the keys below. */
function parseRegistry(output: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of output.split(/\r?\n/)) {
    const [, name, type = '', text = ''] = /^ {4}(\S.*?) {4}(REG_\w+)(?: {4}(.*))?$/.exec(line) ?? [];
    if (name === undefined) continue;
    values.set(name.toLowerCase(), type === 'REG_DWORD' ? String(Number(text.trim())) : text.trim());
  }
  return values;
}

function proxyOfValues(values: ReadonlyMap<string, string>): SystemProxy {
  const script = scriptOf(values.get('autoconfigurl'));
  if (values.get('proxyenable') !== '1') return { ...NONE, script };
  const server = values.get('proxyserver') ?? '';
  const bySchema = new Map<string, string>();
  for (const part of server.split(/[;\s]+/)) {
    const [, schema, place] = /^(\w+)=(.+)$/.exec(part) ?? [];
    if (schema !== undefined && place !== undefined) bySchema.set(schema.toLowerCase(), place);
    else if (part !== '') bySchema.set('', part);
  }
  const of = (schema: string) => addressOf(bySchema.get(schema) ?? bySchema.get(''));
  const bypass = (values.get('proxyoverride') ?? '').split(/[;\s]+/).filter((entry) => entry !== '');
  return { script, http: of('http'), https: of('https'), bypass };
}

/** The top level of `scutil --proxy`; the services below it are not in use. */
function parseScutil(output: string): SystemProxy {
  const values = new Map<string, string>();
  const exceptions: string[] = [];
  let depth = 0;
  let list = '';
  for (const line of output.split(/\r?\n/)) {
    const [, key = '', value = ''] = /^\s*(\S+) : (.*?)\s*$/.exec(line) ?? [];
    if (depth === 2 && list === 'ExceptionsList' && /^\d+$/.test(key)) exceptions.push(value);
    if (depth === 1 && key !== '') {
      if (value.endsWith('{')) list = key;
      else values.set(key, value);
    }
    if (line.trimEnd().endsWith('{')) depth += 1;
    if (line.trim() === '}') depth -= 1;
  }
  const of = (name: 'HTTP' | 'HTTPS') => {
    const [host = '', port = '80'] = [values.get(`${name}Proxy`), values.get(`${name}Port`)];
    return values.get(`${name}Enable`) === '1' && host !== '' ? addressOf(`${bracketed(host)}:${port}`) : null;
  };
  return {
    script: values.get('ProxyAutoConfigEnable') === '1' ? scriptOf(values.get('ProxyAutoConfigURLString')) : null,
    http: of('HTTP'),
    https: of('HTTPS'),
    bypass: [...exceptions, ...(values.get('ExcludeSimpleHostnames') === '1' ? ['<local>'] : [])],
  };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function addressOf(place: string | undefined): string | null {
  if (place === undefined) return null;
  const text = /^\w+:\/\//.test(place) ? place : `http://${place}`;
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : null;
}

function scriptOf(text: string | undefined): URL | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const url = new URL(text);
  return /^(?:https?|file):$/.test(url.protocol) ? url : null;
}

/** The system's own rule for hosts without a proxy: loopback always, else its list. */
export function isBypassed(url: URL, bypass: readonly string[]): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\./.test(host)) return true;
  return bypass.some((entry) => {
    const rule = entry.toLowerCase();
    if (rule === '<local>') return !/[.:]/.test(host);
    const [, schema, place = ''] = /^(?:(\w+):\/\/)?(.+)$/.exec(rule) ?? [];
    if (schema !== undefined && `${schema}:` !== url.protocol) return false;
    const [, network, bits] = /^([\d.]+)\/(\d+)$/.exec(place) ?? [];
    if (network !== undefined) return isWithin(host, network, Number(bits));
    const [, name = '', port] = /^(.+?)(?::(\d+))?$/.exec(place) ?? [];
    if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
    return name.startsWith('.') ? host.endsWith(name) : matchesPattern(host, name);
  });
}

/** IPv4 only; the last parts of the network's address may be left out (`169.254/16`). */
function isWithin(host: string, network: string, bits: number): boolean {
  const [address, start] = [host, network].map((text, index) => {
    const parts = text.split('.');
    if (index === 0 && parts.length !== 4) return null;
    if (parts.length > 4 || parts.some((part) => !/^\d{1,3}$/.test(part))) return null;
    return [...parts, '0', '0', '0'].slice(0, 4).reduce((sum, part) => sum * 256 + Number(part), 0);
  });
  if (address == null || start == null || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor(start / size);
}
