import { z } from 'zod';
import { NULL_WATERMARKS } from './kinds.ts';

const jsonObject = z.record(z.string(), z.unknown());

/**
 * `[sources.X.resources.TABLE]`: what a job can say that has no column in the workbook.
 * A connection may hold the same keys; they are defaults for its resources.
 */
export const resourceOptionsModel = z.strictObject({
  // every kind
  max_table_nesting: z.int().min(0).max(1000).default(1000).describe('Levels of child tables; 0 keeps lists as JSON text'),
  null_watermarks: z.enum(NULL_WATERMARKS).default('exclude').describe('Rows whose watermark is null: leave out with a warning, read, or fail'),
  end_value: z.string().optional().describe('Upper bound (exclusive) of the watermark, for backfills'),
  slice: z.string().optional().describe('Width of a backfill slice (1d, 6h, or a number)'),
  // databases
  numbers: z.enum(['exact', 'double']).default('exact').describe('Oracle NUMBER: exact types, or all as DOUBLE'),
  partitions: z.int().min(1).max(64).default(1).describe('Parallel readers of one table'),
  partition_column: z.string().optional().describe('Column that splits the table; default: the primary key'),
  // APIs
  method: z.enum(['GET', 'POST']).default('GET'),
  params: jsonObject.default({}),
  headers: z.record(z.string(), z.string()).default({}),
  body: jsonObject.optional(),
  limit_param: z.string().default('limit'),
  offset_param: z.string().default('offset'),
  offset: z.int().min(0).default(0).describe('First offset'),
  maximum_offset: z.int().min(1).optional().describe('Exclusive'),
  total_path: z.string().optional().describe('JSONPath to the number of records'),
  has_more_path: z.string().optional().describe('JSONPath to a boolean'),
  cursor_param: z.string().default('cursor'),
  cursor_path: z.string().default('next_cursor'),
  cursor_body_path: z.string().optional().describe('Where the cursor goes in a POST body'),
  page_param: z.string().default('page'),
  page_body_path: z.string().optional().describe('Where the page number goes in a POST body'),
  per_page_param: z.string().default('per_page'),
  base_page: z.int().min(0).max(1).default(1),
  total_pages_path: z.string().optional(),
  next_url_path: z.string().optional().describe('header_link: links.next; json_link: JSONPath to the next link, default next'),
  max_pages: z.int().min(1).optional().describe('Stop after so many pages; hitting it is a warning'),
  allow_origins: z.array(z.string()).default([]).describe('Other origins that a next link may lead to'),
  incremental: z.strictObject({
    start_param: z.string().optional(),
    end_param: z.string().optional(),
    format: z.string().optional(),
  }).optional().describe('Query parameters that carry the watermark'),
  parent: z.strictObject({ resource: z.string(), field: z.string(), include: z.array(z.string()).default([]) }).optional(),
  // files
  delimiter: z.string().optional(),
  header: z.boolean().optional(),
  encoding: z.string().default('utf-8'),
  null_text: z.string().default(''),
  quote: z.string().default('"'),
  all_text: z.boolean().default(false).describe('Keep every CSV column as text'),
  include_file_name: z.boolean().default(false).describe('Add _file_name, _file_modified_at'),
});
export type ResourceOptions = z.infer<typeof resourceOptionsModel>;
