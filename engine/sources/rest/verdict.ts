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
    this.#lastSize = page.records.length;
    this.#pages += 1;
    this.#received += page.records.length;
    this.#kept += page.kept.length;
    if (this.#job.pagination_type === 'single_page')
      this.#hint = moreHint(page.body, page.response.headers, page.records.length);
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
    const confirmed = ['total_reached', 'total_pages', 'has_more_false', 'sample'].includes(stop.reason);
    if (!confirmed && asksForSize && this.#filled() === 1 && this.#received === this.#job.page_size) {
      doubts.push(`exactly one full page of ${this.#received} records came`);
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
        ? ` The server gives at most ${cap} records a page (page_size is ${this.#job.page_size}).`
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
      return `${place} is ${text} and ${records} records came`;
  }
  return null;
}
