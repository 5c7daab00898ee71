/**
 * What a fill handle writes, as Excel does: a lone number or word is copied, numbers and dates with a constant step go on, a text that ends in digits counts up.
 * Pure; one column (or row) at a time.
 */

/** A text read as a place in a series. */
interface Term {
  /** Terms of one series share it. */
  form: string;
  value: bigint;
  write: (value: bigint) => string;
}

const DAY = 86_400_000;

/**
 * The texts that follow `source` in its direction.
 * @param backwards Fill towards smaller: the result's first text is the one next to `source[0]`.
 * @param copy Repeat the source, no series (Ctrl held).
 */
export function fillSeries(source: readonly string[], count: number, backwards: boolean, copy: boolean): string[] {
  if (source.length === 0) return [];
  const next = copy ? null : series(source);
  return Array.from({ length: count }, (_, index) => {
    const place = backwards ? -1 - index : source.length + index;
    if (next !== null) return next(place);
    return source[((place % source.length) + source.length) % source.length] as string;
  });
}

/** The text at a place of the series that `source` starts at place 0; null where it is none. */
function series(source: readonly string[]): ((place: number) => string) | null {
  const numbers = terms(source, decimalTerm(source));
  if (numbers !== null) return source.length === 1 ? null : stepped(numbers);
  const dates = terms(source, dateTerm);
  if (dates !== null) return monthly(source) ?? stepped(dates);
  const counted = terms(source, countedTerm);
  return counted === null ? null : stepped(counted);
}

function terms(source: readonly string[], read: (text: string) => Term | null): Term[] | null {
  const all: Term[] = [];
  for (const text of source) {
    const term = read(text);
    if (term === null || term.form !== (all[0] ?? term).form) return null;
    all.push(term);
  }
  return all;
}

function stepped(all: readonly Term[]): ((place: number) => string) | null {
  const [first, second] = all as [Term, Term | undefined];
  const step = second === undefined ? 1n : second.value - first.value;
  if (all.some((term, index) => term.value !== first.value + BigInt(index) * step)) return null;
  return (place) => first.write(first.value + BigInt(place) * step);
}

/** Numbers of any length, exactly: as whole multiples of the smallest digit that any of them has. */
function decimalTerm(source: readonly string[]): (text: string) => Term | null {
  const digits = Math.max(...source.map((text) => /^-?\d+\.(\d+)$/.exec(text.trim())?.[1]?.length ?? 0));
  return (text) => {
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
    // Leading zeros are a code, not a number.
    if (match === null || /^0\d/.test(match[2] as string)) return null;
    const scaled = BigInt(`${match[2]}${(match[3] ?? '').padEnd(digits, '0')}`);
    return { form: 'number', value: match[1] === '-' ? -scaled : scaled, write: (value) => decimal(value, digits) };
  };
}

function decimal(value: bigint, digits: number): string {
  const sign = value < 0n ? '-' : '';
  const text = (value < 0n ? -value : value).toString().padStart(digits + 1, '0');
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** ISO dates, with a time of day that stays. */
function dateTerm(text: string): Term | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})([T ]\S.*)?$/.exec(text.trim());
  if (match === null) return null;
  const time = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  const tail = match[4] ?? '';
  if (isoDay(time) !== text.trim().slice(0, 10)) return null;
  return { form: `date${tail}`, value: BigInt(time / DAY), write: (value) => isoDay(Number(value) * DAY) + tail };
}

function isoDay(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

/** Dates of one day of the month, a constant number of months apart; a short month gives its last day. */
function monthly(source: readonly string[]): ((place: number) => string) | null {
  if (source.length < 2) return null;
  const parts = source.map((text) => text.trim().split(/-|(?=[T ])/) as [string, string, string, string?]);
  const first = parts[0] as (typeof parts)[number];
  const day = first[2];
  const months = parts.map(([year, month]) => Number(year) * 12 + Number(month) - 1);
  const step = (months[1] as number) - (months[0] as number);
  const even = months.every((month, index) => month === (months[0] as number) + index * step);
  if (step === 0 || parts.some((part) => part[2] !== day) || !even) return null;
  return (place) => {
    const month = (months[0] as number) + place * step;
    const last = new Date(Date.UTC(0, 0, 1));
    last.setUTCFullYear(Math.floor(month / 12), (month % 12) + 1, 0);
    const date = String(Math.min(Number(day), last.getUTCDate())).padStart(2, '0');
    const year = String(Math.floor(month / 12)).padStart(4, '0');
    return `${year}-${String((month % 12) + 1).padStart(2, '0')}-${date}${first[3] ?? ''}`;
  };
}

/** `part_007` counts to `part_008`; the text before the digits stays, and so does their width. Never below 0. */
function countedTerm(text: string): Term | null {
  const match = /^(.*?)(\d+)(\D*)$/s.exec(text);
  if (match === null) return null;
  const [, head = '', digits = '', tail = ''] = match;
  // Excel counts a number at the end; one in the middle is part of the text.
  if (tail !== '' || (head === '' && !/^0\d/.test(digits))) return null;
  return {
    form: head,
    value: BigInt(digits),
    write: (value) => head + (value < 0n ? -value : value).toString().padStart(digits.length, '0'),
  };
}
