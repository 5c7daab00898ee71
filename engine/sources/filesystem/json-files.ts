import { literal } from '../../duckdb/sql.ts';
import type { SourceColumn } from '../source.ts';
import { rewriteJson } from './json-rewrite.ts';
import { type JsonShape, mergeShapes, newShape } from './json-scan.ts';
import { jsonType, needsRaw, type RawPlan, refuseKeyTwins } from './json-types.ts';
import {
  ADDED_COLUMNS,
  as,
  type FilePart,
  groupFiles,
  hidesFileIndex,
  type LocalFile,
  overrides,
  type PlanContext,
  partSource,
  pathList,
  printTypes,
  type ReadPlan,
  selectColumns,
} from './read-plan.ts';
import { scanFile } from './scan-file.ts';
import { copyPrefix, prepareTextFile, scanError, type TextFile } from './text-file.ts';
import { KIND } from './value-facts.ts';

/** DuckDB's own limit of a record without `maximum_object_size`. */
const DEFAULT_OBJECT = 16_777_216;

interface JsonFile {
  file: LocalFile;
  text: TextFile;
  rows: number;
  longest: number;
}

interface JsonColumn extends SourceColumn {
  raw: RawPlan | null;
}

/** Scans every record of every file, and reads them with the one schema that has room for all their keys and digits. */
export async function planJson(files: readonly LocalFile[], context: PlanContext): Promise<ReadPlan> {
  const { job, spoolDirectory, signal } = context;
  const typeOf = await overrides(context);
  const shape = newShape();
  const scanned: JsonFile[] = [];
  let rows = 0;
  let bytes = 0;
  for (const file of files) {
    if (rows >= context.mostRows) break;
    const before = bytes;
    bytes += file.bytes;
    await context.bring(file, 'whole');
    let text = await prepareTextFile(file.path, file.local, file.bytes, job.options.encoding, spoolDirectory, signal);
    const result = await scanFile(text, { kind: 'jsonl' }, context.mostRows - rows, signal, (count) =>
      context.scanned(before + count),
    );
    if ('failure' in result) throw await scanError(text, result.failure, 0);
    mergeShapes(shape, result.facts as JsonShape);
    rows += result.rows;
    if (result.rows === 0) {
      context.log('INFO', `"${file.path}" is empty.`);
      continue;
    }
    if (context.mostRows !== Infinity) text = await copyPrefix(text, result.end, spoolDirectory);
    scanned.push({ file, text, rows: result.rows, longest: result.longest });
  }
  refuseKeyTwins(shape, '');
  const all = shape.fields.map((field) => jsonColumn(field.name, field.shape, typeOf(field.name), context));
  const columns = selectColumns(all, context);
  await printTypes(columns, context);
  const fields = new Map(
    columns.flatMap((column) => (column.raw === null ? [] : [[column.name, column.raw] as const])),
  );
  const raw: RawPlan | null = fields.size === 0 ? null : { fields, elements: null };
  if (raw !== null)
    context.log('INFO', `Numbers or mixed values of ${[...fields.keys()].join(', ')} are kept as they are written.`);
  for (const one of scanned) {
    if (raw === null && one.text.mark === 0) continue;
    if (one.text.path === one.file.local) await context.bring(one.file, 'whole');
    one.text = await rewriteJson(one.text, raw, spoolDirectory, signal);
  }
  const alone = hidesFileIndex(
    shape.fields.map((field) => field.name),
    context,
  );
  const groups = groupFiles(
    scanned,
    (one) => (alone ? one.file.path : one.text.compression),
    (one) => one.file.bytes,
  );
  const parts = groups.map((group) => jsonPart(group, columns, context));
  const added = job.options.include_file_name ? ADDED_COLUMNS : [];
  return { columns: [...columns.map(({ raw: _, ...column }) => column), ...added], parts };
}

function jsonColumn(name: string, shape: JsonShape, override: string | null, context: PlanContext): JsonColumn {
  const { type, raw } = jsonType(shape, name);
  const base = { name, sourceType: sourceType(shape), nullable: true };
  if (override !== null && override !== type)
    return {
      ...base,
      segmentType: 'VARCHAR',
      landedType: override,
      raw: raw !== null || needsRaw(shape) ? true : null,
    };
  if (shape.offset && type === 'TIMESTAMP WITH TIME ZONE') {
    context.warn({
      code: 'OFFSET_FOLDED',
      column: name,
      message: `"${name}" holds offsets from UTC: the instants are kept, the offsets are not.`,
      hint: 'column_types with varchar keeps the text.',
    });
  }
  return { ...base, segmentType: type ?? '"NULL"', landedType: type ?? '"NULL"', raw };
}

function sourceType(shape: JsonShape): string {
  const names: string[] = [];
  if ((shape.kinds & (KIND.integer | KIND.decimal)) !== 0) names.push('number');
  if ((shape.kinds & KIND.boolean) !== 0) names.push('boolean');
  if ((shape.kinds & (KIND.text | KIND.timestamp | KIND.timestamptz)) !== 0) names.push('string');
  if ((shape.kinds & KIND.object) !== 0) names.push('object');
  if ((shape.kinds & KIND.list) !== 0) names.push('array');
  return names.length === 0 ? 'null' : names.join(' | ');
}

function jsonPart(group: readonly JsonFile[], columns: readonly JsonColumn[], context: PlanContext): FilePart {
  const read = columns.filter((column) => column.segmentType !== '"NULL"');
  // The reader wants at least one column, also of records without a single value.
  const types =
    read.length === 0
      ? "'__ingest_none': 'VARCHAR'"
      : read.map((column) => `${literal(column.name)}: ${literal(column.segmentType)}`).join(', ');
  const longest = Math.max(...group.map((one) => one.longest)) + 16;
  const paths = group.map((one) => one.text.path);
  const compression = group[0]?.text.compression === 'none' ? 'uncompressed' : group[0]?.text.compression;
  const reader =
    `read_json(${pathList(paths)}, format='newline_delimited', columns={${types}}, compression='${compression}'` +
    `${longest > DEFAULT_OBJECT ? `, maximum_object_size=${longest}` : ''})`;
  const expressions = columns.map((column) =>
    as(column.segmentType === '"NULL"' ? 'NULL' : `r.${quoted(column.name)}`, column.name),
  );
  return {
    files: group.map((one) => one.file),
    opened: group.filter((one) => one.text.path === one.file.local).map((one) => one.file),
    from: partSource(
      reader,
      expressions,
      group.map((one) => one.file),
      context,
    ),
    rows: group.reduce((sum, one) => sum + one.rows, 0),
    copies: group.flatMap((one) => (one.text.path === one.file.local ? [] : [one.text.path])),
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
