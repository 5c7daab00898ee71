import type { Job } from '../../spec/job.ts';
import type { PaginationType } from '../../spec/kinds.ts';
import type { Detection } from '../source.ts';
import { detectKey } from './detect-key.ts';
import { detectPagination, type PaginationFacts } from './detect-pagination.ts';
import { detectSelection } from './detect-selector.ts';
import { detectWatermark } from './detect-watermark.ts';
import type { FirstPage } from './first-page.ts';
import type { JsonRecord } from './records.ts';

/** A page as detection sees it. */
export interface ObservedPage {
  /** Parsed; undefined where it is no JSON. */
  body: unknown;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Address that was asked. */
  url: string;
  records: readonly JsonRecord[];
  durationMs: number;
}

export interface Observation {
  job: Job;
  pages: readonly ObservedPage[];
  /** The selector that found the records; null where none did. */
  selector: string | null;
  firstPage: FirstPage | null;
}

/** What is said of one setting before it is known whether the job says so too. */
export type Finding = Omit<Detection, 'in_use' | 'place'>;

/** Settings that detection speaks of, in the order in which a person decides them. */
export const DETECTED_COLUMNS = [
  'pagination_type',
  'page_size',
  'data_selector',
  'primary_key',
  'watermark_column',
] as const;
export const DETECTED_OPTIONS = [
  'base_page',
  'cursor_path',
  'cursor_param',
  'next_url_path',
  'total_path',
  'total_pages_path',
  'has_more_path',
] as const;
export type DetectedSetting = (typeof DETECTED_COLUMNS)[number] | (typeof DETECTED_OPTIONS)[number];

export type Detected = Partial<Record<DetectedSetting, Detection>>;

/** Records that are looked at, over all pages: enough for a judgement, and a page of a million does not hold it up. */
const MOST_RECORDS = 20_000;

/** What the responses tell about the job's settings, each with its evidence. Looks at nothing else. */
export function detect(observation: Observation): Detected {
  const { job, pages, selector, firstPage } = observation;
  if (pages.length === 0) return {};
  const records = sampleOf(pages);
  const facts = detectPagination(observation);
  const found: Partial<Record<DetectedSetting, Finding>> = {
    ...facts.settings,
    ...pageSize(observation, facts),
    ...detectSelection(pages, selector, job.data_selector),
    ...detectKey(records, job.primary_key),
    ...detectWatermark(records, job),
  };
  if (firstPage !== null) {
    found.base_page = { value: firstPage.base_page, evidence: firstPage.evidence, confidence: 'certain' };
  }
  const detected: Detected = {};
  for (const setting of [...DETECTED_COLUMNS, ...DETECTED_OPTIONS]) {
    const finding = found[setting];
    if (finding === undefined) continue;
    const isColumn = (DETECTED_COLUMNS as readonly string[]).includes(setting);
    detected[setting] = {
      ...finding,
      in_use: isInUse(job, setting, finding.value, selector),
      place: isColumn ? 'column' : 'option',
    };
  }
  return detected;
}

function sampleOf(pages: readonly ObservedPage[]): JsonRecord[] {
  const each = Math.ceil(MOST_RECORDS / pages.length);
  return pages.flatMap(({ records }) => (records.length > each ? records.slice(0, each) : records));
}

function isInUse(job: Job, setting: DetectedSetting, value: string | number, selector: string | null): boolean {
  switch (setting) {
    case 'pagination_type':
      return job.pagination_type === value;
    case 'page_size':
      return job.page_size === value;
    case 'data_selector':
      return samePath(selector ?? '', String(value));
    case 'primary_key':
      return job.primary_key.join(', ') === value;
    case 'watermark_column':
      return samePath(job.watermark_column ?? '', String(value));
    case 'base_page':
      return job.options.base_page === value;
    case 'cursor_param':
      return job.options.cursor_param === value;
    case 'next_url_path':
      return samePath(job.options.next_url_path ?? (job.pagination_type === 'json_link' ? 'next' : ''), String(value));
    case 'cursor_path':
    case 'total_path':
    case 'total_pages_path':
    case 'has_more_path':
      return samePath(job.options[setting] ?? '', String(value));
    default:
      return setting satisfies never;
  }
}

/** `$.data`, `data` and `$['data']` are the same path. */
export function samePath(one: string, other: string): boolean {
  const plain = (path: string) =>
    path
      .trim()
      .replace(/\[['"]([\w@-]+)['"]\]/g, '.$1')
      .replace(/^\$\.?/, '')
      .replace(/^\./, '')
      .replace(/\[\*\]$/, '');
  return plain(one) === plain(other);
}

/** Paginations whose requests say how many records they want. */
export function asksForSize(type: PaginationType): boolean {
  return type === 'offset' || type === 'page_number';
}

/** Records that every page but the last had; null where they differ or nothing can be said. */
export function fullPageSize(pages: readonly ObservedPage[], moreFollows: boolean): number | null {
  const full = moreFollows ? pages : pages.slice(0, -1);
  const sizes = new Set(full.map(({ records }) => records.length));
  const [size] = sizes;
  return sizes.size === 1 && size !== undefined && size > 0 ? size : null;
}

function pageSize({ job, pages }: Observation, facts: PaginationFacts): Partial<Record<'page_size', Finding>> {
  if (!asksForSize(job.pagination_type)) return {};
  const size = fullPageSize(pages, facts.more !== null);
  if (size === null) return {};
  const asked = job.page_size;
  const seen = pages.filter(({ records }) => records.length === size).length;
  if (size >= asked) {
    if (size > asked)
      return {
        page_size: {
          value: size,
          evidence: `Asked for ${asked}, got ${size}: the server does not heed the page size`,
          confidence: 'likely',
        },
      };
    return {
      page_size: { value: asked, evidence: `Asked for ${asked}, got ${size} on each full page`, confidence: 'certain' },
    };
  }
  return {
    page_size: {
      value: size,
      evidence: `Asked for ${asked}, got exactly ${size} on ${seen} of ${pages.length} pages`,
      confidence: seen > 1 ? 'certain' : 'likely',
    },
  };
}
