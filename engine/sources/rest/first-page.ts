import { isIngestError } from '../../errors.ts';
import { parseJson } from './json.ts';
import type { Page, PageClient, PagePlan } from './pages.ts';
import { type JsonRecord, RecordSelector } from './records.ts';
import { pageRequest } from './request.ts';

/** What a probe of an API's first page number found. */
export interface FirstPage {
  base_page: 0 | 1;
  evidence: string;
}

/**
 * Asks for the other first page that there can be (0 for 1 and back) and compares: an API counts from 0 where page 0 has records that page 1 has not.
 * Null where the probe tells nothing. An error of the probe is an answer: such a page is not there.
 */
export async function probeFirstPage(
  plan: PagePlan,
  first: Page,
  client: PageClient,
  signal: AbortSignal,
): Promise<FirstPage | null> {
  const { job } = plan;
  if (job.pagination_type !== 'page_number' || first.records.length === 0) return null;
  const configured = job.options.base_page;
  const other = configured === 0 ? 1 : 0;
  const probed = await recordsOfPage(plan, other, client, signal);
  const same = probed !== null && JSON.stringify(probed) === JSON.stringify(first.records);
  if (same) return { base_page: 1, evidence: 'pages 0 and 1 are the same page' };
  if (probed === null || probed.length === 0) {
    const what = probed === null ? 'refused' : 'empty';
    return { base_page: configured === 0 ? 0 : 1, evidence: `page ${other} is ${what}` };
  }
  return { base_page: 0, evidence: 'page 0 has records that page 1 has not' };
}

async function recordsOfPage(
  plan: PagePlan,
  page: number,
  client: PageClient,
  signal: AbortSignal,
): Promise<JsonRecord[] | null> {
  const { job } = plan;
  const {
    page_body_path: bodyPath,
    limit_body_path: limitPath,
    page_param: param,
    per_page_param: sizeParam,
  } = job.options;
  const request = pageRequest(
    plan.template,
    bodyPath
      ? {
          body: [
            [limitPath ?? sizeParam, job.page_size],
            [bodyPath, page],
          ],
        }
      : { query: { [param]: String(page), [sizeParam]: String(job.page_size) } },
  );
  try {
    const response = await client.send(request, signal, () => undefined);
    return new RecordSelector(plan.selector.selector, false).select(parseJson(response.text).value, 2);
  } catch (error) {
    if (signal.aborted || (isIngestError(error) && error.code === 'CANCELLED')) throw error;
    return null;
  }
}
