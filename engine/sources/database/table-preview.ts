import type { Preview, PreviewLimits, ReadContext, ReadWarning, SourceColumn } from '../source.ts';
import type { TextRow } from './row-protocol.ts';
import type { DatabaseSession } from './session-source.ts';

/** Longer texts are cut: a preview is for looking at. */
const LONGEST_TEXT = 10_000;

/** Runs the statement of a preview: the first rows as the next read would get them. */
export async function runPreview(
  session: DatabaseSession,
  { name, columns }: { name: string; columns: readonly PreviewColumn[] },
  statement: string,
  context: ReadContext,
  limits: PreviewLimits,
): Promise<Preview> {
  const start = performance.now();
  const rows = await session.query(statement, `Previewing ${name}`, context.signal);
  context.log('DEBUG', `${name}: ${rows.length} rows in ${Math.round(performance.now() - start)} ms`);
  return tablePreview(statement, rows, columns, limits.rows);
}

type PreviewColumn = SourceColumn & { warning?: ReadWarning | null };

/** A preview of a table's first rows, which came as texts. `limit`: how many were asked for. */
function tablePreview(
  statement: string,
  rows: readonly TextRow[],
  columns: readonly PreviewColumn[],
  limit: number,
): Preview {
  const record = (row: TextRow) =>
    Object.fromEntries(columns.map((column) => [column.name, shown(row[column.name] ?? null, column.segmentType)]));
  return {
    pages: [{ request: { statement }, records: rows.map(record) }],
    schema: columns.map(({ name, sourceType, landedType, nullable }) => ({
      name,
      source_type: sourceType,
      type: landedType,
      nullable,
    })),
    stop:
      rows.length >= limit
        ? { reason: 'preview_limit', detail: `The first ${rows.length} rows.` }
        : { reason: 'end_of_table', detail: `All ${rows.length} rows.` },
    detected: {},
    warnings: columns.flatMap(({ warning }) => (warning ? [warning] : [])),
  };
}

/** Numbers that a double holds and booleans as such (`t`, `true` and `1` are true), the rest as the server's text. */
function shown(text: string | null, segmentType: string): unknown {
  if (text === null) return null;
  switch (segmentType) {
    case 'BOOLEAN':
      return /^(t|true|1)$/.test(text);
    case 'SMALLINT':
    case 'INTEGER':
      return Number(text);
    case 'FLOAT':
    case 'DOUBLE':
      return Number.isFinite(Number(text)) ? Number(text) : text;
    default:
      return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  }
}
