import { identifier } from '../../duckdb/sql.ts';
import { IngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import type { SourceColumn } from '../source.ts';
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
  refuseTwins,
  selectColumns,
} from './read-plan.ts';
import { landed, widen } from './type-union.ts';

interface ParquetFile {
  file: LocalFile;
  rows: number;
  columns: { name: string; type: string }[];
}

interface UnionColumn {
  name: string;
  type: string;
  /** Types seen, with the first file of each. */
  seen: Map<string, string>;
  /** Null where the types do not go together. */
  conflict: { file: string; type: string; otherFile: string; otherType: string } | null;
}

/** Reads the footers of all files and joins their columns by name: a missing one is NULL, a narrower type is widened, anything else is an error that names both files. */
export async function planParquet(files: readonly LocalFile[], context: PlanContext): Promise<ReadPlan> {
  const { job } = context;
  const typeOf = await overrides(context);
  const read: ParquetFile[] = [];
  let rows = 0;
  for (const file of files) {
    throwIfCancelled(context.signal);
    if (rows >= context.mostRows) break;
    const one = await readFooter(file, context);
    rows += one.rows;
    read.push(one);
  }
  const union = selectColumns([...unionColumns(read).values()], context);
  const columns: (SourceColumn & { seen: Map<string, string> })[] = [];
  for (const column of union) {
    const override = typeOf(column.name);
    if (column.conflict !== null && override === null) {
      const { file, type, otherFile, otherType } = column.conflict;
      throw new IngestError(
        'PARQUET_TYPES_DIFFER',
        `"${column.name}" is ${type} in "${file}" and ${otherType} in "${otherFile}": no type keeps both.`,
        {
          hint: `Set column_types, e.g. ${column.name}:varchar, to say what it is to be.`,
        },
      );
    }
    const segmentType = column.conflict === null ? column.type : 'VARCHAR';
    const adapted = landed(segmentType, context.types);
    columns.push({
      name: column.name,
      sourceType: [...column.seen.keys()].join(' | '),
      segmentType: adapted.segmentType,
      landedType: override ?? adapted.landedType,
      nullable: true,
      seen: column.seen,
    });
  }
  await printTypes(columns, context);
  await warnNanoseconds(read, columns, context);
  const groups = groupFiles(
    read,
    (one) =>
      hidesFileIndex(
        one.columns.map(({ name }) => name),
        context,
      )
        ? one.file.path
        : JSON.stringify(one.columns),
    (one) => one.file.bytes,
  );
  const parts = groups.map((group) => parquetPart(group, columns, context));
  const added = job.options.include_file_name ? ADDED_COLUMNS : [];
  return { columns: [...columns.map(({ seen: _, ...column }) => column), ...added], parts };
}

async function readFooter(file: LocalFile, context: PlanContext): Promise<ParquetFile> {
  if (file.bytes === 0)
    throw new IngestError('FILE_DAMAGED', `The Parquet file "${file.path}" is empty (0 bytes).`, {
      hint: 'Get the file again; a Parquet file without rows has at least a header.',
    });
  const path = pathList([file.local]);
  await context.bring(file, 'footer');
  try {
    const columns = await context.connection.rows<{ column_name: string; column_type: string }>(
      `DESCRIBE SELECT * FROM read_parquet(${path}, hive_partitioning=false)`,
    );
    const [count] = await context.connection.rows<{ n: string }>(
      `SELECT coalesce(sum(num_rows), 0)::BIGINT AS n FROM parquet_file_metadata(${path})`,
    );
    refuseTwins(
      columns.map((column) => column.column_name),
      file.path,
    );
    return {
      file,
      rows: Number(count?.n ?? 0),
      columns: columns.map((column) => ({ name: column.column_name, type: column.column_type })),
    };
  } catch (error) {
    if (error instanceof IngestError) throw error;
    throw new IngestError(
      'FILE_DAMAGED',
      `"${file.path}" cannot be read as Parquet: ${messageOf(error).split('\n')[0]}`,
      {
        hint: 'Get the file again; if it is still being written, run the job when it is complete.',
        cause: error,
      },
    );
  }
}

function unionColumns(read: readonly ParquetFile[]): Map<string, UnionColumn> {
  const union = new Map<string, UnionColumn>();
  for (const { file, columns } of read) {
    for (const { name, type } of columns) {
      const column = union.get(name.toLowerCase());
      if (column === undefined) {
        union.set(name.toLowerCase(), { name, type, seen: new Map([[type, file.path]]), conflict: null });
        continue;
      }
      if (column.seen.has(type)) continue;
      const wide = widen(column.type, type);
      if (wide === null && column.conflict === null) {
        const [otherType, otherFile] = [...column.seen].find(([seen]) => widen(seen, type) === null) ?? [
          column.type,
          '',
        ];
        column.conflict = { file: otherFile, type: otherType, otherFile: file.path, otherType: type };
      }
      column.seen.set(type, file.path);
      if (wide !== null) column.type = wide;
    }
  }
  return union;
}

/** Nanoseconds are cut to microseconds: one warning a column, where a value really has such digits. */
async function warnNanoseconds(
  read: readonly ParquetFile[],
  columns: readonly { name: string; seen: Map<string, string> }[],
  context: PlanContext,
): Promise<void> {
  for (const column of columns) {
    if (!column.seen.has('TIMESTAMP_NS')) continue;
    const having = read.filter((one) =>
      one.columns.some(({ name, type }) => name.toLowerCase() === column.name.toLowerCase() && type === 'TIMESTAMP_NS'),
    );
    for (const { file } of having) {
      await context.bring(file, 'whole');
      const found = await context.connection.rows(
        `SELECT 1 FROM read_parquet(${pathList([file.local])}, hive_partitioning=false) WHERE epoch_ns(${identifier(column.name)}) % 1000 <> 0 LIMIT 1`,
      );
      if (found.length === 0) continue;
      context.warn({
        code: 'NANOSECONDS_CUT',
        column: column.name,
        message: `"${column.name}" has digits beyond microseconds: they are cut off.`,
        hint: 'column_types with varchar keeps them as text.',
      });
      break;
    }
  }
}

function parquetPart(group: readonly ParquetFile[], columns: readonly SourceColumn[], context: PlanContext): FilePart {
  const own = new Map((group[0] as ParquetFile).columns.map((column) => [column.name.toLowerCase(), column]));
  const expressions = columns.map((column) => {
    const mine = own.get(column.name.toLowerCase());
    if (mine === undefined) return as(`CAST(NULL AS ${column.segmentType})`, column.name);
    const value = `r.${identifier(mine.name)}`;
    return as(mine.type === column.segmentType ? value : `CAST(${value} AS ${column.segmentType})`, column.name);
  });
  return {
    files: group.map((one) => one.file),
    opened: group.map((one) => one.file),
    from: partSource(
      `read_parquet(${pathList(group.map((one) => one.file.local))}, hive_partitioning=false)`,
      expressions,
      group.map((one) => one.file),
      context,
    ),
    rows: group.reduce((sum, one) => sum + one.rows, 0),
    copies: [],
  };
}
