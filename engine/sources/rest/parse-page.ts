import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import type { ResponseFormat } from '../../spec/resource.ts';
import type { ApiResponse } from './client.ts';
import { type CsvProblem, parseCsv } from './csv.ts';
import { type ParsedJson, parseJson, syntaxErrorPosition } from './json.ts';
import type { Redactor } from './redact.ts';

export interface ParsedPage extends ParsedJson {
  /** The response's bytes hold the records as JSON. */
  raw: boolean;
  /** The value is the list of the records. */
  isList: boolean;
}

/**
 * The content of a response by options.response_format, else by its content type: JSON as it is, NDJSON and CSV as the list of their records.
 * @throws IngestError API_INVALID_JSON, API_INVALID_CSV
 */
export function parsePage(response: ApiResponse, number: number, job: Job, redactor: Redactor): ParsedPage {
  if (response.status === 204 || (response.status === 205 && response.text === ''))
    return { value: [], exact: false, repaired: false, raw: false, isList: false };
  const format = responseFormat(response, job);
  switch (format) {
    case 'json':
      return { ...parseJsonPage(response, number, redactor), raw: true, isList: false };
    case 'ndjson':
      return { ...parseLines(response, number, redactor), raw: false, isList: true };
    case 'csv':
      return {
        value: parseRows(response, number, job, redactor),
        exact: false,
        repaired: false,
        raw: false,
        isList: true,
      };
    default:
      return format satisfies never;
  }
}

/** options.response_format, else what the content type says. */
export function responseFormat(response: ApiResponse, job: Job): ResponseFormat {
  return job.options.response_format ?? formatOf(response.headers['content-type'] ?? '');
}

function formatOf(contentType: string): ResponseFormat {
  const type = contentType.toLowerCase().replace(/;.*/s, '').trim();
  if (/^(application|text)\/(x-)?(ndjson|jsonl|jsonlines|json-lines|json-seq|ldjson)$/.test(type)) return 'ndjson';
  return /^(text|application)\/(csv|x-csv|tab-separated-values)$/.test(type) ? 'csv' : 'json';
}

function parseJsonPage(response: ApiResponse, number: number, redactor: Redactor): ParsedJson {
  const { text } = response;
  try {
    return parseJson(text);
  } catch (error) {
    const position = syntaxErrorPosition(error, text);
    const around = redactor.excerpt(text.slice(Math.max(0, position - 60), position + 60), 140);
    const isHtml = /^\s*</.test(text);
    const isEmpty = text.trim() === '';
    const where = isEmpty
      ? 'the response is empty'
      : `at character ${position + 1}: ${isHtml ? redactor.excerpt(text, 140) : around}`;
    const hint = isHtml
      ? "The server sent a web page, perhaps a sign-in or a proxy's message: check base_url, api_endpoint and the credentials."
      : isEmpty
        ? 'Check api_endpoint: the server has nothing to say there.'
        : looksLikeLines(text)
          ? 'It looks like one JSON value a line: set response_format = "ndjson" in the resource\'s options.'
          : 'The API sends damaged JSON: report page and position to its owner.';
    throw new IngestError(
      'API_INVALID_JSON',
      `Page ${number} (${redactor.url(response.url)}) is no valid JSON, ${where}`,
      { hint, cause: new Error('JSON syntax') },
    );
  }
}

function looksLikeLines(text: string): boolean {
  const end = text.indexOf('\n');
  if (end < 0) return false;
  try {
    JSON.parse(text.slice(0, end));
    return true;
  } catch {
    return false;
  }
}

/** Begins each record of a JSON text sequence (RFC 7464). */
const RECORD_SEPARATOR = '\u001e';

/** One JSON value a line; empty lines and the record separators of RFC 7464 are passed over. */
function parseLines(response: ApiResponse, number: number, redactor: Redactor): ParsedJson {
  const records: unknown[] = [];
  let exact = false;
  let repaired = false;
  for (const [index, line] of response.text.split('\n').entries()) {
    const text = (line.startsWith(RECORD_SEPARATOR) ? line.slice(1) : line).trim();
    if (text === '') continue;
    try {
      const parsed = parseJson(text);
      records.push(parsed.value);
      exact ||= parsed.exact;
      repaired ||= parsed.repaired;
    } catch {
      throw new IngestError(
        'API_INVALID_JSON',
        `Page ${number} (${redactor.url(response.url)}), line ${index + 1} is no valid JSON: ${redactor.excerpt(text, 140)}`,
        { hint: 'The API sends damaged JSON, or the response is not one JSON value a line (response_format).' },
      );
    }
  }
  return { value: records, exact, repaired };
}

function parseRows(response: ApiResponse, number: number, job: Job, redactor: Redactor): unknown[] {
  const { delimiter, quote, null_text } = job.options;
  const type = response.headers['content-type'] ?? '';
  const parsed = parseCsv(response.text, {
    delimiter: delimiter ?? (type.includes('tab-separated') ? '\t' : ','),
    quote,
    nullText: null_text,
    header: job.options.header ?? true,
  });
  if (Array.isArray(parsed)) return parsed;
  throw invalidCsv(parsed, `Page ${number} (${redactor.url(response.url)})`, redactor);
}

function invalidCsv({ line, problem }: CsvProblem, where: string, redactor: Redactor): IngestError {
  return new IngestError('API_INVALID_CSV', `${where}, line ${line}: ${redactor.text(problem)}.`, {
    hint: "Check delimiter and quote in the resource's options, or response_format if this is no CSV.",
  });
}
