import { z } from 'zod';
import { booleanField, choiceField, integerField, secretField, textField } from './fields.ts';
import { NULL_WATERMARKS } from './kinds.ts';

/** How an API writes its responses. */
export const RESPONSE_FORMATS = ['json', 'ndjson', 'csv'] as const;
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];

/** What becomes of a response that a rule of `response_actions` fits. */
export const RESPONSE_ACTIONS = ['ignore', 'stop', 'retry', 'error'] as const;
export type ResponseAction = (typeof RESPONSE_ACTIONS)[number];

const jsonObject = z.record(z.string(), z.unknown());

/**
 * `[sources.X.resources.TABLE]`: what a job can say that has no column in the workbook.
 * A connection may hold the same keys; they are defaults for its resources. `params` and `headers` here are the resource's own:
 * a connection's go with every request of it, and a resource's are laid over them.
 */
export const resourceOptionsModel = z.strictObject({
  // every kind
  max_table_nesting: integerField(0, 1000).default(1000).describe('Levels of child tables; 0 keeps lists as JSON text'),
  null_watermarks: choiceField(NULL_WATERMARKS)
    .default('exclude')
    .describe('Rows whose watermark is null: leave out with a warning, read, or fail'),
  end_value: textField().optional().describe('Upper bound (exclusive) of the watermark, for backfills'),
  slice: textField().optional().describe('Width of a backfill slice (1d, 6h, or a number)'),
  // databases
  numbers: choiceField(['exact', 'double']).default('exact').describe('Oracle NUMBER: exact types, or all as DOUBLE'),
  partitions: integerField(1, 64).default(1).describe('Parallel readers of one table'),
  partition_column: textField().optional().describe('Column that splits the table; default: the primary key'),
  // APIs
  method: choiceField(['GET', 'POST']).default('GET'),
  params: jsonObject.default({}).describe("Query parameters, over the connection's"),
  headers: z.record(z.string(), secretField()).default({}).describe("Request headers, over the connection's"),
  body: jsonObject.optional().describe('JSON body of a POST'),
  limit_param: textField().default('limit'),
  limit_body_path: textField().optional().describe('Where the page size goes in a POST body'),
  offset_param: textField().default('offset'),
  offset_body_path: textField().optional().describe('Where the offset goes in a POST body'),
  offset: integerField(0, Number.MAX_SAFE_INTEGER).default(0).describe('First offset'),
  maximum_offset: integerField(1, Number.MAX_SAFE_INTEGER).optional().describe('Exclusive'),
  total_path: textField().optional().describe('JSONPath to the number of records'),
  has_more_path: textField().optional().describe('JSONPath to a boolean'),
  cursor_param: textField().default('cursor'),
  cursor_path: textField().default('next_cursor').describe('JSONPath to the next cursor in a response'),
  cursor_header: textField().optional().describe('Response header that holds the next cursor, in place of cursor_path'),
  cursor_body_path: textField().optional().describe('Where the cursor goes in a POST body'),
  page_param: textField().default('page'),
  page_body_path: textField().optional().describe('Where the page number goes in a POST body'),
  per_page_param: textField().default('per_page'),
  base_page: integerField(0, 1).default(1).describe('Number of the first page'),
  total_pages_path: textField().optional().describe('JSONPath to the number of pages'),
  next_url_path: textField()
    .optional()
    .describe('header_link: links.next; json_link: JSONPath to the next link, default next'),
  max_pages: integerField(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Stop after so many pages; hitting it is a warning'),
  allow_origins: z.array(z.string()).default([]).describe('Other origins that a next link may lead to'),
  response_format: choiceField(RESPONSE_FORMATS)
    .optional()
    .describe(
      'How responses are written; default: as their content type says. CSV values are text until column_types says more',
    ),
  response_actions: z
    .array(
      z
        .strictObject({
          status_code: integerField(100, 599).optional(),
          content: textField().optional().describe('Text that the response holds'),
          action: choiceField(RESPONSE_ACTIONS),
        })
        .refine((rule) => rule.status_code !== undefined || rule.content !== undefined),
    )
    .default([])
    .describe(
      'What to do with responses of a status, with a text, or both; the first that fits counts. ignore: the response holds nothing and ends its pages; stop: it ends the read; retry: ask again; error: fail',
    ),
  concurrency: integerField(1, 20)
    .default(1)
    .describe('Pages (offset, page_number) or parent records asked for at a time, within the rate limit'),
  incremental: z
    .strictObject({
      start_param: textField().optional().describe('Query parameter that carries the lower bound'),
      end_param: textField().optional().describe('Query parameter that carries the upper bound'),
      start_body_path: textField().optional().describe('Where the lower bound goes in a POST body'),
      end_body_path: textField().optional().describe('Where the upper bound goes in a POST body'),
      format: textField().optional().describe('source, iso, date, unix or unix_ms'),
    })
    .optional()
    .describe(
      'Where the watermark goes; {incremental.start_value} and {incremental.end_value} in path, params or body do the same',
    ),
  parent: z
    .strictObject({
      resource: textField(),
      field: textField().optional().describe('Field of its records that fills the placeholder of its name'),
      param: textField().optional().describe('Name of the placeholder, where it is not that of the field'),
      include: z.array(z.string()).default([]).describe('Its fields that go into the child rows as _RESOURCE_FIELD'),
    })
    .optional()
    .describe(
      'The resource whose records are asked for one by one; {resources.NAME.FIELD} in path, params, headers or body says the same',
    ),
  include_from_parent: z
    .array(z.string())
    .default([])
    .describe("The parent's fields that go into the child rows as _RESOURCE_FIELD"),
  // files
  delimiter: textField().optional(),
  header: booleanField().optional(),
  encoding: textField().default('utf-8'),
  null_text: z.string().default(''),
  quote: z.string().max(1).default('"'),
  all_text: booleanField().default(false).describe('Keep every CSV column as text'),
  include_file_name: booleanField().default(false).describe('Add _file_name, _file_modified_at'),
});
export type ResourceOptions = z.infer<typeof resourceOptionsModel>;
export type ResponseRule = ResourceOptions['response_actions'][number];
