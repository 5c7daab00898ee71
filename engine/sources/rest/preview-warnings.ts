import type { Job } from '../../spec/job.ts';
import type { ReadWarning } from '../source.ts';
import { asksForSize, fullPageSize, type Observation } from './detect.ts';
import { spreadOf } from './detect-key.ts';
import { type PaginationFacts, repeatedPage } from './detect-pagination.ts';
import type { Stop } from './paginators.ts';

/** Stops that the API itself confirmed. */
const CONFIRMED = new Set(['total_reached', 'total_pages', 'has_more_false', 'preview_limit', 'sample', 'error']);

/** What a preview sees and a person should know before the first run. */
export function previewWarnings(observation: Observation, facts: PaginationFacts, stop: Stop): ReadWarning[] {
  const { job, pages } = observation;
  const filled = pages.filter(({ records }) => records.length > 0).length;
  const warnings: ReadWarning[] = [];
  if (job.pagination_type !== 'single_page' && filled === 1 && !CONFIRMED.has(stop.reason)) {
    warnings.push({
      code: 'API_ONE_PAGE',
      message: `Only one page came although pagination_type is ${job.pagination_type}. ${stop.detail}`,
      hint: 'Right for a small resource; else look at the Response and at what the paginator asks next.',
    });
  }
  const repeated = repeatedPage(pages);
  if (repeated !== null) {
    warnings.push({
      code: 'API_PAGE_REPEATED',
      message: `Page ${repeated.page} has the same records as page ${repeated.of}.`,
      hint: 'The server may ignore the page parameters: check their names.',
    });
  }
  const capped = cappedSize(observation, facts);
  if (capped !== null) warnings.push(capped);
  // That one page is not all was said already, where it is the total that says so.
  const isSaid = job.pagination_type === 'single_page' && facts.more?.startsWith(`${facts.total?.path} is `) === true;
  const { total } = facts;
  const read = pages.reduce((sum, { records }) => sum + records.length, 0);
  if (total !== null && !isSaid && total.records > read && stop.reason !== 'preview_limit' && stop.reason !== 'error') {
    warnings.push({
      code: 'API_TOTAL_NOT_REACHED',
      message: `The API counts ${total.records} records (${total.path}), but the pages ended after ${read}.`,
      hint:
        job.pagination_type === 'single_page'
          ? 'Set pagination_type, so that the other pages are read too.'
          : 'Check the pagination settings.',
    });
  }
  const key = brokenKey(observation, job, repeated !== null);
  if (key !== null) warnings.push(key);
  return warnings;
}

function cappedSize({ job, pages }: Observation, facts: PaginationFacts): ReadWarning | null {
  if (!asksForSize(job.pagination_type)) return null;
  const size = fullPageSize(pages, facts.more !== null);
  if (size === null || size >= job.page_size) return null;
  const full = pages.filter(({ records }) => records.length === size).length;
  const times = Math.round((job.page_size / size) * 10) / 10;
  return {
    code: 'API_PAGE_SIZE_CAPPED',
    message: `The server caps a page at ${size} records: ${job.page_size} asked for, ${size} on ${full === pages.length ? 'each' : full} of ${pages.length} pages. Nothing is lost, but a run makes ${times === 2 ? 'twice' : `${times} times`} the requests.`,
    hint: `Set page_size to ${size}.`,
  };
}

function brokenKey({ pages }: Observation, job: Job, repeatedPages: boolean): ReadWarning | null {
  if (job.primary_key.length === 0 || repeatedPages) return null;
  const records = pages.flatMap((page) => page.records).slice(0, 20_000);
  if (records.length === 0) return null;
  const { distinct, nulls } = spreadOf(records, job.primary_key);
  const doubles = records.length - nulls - distinct;
  if (nulls === 0 && doubles === 0) return null;
  const what = [
    ...(nulls > 0 ? [`${nulls} have none`] : []),
    ...(doubles > 0 ? [`${doubles} have one that came before`] : []),
  ].join(', ');
  return {
    code: 'API_KEY_NOT_UNIQUE',
    message: `primary_key ${job.primary_key.join(', ')} does not name a record: of ${records.length} records ${what}.`,
    hint:
      doubles > 0
        ? 'Records may move between pages while they are read: sort the request by the key; or choose other columns.'
        : 'Choose columns that every record has.',
  };
}
