import { randomBytes } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { identifier, literal } from '../duckdb/sql.ts';
import { IngestError, messageOf } from '../errors.ts';
import type { OpenResults } from './open-results.ts';
import { kindOf, textOf } from './value-text.ts';

export const TABLE_FORMATS = ['csv', 'parquet'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/**
 * Writes a whole table to a file, which appears complete or not at all; one of that name is replaced.
 * CSV: RFC 4180, UTF-8, an empty text is `""` and null is nothing; nested values are JSON.
 * @throws IngestError TABLE_NOT_FOUND, EXPORT_NAME, FILE_NOT_WRITABLE, DISK_FULL
 */
export async function exportTable(
  results: OpenResults,
  request: { schema: string; table: string; format: TableFormat; file: string },
): Promise<{ rows: number; bytes: number }> {
  const { format, file } = request;
  const { columns, from } = results.table(request.schema, request.table);
  // A file of another kind is never overwritten by a slip: neither a workbook nor a database.
  if (!path.isAbsolute(file) || path.extname(file).toLowerCase() !== `.${format}`) {
    throw new IngestError('EXPORT_NAME', `${file} is not a whole path that ends in .${format}.`, {
      hint: `Give a name such as ${path.join(path.dirname(path.resolve(file)), `${request.table}.${format}`)}.`,
    });
  }
  const select = columns.map(({ name, type }) => {
    const column = identifier(name);
    return format === 'csv' && kindOf(type) === 'nested' ? `${textOf(column, type)} AS ${column}` : column;
  });
  const options = format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT parquet, COMPRESSION zstd';
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const result = await results.connection.run(
      `COPY (SELECT ${select.join(', ')} FROM ${from} AS source) TO ${literal(temporary)} (${options})`,
    );
    await rename(temporary, file);
    return { rows: result.rowsChanged, bytes: (await stat(file)).size };
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw describe(error, file);
  }
}

function describe(error: unknown, file: string): unknown {
  const message = messageOf(error);
  if (/No space left|Disk quota|not enough space/i.test(message)) {
    return new IngestError('DISK_FULL', `No space left to write ${file}.`, {
      hint: 'Free space there, or choose another disk.',
      cause: error,
    });
  }
  if (/Cannot open file|Permission denied|EACCES|EPERM|EROFS|EISDIR|EBUSY|Read-only/i.test(message)) {
    return new IngestError('FILE_NOT_WRITABLE', `${file} cannot be written.`, {
      hint: 'Check that the folder exists, that you may write into it, and that no other program holds the file.',
      cause: error,
    });
  }
  return error;
}
