import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { literal, literalList } from '../../duckdb/sql.ts';
import { IngestError } from '../../errors.ts';
import type { SourceColumn } from '../source.ts';
import { type CsvLayout, sniffCsv } from './csv-dialect.ts';
import type { CsvFacts } from './csv-scan.ts';
import {
  ADDED_COLUMNS,
  as,
  type FilePart,
  groupFiles,
  type LocalFile,
  overrides,
  type PlanContext,
  partSource,
  pathList,
  type ReadPlan,
  refuseTwins,
  selectColumns,
} from './read-plan.ts';
import { unpacked } from './scan-bytes.ts';
import { scanFile } from './scan-file.ts';
import { copyPrefix, prepareTextFile, readHead, scanError, spoolName, type TextFile } from './text-file.ts';
import { columnType, mergeFacts, newFacts, type ValueFacts } from './value-facts.ts';

const HEAD_BYTES = 64 * 1024;
/** DuckDB's own limit of a line without `max_line_size`. */
const DEFAULT_LINE = 2_000_000;

interface CsvFile {
  file: LocalFile;
  text: TextFile;
  layout: CsvLayout;
  rows: number;
  longest: number;
  facts: CsvFacts;
}

interface UnionColumn {
  name: string;
  facts: ValueFacts;
}

/**
 * Scans every file once and gives each column the type that keeps all of its texts. Columns are joined by their header's name over all files.
 */
export async function planCsv(files: readonly LocalFile[], context: PlanContext): Promise<ReadPlan> {
  const { job } = context;
  const typeOf = await overrides(context);
  const scanned: CsvFile[] = [];
  let rows = 0;
  let bytes = 0;
  for (const file of files) {
    if (rows >= context.mostRows) break;
    const before = bytes;
    const one = await scanCsv(
      file,
      { ...context, scanned: (count) => context.scanned(before + count) },
      context.mostRows - rows,
    );
    bytes += file.bytes;
    if (one === null) continue;
    rows += one.rows;
    scanned.push(one);
  }
  refuseTwoMinds(scanned);
  const union = unionColumns(scanned);
  const columns = selectColumns([...union.values()], context).map((column) => ({
    ...column,
    ...csvColumn(column, job.options.all_text, typeOf(column.name)),
  }));
  for (const column of columns) {
    if (column.facts.offset && column.segmentType === 'TIMESTAMP WITH TIME ZONE') {
      context.warn({
        code: 'OFFSET_FOLDED',
        column: column.name,
        message: `"${column.name}" holds offsets from UTC: the instants are kept, the offsets are not.`,
        hint: 'column_types with varchar keeps the text.',
      });
    }
  }
  const groups = groupFiles(
    scanned,
    (one) => JSON.stringify([one.layout.names, one.layout.dialect, one.text.compression]),
    (one) => one.file.bytes,
  );
  const parts = groups.map((group) => csvPart(group, columns, context));
  const added = job.options.include_file_name ? ADDED_COLUMNS : [];
  return { columns: [...columns.map(({ facts: _, ...column }) => column), ...added], parts };
}

function csvColumn(column: UnionColumn, allText: boolean, override: string | null): SourceColumn {
  const inferred = allText ? 'VARCHAR' : columnType(column.facts);
  const base = { name: column.name, sourceType: 'csv text', nullable: true };
  // What the user asks for is cast from the text itself, so that nothing is lost in between.
  if (override !== null)
    return { ...base, segmentType: override === inferred ? override : 'VARCHAR', landedType: override };
  const type = inferred ?? '"NULL"';
  return { ...base, segmentType: type, landedType: type };
}

function unionColumns(scanned: readonly CsvFile[]): Map<string, UnionColumn> {
  const union = new Map<string, UnionColumn>();
  for (const { layout, facts } of scanned) {
    for (const [index, name] of layout.names.entries()) {
      const column = union.get(name.toLowerCase()) ?? { name, facts: newFacts() };
      union.set(name.toLowerCase(), column);
      mergeFacts(column.facts, facts.columns[index] as ValueFacts);
    }
  }
  return union;
}

function refuseTwoMinds(scanned: readonly CsvFile[]): void {
  const without = scanned.find((one) => one.layout.guessedNoHeader);
  const withHeader = scanned.find((one) => one.layout.dialect.header);
  if (without === undefined || withHeader === undefined) return;
  throw new IngestError(
    'CSV_HEADER_UNCLEAR',
    `"${withHeader.file.path}" begins with a header, and "${without.file.path}" looks as if it had none.`,
    {
      hint: 'Set header = true or header = false in the resource options of the job.',
    },
  );
}

async function scanCsv(file: LocalFile, context: PlanContext, mostRows: number): Promise<CsvFile | null> {
  const { options } = context.job;
  await context.bring(file, 'whole');
  let text = await prepareTextFile(
    file.path,
    file.local,
    file.bytes,
    options.encoding,
    context.spoolDirectory,
    context.signal,
  );
  const head = await readHead(text.path, text.compression, HEAD_BYTES);
  const layout =
    sniffCsv(new TextDecoder().decode(head), head.length < HEAD_BYTES, options) ??
    (await longHeader(text, options, context));
  if (layout === null) {
    context.log('INFO', `"${file.path}" is empty.`);
    return null;
  }
  if (layout.guessedNoHeader) {
    context.warn({
      code: 'CSV_NO_HEADER',
      message: `The first row of "${file.path}" looks like data: it is read as a row, and the columns are called column0, column1, ….`,
      hint: 'Set header = true or header = false in the resource options of the job.',
    });
  }
  refuseTwins(layout.names, file.path);
  const result = await scanFile(
    text,
    { kind: 'csv', dialect: layout.dialect, width: layout.names.length },
    mostRows,
    context.signal,
    context.scanned,
  );
  if ('failure' in result) throw await scanError(text, result.failure, layout.names.length);
  const facts = result.facts as CsvFacts;
  if (mostRows !== Infinity) text = await copyPrefix(text, result.end, context.spoolDirectory);
  // DuckDB takes one kind of line end a file.
  if (![1, 2, 4, 0].includes(facts.lineEnds)) text = await unifyLineEnds(text, layout, context.spoolDirectory);
  return { file, text, layout, rows: result.rows, longest: result.longest, facts };
}

/** A header line longer than the head: read again with all that is needed. */
async function longHeader(
  text: TextFile,
  options: PlanContext['job']['options'],
  context: PlanContext,
): Promise<CsvLayout | null> {
  for (let most = HEAD_BYTES * 16; ; most *= 16) {
    if (context.signal.aborted) return null;
    const head = await readHead(text.path, text.compression, most);
    const whole = head.length < most;
    const layout = sniffCsv(new TextDecoder().decode(head), whole, options);
    if (layout !== null || whole) return layout;
  }
}

/** Copies a file whose lines end in two ways, with line feeds outside of quotes. */
async function unifyLineEnds(text: TextFile, layout: CsvLayout, spool: string): Promise<TextFile> {
  const path = join(spool, `lines-${spoolName(text.name)}`);
  const output = openSync(path, 'w');
  const quote = layout.dialect.quote === '' ? 256 : layout.dialect.quote.charCodeAt(0);
  const delimiter = layout.dialect.delimiter.charCodeAt(0);
  // As in the scanner: a quote opens a cell only at its start.
  let quoted = false;
  let cellStart = true;
  let afterReturn = false;
  try {
    for await (const chunk of unpacked(text.path, text.compression) as AsyncIterable<Buffer>) {
      const copy = Buffer.allocUnsafe(chunk.length);
      let length = 0;
      for (const byte of chunk) {
        const dropped = afterReturn && byte === 10;
        afterReturn = false;
        if (dropped) continue;
        if (quoted) {
          if (byte === quote) quoted = false;
          copy[length++] = byte;
          cellStart = false;
          continue;
        }
        if (byte === quote && (cellStart || copy[length - 1] === quote)) quoted = true;
        if (byte === 13) {
          copy[length++] = 10;
          afterReturn = true;
          cellStart = true;
          continue;
        }
        copy[length++] = byte;
        cellStart = byte === 10 || byte === delimiter;
      }
      writeSync(output, copy, 0, length);
    }
  } finally {
    closeSync(output);
  }
  return { ...text, path, compression: 'none' };
}

function csvPart(
  group: readonly CsvFile[],
  columns: readonly (SourceColumn & UnionColumn)[],
  context: PlanContext,
): FilePart {
  const { dialect, names } = (group[0] as CsvFile).layout;
  const types = new Map(columns.map((column) => [column.name.toLowerCase(), column.segmentType]));
  const readAs = names.map((name, index) => {
    const type = types.get(name.toLowerCase());
    return `${literal(`c${index}`)}: ${literal(type === undefined || type === '"NULL"' ? 'VARCHAR' : type)}`;
  });
  const longest = Math.max(...group.map((one) => one.longest)) + 16;
  const sizes =
    longest > DEFAULT_LINE ? `, max_line_size=${longest}, buffer_size=${Math.max(32_000_000, 2 * longest)}` : '';
  const paths = group.map((one) => one.text.path);
  const reader =
    `read_csv(${pathList(paths)}, auto_detect=false, delim=${literal(dialect.delimiter)}, quote=${literal(dialect.quote)}, escape=${literal(dialect.quote)}, ` +
    `header=${dialect.header}, columns={${readAs.join(', ')}}, nullstr=${literalList(dialect.nullText === '' ? [''] : ['', dialect.nullText])}, allow_quoted_nulls=false, ` +
    `compression='${group[0]?.text.compression === 'none' ? 'uncompressed' : group[0]?.text.compression}'${sizes})`;
  const position = new Map(names.map((name, index) => [name.toLowerCase(), index]));
  const expressions = columns.map((column) => {
    const index = position.get(column.name.toLowerCase());
    if (index === undefined || column.segmentType === '"NULL"')
      return as(column.segmentType === '"NULL"' ? 'NULL' : `CAST(NULL AS ${column.segmentType})`, column.name);
    return as(`r.c${index}`, column.name);
  });
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
