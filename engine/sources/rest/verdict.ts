import type { Job } from '../../spec/job.ts';
import type { ReadWarning, StopVerdict } from '../source.ts';
import { scalarText } from './json.ts';
import { isObject } from './json-path.ts';
import { linkTarget } from './link-header.ts';
import type { Page } from './pages.ts';
import type { Stop } from './paginators.ts';

/** Collects what a read saw of its pages, and judges at the end whether that can have been all. */
export class VerdictKeeper {
  readonly #job: Job;
  #pages = 0;
  #received = 0;
  #kept = 0;
  /** Records of all pages but the last: one number where they agree. */
  #sizes = new Set<number>();
  #lastSize: number | null = null;
  #hint: string | null = null;

  constructor(job: Job) {
    this.#job = job;
  }

  add(page: Page): void {
    if (this.#lastSize !== null && this.#sizes.size < 3) this.#sizes.add(this.#lastSize);
    this.#lastSize = page.count;
    this.#pages += 1;
    this.#received += page.count;
    this.#kept += page.keptCount;
    if (this.#job.pagination_type === 'single_page')
      this.#hint = moreHint(page.body, page.response.headers, page.count);
  }

  /** The verdict and the warnings that go with it. */
  end(stop: Stop): { verdict: StopVerdict; warnings: ReadWarning[] } {
    const warnings = stop.warning ? [stop.warning] : [];
    const doubts: string[] = [];
    if (stop.truncated) doubts.push('there may be more');
    if (this.#hint !== null) {
      doubts.push(this.#hint);
      warnings.push({
        code: 'API_MORE_PAGES',
        message: `One page was read, but ${this.#hint}.`,
        hint: 'Set pagination_type (and the paths that go with it) for this job; a preview shows the response.',
      });
    }
    const asksForSize = this.#job.pagination_type === 'offset' || this.#job.pagination_type === 'page_number';
    const cap = this.#cap();
    const confirmed = [
      'total_reached',
      'total_pages',
      'has_more_false',
      'sample',
      'response_stop',
      'response_ignored',
    ].includes(stop.reason);
    if (!confirmed && asksForSize && this.#filled() === 1 && this.#received === this.#job.page_size) {
      doubts.push(`exactly one full page of ${recordsText(this.#received)} came`);
    } else if (
      !confirmed &&
      this.#hint === null &&
      ROUND_TOTALS.has(this.#received) &&
      (asksForSize || this.#pages === 1)
    ) {
      doubts.push(`${this.#received} is a round number of records, as servers' limits are`);
    }
    const notes =
      asksForSize && cap !== null && cap < this.#job.page_size
        ? ` The server gives at most ${recordsText(cap)} a page (page_size is ${this.#job.page_size}).`
        : '';
    const verdict: StopVerdict = {
      reason: stop.reason,
      detail: `${stop.detail}${notes}${doubts.length > 0 ? ` Looks truncated: ${doubts.join('; ')}.` : ''}`,
      records: this.#kept,
      pages: this.#pages,
      looksTruncated: doubts.length > 0,
    };
    return { verdict, warnings };
  }

  /** Pages that held records. */
  #filled(): number {
    return this.#lastSize === 0 ? this.#pages - 1 : this.#pages;
  }

  /** Records a page where every page but the last had the same. */
  #cap(): number | null {
    return this.#filled() > 1 && this.#sizes.size === 1 ? ([...this.#sizes][0] ?? null) : null;
  }
}

/** The verdict of a read of many streams (parent records, slices), each with an end of its own. */
export class StreamsVerdict {
  readonly #job: Job;
  readonly #what: string;
  readonly #reasons = new Map<string, number>();
  readonly #warnings = new Map<string, { warning: ReadWarning; times: number }>();
  #doubtful: string[] = [];
  #doubts = 0;
  #streams = 0;
  #pages = 0;
  #records = 0;
  #last: Stop | null = null;

  /** @param what one stream's name in the plural: `records of users`, `slices` */
  constructor(job: Job, what: string) {
    this.#job = job;
    this.#what = what;
  }

  add(page: Page): void {
    this.#pages += 1;
    this.#records += page.keptCount;
    if (page.number === 1 && this.#job.pagination_type === 'single_page') {
      const hint = moreHint(page.body, page.response.headers, page.count);
      if (hint !== null) this.#doubt(hint, { code: 'API_MORE_PAGES', message: `One page was read, but ${hint}.` });
    }
  }

  /** A stream ended. */
  close(stop: Stop, label: string | null): void {
    this.#streams += 1;
    this.#last = stop;
    this.#reasons.set(stop.reason, (this.#reasons.get(stop.reason) ?? 0) + 1);
    if (stop.truncated) this.#doubt(label ?? '', stop.warning);
    else if (stop.warning) this.#warn(stop.warning);
  }

  end(): { verdict: StopVerdict; warnings: ReadWarning[] } {
    const ends = [...this.#reasons].map(([reason, times]) => `${reason} ${times}`).join(', ');
    const early = this.#last && (this.#last.endsRead || this.#last.reason === 'sample') ? ` ${this.#last.detail}` : '';
    const doubt =
      this.#doubts === 0
        ? ''
        : ` Looks truncated: ${this.#doubts} of them may have more (${this.#doubtful.join('; ')}${this.#doubts > this.#doubtful.length ? '; …' : ''}).`;
    const verdict: StopVerdict = {
      reason: early === '' ? 'all_parts' : (this.#last as Stop).reason,
      detail: `${this.#streams} ${this.#what} were asked for${ends === '' ? '' : `; their pages ended by: ${ends}`}.${early}${doubt}`,
      records: this.#records,
      pages: this.#pages,
      looksTruncated: this.#doubts > 0,
    };
    const warnings = [...this.#warnings.values()].map(({ warning, times }) =>
      times === 1 ? warning : { ...warning, message: `${warning.message} (${times} times)` },
    );
    return { verdict, warnings };
  }

  #doubt(what: string, warning: ReadWarning | undefined): void {
    this.#doubts += 1;
    if (this.#doubtful.length < 3 && what !== '') this.#doubtful.push(what);
    if (warning) this.#warn(warning);
  }

  #warn(warning: ReadWarning): void {
    const known = this.#warnings.get(warning.code);
    if (known) known.times += 1;
    else this.#warnings.set(warning.code, { warning, times: 1 });
  }
}

function recordsText(records: number): string {
  return records === 1 ? '1 record' : `${records} records`;
}

/** Totals at which servers silently stop. */
const ROUND_TOTALS = new Set([50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]);

const NEXT_KEYS = [
  'next',
  'next_page',
  'nextpage',
  'next_url',
  'nextlink',
  '@odata.nextlink',
  'next_cursor',
  'nextcursor',
  'next_page_token',
  'nextpagetoken',
  'after',
];
const TOTAL_KEYS = ['total', 'total_count', 'totalcount', 'total_records', 'totalrecords', 'count', '@odata.count'];

/** What in a response says that there are more pages; null where nothing does. */
export function moreHint(body: unknown, headers: Record<string, string>, records: number): string | null {
  if (linkTarget(headers.link ?? null, 'next') !== null) return 'its Link header has a next page';
  if (!isObject(body)) return null;
  const places: [string, unknown][] = Object.entries(body).flatMap(([key, value]) =>
    isObject(value) && /^(meta|pagination|paging|links|_links|page|response_metadata|cursors?)$/i.test(key)
      ? Object.entries(value).map(([inner, item]): [string, unknown] => [`${key}.${inner}`, item])
      : [[key, value] as [string, unknown]],
  );
  for (const [place, value] of places) {
    const key = place.slice(place.indexOf('.') + 1).toLowerCase();
    const name = place.startsWith('@') ? place.toLowerCase() : key;
    if (
      NEXT_KEYS.includes(name) &&
      value !== null &&
      value !== '' &&
      value !== false &&
      (scalarText(value) !== null || isObject(value))
    ) {
      return `${place} leads to a next page`;
    }
    if (/^(has_?more|has_?next(_?page)?)$/.test(key) && value === true) return `${place} is true`;
    const text = scalarText(value);
    if (TOTAL_KEYS.includes(name) && text !== null && /^\d+$/.test(text) && Number(text) > records)
      return `${place} is ${text} and ${recordsText(records)} came`;
  }
  return null;
}
