import type { RateLimit } from '../../spec/connection.ts';
import type { Preview } from '../source.ts';
import type { Observation } from './detect.ts';
import type { PaginationFacts } from './detect-pagination.ts';

/**
 * How long the whole read takes: pages × the longer of a page's own time and 1 / rate, less what the bucket's burst gives at first.
 * Undefined where nothing tells how many pages there are.
 */
export function estimateRead(
  { job, pages }: Observation,
  facts: PaginationFacts,
  ended: boolean,
  rate: RateLimit | null,
): Preview['estimate'] {
  if (pages.length === 0) return undefined;
  const read = pages.reduce((sum, { records }) => sum + records.length, 0);
  const each = Math.max(...pages.map(({ records }) => records.length));
  const counted =
    facts.total !== null && each > 0
      ? Math.ceil(facts.total.records / each)
      : facts.totalPages !== null
        ? facts.totalPages.pages
        : null;
  const requests = ended ? pages.length : job.pagination_type === 'single_page' ? 1 : counted;
  if (requests === null) return undefined;
  const records = ended ? read : (facts.total?.records ?? (facts.totalPages === null ? null : requests * each));
  const own = pages.reduce((sum, { durationMs }) => sum + durationMs, 0) / pages.length / 1000;
  const limited = rate === null ? 0 : Math.max(0, requests - rate.burst_limit) / rate.requests_per_second;
  const seconds = Math.max(requests * own, limited);
  const pace =
    rate !== null && limited > requests * own
      ? `at ${rounded(rate.requests_per_second)} requests a second, the connection's rate limit`
      : `at ${Math.round(own * 1000)} ms a page`;
  return {
    records,
    requests,
    seconds: Math.round(seconds * 1000) / 1000,
    detail: `${requests === 1 ? '1 request' : `${requests.toLocaleString('en')} requests`} ${pace}`,
  };
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}
