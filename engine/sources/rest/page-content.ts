import type { Job } from '../../spec/job.ts';
import type { ApiResponse } from './client.ts';
import type { PageScan } from './page-scan.ts';
import { parsePage, responseFormat } from './parse-page.ts';
import type { JsonRecord, RecordSelector } from './records.ts';
import type { Redactor } from './redact.ts';

/** What a response holds. */
export interface PageContent {
  /** Records. */
  readonly count: number;
  readonly body: unknown;
  /** The body, or as much of it as a pagination looks at. */
  readonly envelope: unknown;
  readonly records: JsonRecord[];
  /** Exact numbers may be among the values. */
  readonly exact: boolean;
  /** The response's bytes where they are UTF-8 and hold the records just as they were parsed; null else. */
  readonly raw: Buffer | null;
  /** Where the records were looked at in their bytes. Whoever asks for `body` or `records` nevertheless gets them, at the price of parsing. */
  readonly scan: PageScan | null;
}

/** How responses of a job become records. */
export interface ContentReader {
  job: Job;
  redactor: Redactor;
  selector: RecordSelector;
  /** For responses that are lists by their format (NDJSON, CSV), whatever data_selector says. */
  lines: RecordSelector;
  /** Looks at a JSON page's bytes; null where it must be parsed. */
  scan?: ((response: ApiResponse, selector: RecordSelector) => PageScan | null) | undefined;
}

/**
 * The content of a response; `missed` where nothing stands where the records should be.
 * @throws IngestError of parse-page.ts and records.ts
 */
export function readContent(
  response: ApiResponse,
  number: number,
  reader: ContentReader,
): { content: PageContent; missed: boolean } {
  const scan = responseFormat(response, reader.job) === 'json' ? reader.scan?.(response, reader.selector) : null;
  if (!scan) return parsedContent(response, number, reader);
  let parsed: PageContent | null = null;
  const parse = () => {
    parsed ??= parsedContent(response, number, reader).content;
    return parsed;
  };
  const content: PageContent = {
    count: scan.rows,
    envelope: scan.envelope,
    scan,
    get body() {
      return parse().body;
    },
    get records() {
      return parse().records;
    },
    get exact() {
      return parse().exact;
    },
    raw: null,
  };
  return { content, missed: false };
}

function parsedContent(response: ApiResponse, number: number, { job, redactor, selector, lines }: ContentReader) {
  const { value, exact, repaired, raw, isList } = parsePage(response, number, job, redactor);
  const chosen = isList ? lines : selector;
  const records = chosen.select(value, number);
  return {
    content: {
      count: records.length,
      body: value,
      envelope: value,
      records,
      exact,
      raw: raw && !repaired ? response.utf8 : null,
      scan: null,
    },
    missed: chosen.missed,
  };
}

/** True where two pages hold the same records: a server that repeats its last page. */
export function sameRecords(a: PageContent, b: PageContent): boolean {
  if (a.count !== b.count || a.count === 0) return false;
  if (a.scan && b.scan) {
    if (a.scan.lines.equals(b.scan.lines)) return true;
    // Most pages differ in their first record already.
    if (JSON.stringify(firstRecord(a.scan)) !== JSON.stringify(firstRecord(b.scan))) return false;
  } else if (JSON.stringify(a.records[0]) !== JSON.stringify(b.records[0])) return false;
  return JSON.stringify(a.records) === JSON.stringify(b.records);
}

function firstRecord({ lines }: PageScan): unknown {
  return JSON.parse(lines.toString('utf8', 0, lines.indexOf(0x0a)));
}
