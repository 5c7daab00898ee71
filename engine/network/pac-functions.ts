/**
 * What a script that chooses proxies may call, as Netscape wrote it down and browsers have it
 * (https://developer.mozilla.org/docs/Web/HTTP/Guides/Proxy_servers_and_tunneling/Proxy_Auto-Configuration_PAC_file).
 */
export interface PacContext {
  /** The IPv4 address of a name; null where there is none, also where it is not known yet. */
  resolve(host: string): string | null;
  /** This computer's address. */
  ownAddress: string;
  now: Date;
}

type PacFunction = (...args: unknown[]) => string | number | boolean | null | undefined;

/** @param context asked anew at each call */
export function pacFunctions(context: () => PacContext): Record<string, PacFunction> {
  const addressOf = (host: unknown) => {
    const text = String(host);
    return numberOfAddress(text) === null ? context().resolve(text) : text;
  };
  return {
    alert: () => undefined,
    dnsDomainIs: (host, domain) => lower(host).endsWith(lower(domain)),
    dnsDomainLevels: (host) => String(host).split('.').length - 1,
    dnsResolve: addressOf,
    isInNet(host, pattern, mask) {
      const [address, net, bits] = [addressOf(host) ?? '', String(pattern), String(mask)].map(numberOfAddress);
      if (address == null || net == null || bits == null) return false;
      return (address & bits) === (net & bits);
    },
    isPlainHostName: (host) => !/[.:]/.test(String(host)),
    isResolvable: (host) => addressOf(host) !== null,
    localHostOrDomainIs(host, full) {
      const [name, whole] = [lower(host), lower(full)];
      return name === whole || (!name.includes('.') && whole.startsWith(`${name}.`));
    },
    myIpAddress: () => context().ownAddress,
    shExpMatch: (text, pattern) => matchesPattern(String(text), String(pattern)),
    convert_addr: (address) => numberOfAddress(String(address)) ?? 0,
    weekdayRange: (...args) => isInRange(args, context().now, 'weekday'),
    dateRange: (...args) => isInRange(args, context().now, 'date'),
    timeRange: (...args) => isInRange(args, context().now, 'time'),
  };
}

function lower(value: unknown): string {
  return String(value).toLowerCase();
}

/** An IPv4 address as a signed 32-bit number; null for anything else. */
function numberOfAddress(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => (sum << 8) | part, 0);
}

/**
 * A shell's pattern: `*` is any text, `?` any character. Takes time in proportion to both lengths, whatever the pattern: it runs outside of the sandbox.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    if (pattern[from] === '*') {
      star = from;
      mark = at;
      from += 1;
    } else if (from < pattern.length && (pattern[from] === '?' || pattern[from] === text[at])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      mark += 1;
      at = mark;
      from = star + 1;
    } else return false;
  }
  while (pattern[from] === '*') from += 1;
  return from === pattern.length;
}

const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** Parts of a moment, the greatest first. */
type Part = 'year' | 'month' | 'day' | 'weekday' | 'hour' | 'minute' | 'second';
const GREATEST_FIRST: readonly Part[] = ['year', 'month', 'day', 'weekday', 'hour', 'minute', 'second'];
type Moment = Partial<Record<Part, number>>;

/** One bound is that very unit, two are a range with both ends in it; from a later to an earlier one it goes around (Friday to Monday). */
function isInRange(args: readonly unknown[], now: Date, kind: 'weekday' | 'date' | 'time'): boolean {
  const isUtc = typeof args.at(-1) === 'string' && lower(args.at(-1)) === 'gmt';
  const values = isUtc ? args.slice(0, -1) : args;
  const parts = values.map((value, index) => partOf(value, index % Math.ceil(values.length / 2), kind));
  if (parts.length === 0 || parts.includes(null)) return false;
  const named = parts as [Part, number][];
  const half = named.length / 2;
  const isRange = Number.isInteger(half) && named.slice(0, half).every(([part], at) => part === named[half + at]?.[0]);
  const first: Moment = Object.fromEntries(isRange ? named.slice(0, half) : named);
  const last: Moment = isRange ? Object.fromEntries(named.slice(half)) : first;
  const at = momentOf(now, isUtc);
  if (compare(first, last) <= 0) return compare(first, at) <= 0 && compare(at, last) <= 0;
  return compare(first, at) <= 0 || compare(at, last) <= 0;
}

function partOf(value: unknown, index: number, kind: 'weekday' | 'date' | 'time'): [Part, number] | null {
  const name = String(value).toUpperCase();
  if (kind === 'weekday') return WEEKDAYS.includes(name) ? ['weekday', WEEKDAYS.indexOf(name)] : null;
  if (kind === 'date' && MONTHS.includes(name)) return ['month', MONTHS.indexOf(name)];
  const number = Number(value);
  if (!Number.isInteger(number)) return null;
  if (kind === 'date') return number > 31 ? ['year', number] : ['day', number];
  const part = (['hour', 'minute', 'second'] as const)[index];
  return part === undefined ? null : [part, number];
}

function momentOf(now: Date, isUtc: boolean): Moment {
  return isUtc
    ? {
        year: now.getUTCFullYear(),
        month: now.getUTCMonth(),
        day: now.getUTCDate(),
        weekday: now.getUTCDay(),
        hour: now.getUTCHours(),
        minute: now.getUTCMinutes(),
        second: now.getUTCSeconds(),
      }
    : {
        year: now.getFullYear(),
        month: now.getMonth(),
        day: now.getDate(),
        weekday: now.getDay(),
        hour: now.getHours(),
        minute: now.getMinutes(),
        second: now.getSeconds(),
      };
}

/** By the parts that both have. */
function compare(one: Moment, other: Moment): number {
  for (const part of GREATEST_FIRST) {
    const [a, b] = [one[part], other[part]];
    if (a !== undefined && b !== undefined && a !== b) return a - b;
  }
  return 0;
}
