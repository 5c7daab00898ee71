import { IngestError } from '../../../errors.ts';
import type { PackageTable } from '../../../load/load-package.ts';
import type { SchemaChange } from '../../destination.ts';
import { changedMeanwhile } from '../store-load.ts';
import { type DeltaField, fieldFor, isSameType, typeFor } from './schema.ts';

export interface EvolvedFields {
  fields: DeltaField[];
  /** Files with the old type of a column are to be written anew. */
  rewrite: boolean;
}

/**
 * A table's fields after the steps that were planned for it; what is done already is passed over, since a load may be tried again.
 * @param fields null where there is no table yet
 * @param part what the package brings to it; null for nothing
 * @throws IngestError DESTINATION_CHANGED where the table is not the one that was planned for, NAME_NOT_ALLOWED
 */
export function evolveFields(
  table: string,
  fields: readonly DeltaField[] | null,
  changes: readonly SchemaChange[],
  part: PackageTable | null,
): EvolvedFields {
  const next = structuredClone((fields ?? []) as DeltaField[]);
  let rewrite = false;
  const find = (name: string) => next.find((field) => field.name.toLowerCase() === name.toLowerCase());
  const created = changes.some((change) => change.table === table && change.kind === 'create_table');
  if (fields === null && !created) throw changedMeanwhile(`the table ${table} is not there`);
  for (const change of changes) {
    if (change.table !== table) continue;
    switch (change.kind) {
      case 'create_table':
        for (const column of change.columns) {
          if (find(column.name)) continue;
          next.push(fieldFor(fields === null ? column : { ...column, nullable: true }, table));
        }
        break;
      case 'add_column':
        if (!find(change.column.name)) next.push(fieldFor({ ...change.column, nullable: true }, table));
        break;
      case 'retype_column':
      case 'widen_column': {
        const field = find(change.column);
        if (!field) break;
        const stored = part?.columns.find(
          ({ name }) => name.toLowerCase() === change.column.toLowerCase(),
        )?.stored_type;
        const to = stored ?? change.to;
        if (isSameType(field, to)) break;
        if (change.kind === 'widen_column' && !isSameType(field, change.from))
          throw changedMeanwhile(`${table}.${change.column} has another type`);
        const { type, metadata } = typeFor(to);
        field.type = type;
        field.metadata = { ...field.metadata, ...metadata };
        rewrite = true;
        break;
      }
      case 'allow_null': {
        const field = find(change.column);
        if (field) field.nullable = true;
        break;
      }
      default:
        change satisfies never;
    }
  }
  for (const column of part?.columns ?? []) {
    const field = find(column.name);
    if (!field) throw changedMeanwhile(`the table ${table} has no column ${column.name}`);
    if (!isSameType(field, column.stored_type)) throw typeChanged(table, column.name, column.stored_type);
  }
  return { fields: next, rewrite };
}

/** The next run sees the table and plans for it. */
function typeChanged(table: string, column: string, type: string): IngestError {
  return new IngestError(
    'DESTINATION_CHANGED',
    `${table}, column "${column}": the table that is there has another type than ${type}, for which the load was planned.`,
    {
      hint: 'Run again; where it stays so, set the type with column_types or load into another table.',
      retryable: true,
    },
  );
}
