import { Skeleton, TextInput } from '@mantine/core';
import { IconSearch, IconTable } from '@tabler/icons-react';
import { useState } from 'react';
import { countText, plural } from '../../ui/number-text.ts';
import classes from './results-screen.module.css';
import type { ResultTable } from './use-results.ts';

export interface TableListProps {
  tables: readonly ResultTable[] | null;
  loading: boolean;
  selected: ResultTable | null;
  onSelect(table: ResultTable): void;
}

/** Tables by schema, children below their parents, with their rows. */
export function TableList({ tables, loading, selected, onSelect }: TableListProps) {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const matches = (tables ?? []).filter(
    ({ table, columns }) =>
      wanted === '' ||
      table.toLowerCase().includes(wanted) ||
      columns.some(({ name }) => name.toLowerCase().includes(wanted)),
  );
  const schemas = Map.groupBy(matches, ({ schema }) => schema);
  return (
    <>
      <div className={classes['search']}>
        <TextInput
          aria-label="Find a table or column"
          placeholder="Find a table or column"
          leftSection={<IconSearch size={14} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      <div className={`${classes['tables']} scroll`}>
        {tables === null && loading
          ? Array.from({ length: 9 }, (_, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows without content
              <Skeleton key={at} height={12} my={12} mx={16} width={`${70 - ((at * 13) % 35)}%`} />
            ))
          : null}
        {tables !== null && matches.length === 0 && wanted !== '' ? (
          <p className={classes['none']}>No table or column has “{search.trim()}” in its name.</p>
        ) : null}
        {[...schemas].map(([schema, own]) => (
          <section key={schema} aria-label={schema}>
            <h2 className={classes['schema']}>
              {schema} <span className="faint num">{plural(own.length, 'table')}</span>
            </h2>
            <ul>
              {ordered(own).map(({ table, depth }) => (
                <li key={table.table}>
                  <button
                    type="button"
                    className={classes['table']}
                    style={{ paddingLeft: 12 + depth * 16 }}
                    aria-current={isSame(table, selected) ? 'true' : undefined}
                    onClick={() => onSelect(table)}
                  >
                    <IconTable size={14} aria-hidden />
                    <span className="truncate" title={table.table}>
                      {table.table}
                    </span>
                    <span className="grow" />
                    <span className={classes['count']}>{countText(table.rows)}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </>
  );
}

/** Parents first, their children right below them. */
function ordered(tables: readonly ResultTable[]): { table: ResultTable; depth: number }[] {
  const names = new Set(tables.map(({ table }) => table));
  const below = (parent: string | null, depth: number): { table: ResultTable; depth: number }[] =>
    tables
      .filter((table) => (table.parent !== null && names.has(table.parent) ? table.parent : null) === parent)
      .flatMap((table) => [{ table, depth }, ...below(table.table, depth + 1)]);
  return below(null, 0);
}

function isSame(a: ResultTable, b: ResultTable | null): boolean {
  return b !== null && a.schema === b.schema && a.table === b.table;
}
