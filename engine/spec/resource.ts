import { z } from 'zod';
import { booleanField, choiceField, integerField, secretField, textField } from './fields.ts';
import { NULL_WATERMARKS } from './kinds.ts';

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
  incremental: z
    .strictObject({
      start_param: textField().optional(),
      end_param: textField().optional(),
      format: textField().optional(),
    })
    .optional()
    .describe('Query parameters that carry the watermark'),
  parent: z
    .strictObject({ resource: textField(), field: textField(), include: z.array(z.string()).default([]) })
    .optional()
    .describe('The resource whose records are asked for one by one, and the field of it that goes into the path'),
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
