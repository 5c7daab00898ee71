import { checksumSql } from '../duckdb/checksum.ts';
import { identifier } from '../duckdb/sql.ts';
import { IngestError } from '../errors.ts';
import { normalizeName } from '../spec/naming.ts';
import type { Measured, MeasureRequest, ReadContext, ReadSummary, Segment, SourceColumn } from './source.ts';

/**
 * Measures what a read yields, for sources whose rows can be had again cheaply. Sums of the segments are added exactly.
 * @throws IngestError MEASURE_COLUMN
 */
export async function measureSegments(
  reading: AsyncGenerator<Segment, ReadSummary>,
  { measures }: Pick<MeasureRequest, 'measures'>,
  { workspace, signal }: Pick<ReadContext, 'workspace' | 'signal'>,
): Promise<Measured> {
  const connection = await workspace.connect();
  const unwatch = connection.interruptOn(signal);
  const total = identifier(workspace.uniqueName('measured'));
  try {
    let made = false;
    for await (const segment of reading) {
      try {
        const values = measures.map((measure, at) => {
          const column = columnLanded(segment.columns, measure.column);
          const value = `CAST(${identifier(column.name)} AS ${column.landedType})`;
          // Sums of checksums are sums of the same numbers: text only leaves DuckDB.
          const sql = measure.kind === 'sum' ? `sum(${value})` : `CAST(${checksumSql(value, measure.of)} AS HUGEINT)`;
          return `${sql} AS m${at}`;
        });
        const select = `SELECT ${['count(*) AS rows_', ...values].join(', ')} FROM ${segment.from} AS segment`;
        await connection.run(made ? `INSERT INTO ${total} ${select}` : `CREATE TEMP TABLE ${total} AS ${select}`);
        made = true;
      } finally {
        await segment.release();
      }
    }
    if (!made) return { rows: 0, values: measures.map(() => null) };
    const sums = measures.map((_, at) => `CAST(sum(m${at}) AS VARCHAR) AS m${at}`);
    const [row] = await connection.rows<Record<string, string | null>>(
      `SELECT ${['CAST(sum(rows_) AS VARCHAR) AS rows_', ...sums].join(', ')} FROM ${total}`,
    );
    return { rows: Number(row?.['rows_'] ?? 0), values: measures.map((_, at) => row?.[`m${at}`] ?? null) };
  } finally {
    unwatch();
    connection.close();
  }
}

function columnLanded(columns: readonly SourceColumn[], name: string): SourceColumn {
  const found =
    columns.find((column) => column.name === name) ?? columns.find((column) => normalizeName(column.name) === name);
  if (found) return found;
  throw new IngestError('MEASURE_COLUMN', `The source has no column that lands as ${name}.`, {
    hint: `It has: ${columns
      .slice(0, 20)
      .map((column) => column.name)
      .join(', ')}.`,
  });
}
