// biome-ignore-all lint/a11y: an ARIA grid of which only a part is in the page; it has the focus and says which cell is active
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import type { JobPreview } from '../../../engine/contract.ts';
import classes from './records-table.module.css';

const HEAD = 38;
const ROW = 24;
const GUTTER = 40;

export interface RecordsTableProps {
  records: readonly unknown[];
  schema: JobPreview['schema'];
  label: string;
  onPick(index: number, key: string, value: unknown, at: { x: number; y: number }): void;
}

/** Records as they came: rows and columns in view are drawn only. Arrow keys move, Enter picks the value. */
export function RecordsTable({ records, schema, label, onPick }: RecordsTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<{ row: number; column: number } | null>(null);
  const columns = useMemo(() => columnsOf(records, schema), [records, schema]);
  const rows = useVirtualizer({
    count: records.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    scrollMargin: HEAD,
    scrollPaddingStart: HEAD,
    overscan: 10,
  });
  const cells = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => columns[index]?.width ?? 120,
    scrollMargin: GUTTER,
    scrollPaddingStart: GUTTER,
    overscan: 3,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top
  useEffect(() => {
    setActive(null);
    scroller.current?.scrollTo({ top: 0, left: 0 });
    cells.measure();
  }, [records]);

  function pick(row: number, column: number, at: { x: number; y: number }): void {
    const key = columns[column]?.name;
    if (key !== undefined) onPick(row, key, fieldOf(records[row], key), at);
  }
  function go(row: number, column: number): void {
    const next = {
      row: Math.min(records.length - 1, Math.max(0, row)),
      column: Math.min(columns.length - 1, Math.max(0, column)),
    };
    setActive(next);
    rows.scrollToIndex(next.row);
    cells.scrollToIndex(next.column);
  }
  function onKeyDown(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 400) - HEAD) / ROW) - 1);
    const isFar = event.ctrlKey || event.metaKey;
    const at = active ?? { row: 0, column: 0 };
    if (event.key === 'Enter') {
      const cell = scroller.current?.querySelector('[data-active]')?.getBoundingClientRect();
      event.preventDefault();
      pick(at.row, at.column, { x: (cell?.left ?? 0) + 8, y: cell?.bottom ?? 0 });
      return;
    }
    const by = stepOf(event.key, isFar, page);
    if (by === null) return;
    event.preventDefault();
    // The first key shows where one is.
    if (active === null) go(0, 0);
    else go(at.row + by.row, at.column + by.column);
  }
  const width = GUTTER + columns.reduce((sum, column) => sum + column.width, 0);
  return (
    <div
      ref={scroller}
      className={`${classes['table']} scroll`}
      role="grid"
      aria-label={label}
      aria-rowcount={records.length + 1}
      aria-colcount={columns.length + 1}
      aria-activedescendant={active === null ? undefined : `record-${active.row}-${active.column}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div className={classes['head']} role="row" aria-rowindex={1} style={{ width }}>
        <span className={classes['corner']} role="columnheader" aria-colindex={1}>
          <span className="sr">Number</span>
        </span>
        {cells.getVirtualItems().map(({ index, start, size }) => {
          const column = columns[index] as Column;
          return (
            <span
              key={index}
              className={classes['name']}
              role="columnheader"
              aria-colindex={index + 2}
              data-right={column.isNumber || undefined}
              style={{ left: start, width: size }}
            >
              <span className="truncate" title={column.name}>
                {column.name}
              </span>
              <span className={classes['type']}>{column.type}</span>
            </span>
          );
        })}
      </div>
      <div style={{ height: rows.getTotalSize(), width, position: 'relative' }} role="presentation">
        {rows.getVirtualItems().map(({ index: row, start: top }) => (
          <div
            key={row}
            className={classes['row']}
            role="row"
            aria-rowindex={row + 2}
            style={{ top: top - HEAD, width }}
          >
            <span className={classes['number']} role="rowheader" aria-colindex={1}>
              {row + 1}
            </span>
            {cells.getVirtualItems().map(({ index, start, size }) => {
              const column = columns[index] as Column;
              const value = fieldOf(records[row], column.name);
              const isActive = active?.row === row && active.column === index;
              return (
                <span
                  key={index}
                  id={`record-${row}-${index}`}
                  className={classes['cell']}
                  role="gridcell"
                  aria-colindex={index + 2}
                  data-active={isActive || undefined}
                  data-right={column.isNumber || undefined}
                  style={{ left: start, width: size }}
                  onClick={({ clientX, clientY }) => {
                    setActive({ row, column: index });
                    pick(row, index, { x: clientX, y: clientY + 8 });
                  }}
                >
                  <Value value={value} />
                </span>
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

/** How far a key moves; null for other keys. */
function stepOf(key: string, isFar: boolean, page: number): { row: number; column: number } | null {
  const one = isFar ? Number.MAX_SAFE_INTEGER : 1;
  const all = Number.MAX_SAFE_INTEGER;
  switch (key) {
    case 'ArrowDown':
      return { row: one, column: 0 };
    case 'ArrowUp':
      return { row: -one, column: 0 };
    case 'ArrowRight':
      return { row: 0, column: one };
    case 'ArrowLeft':
      return { row: 0, column: -one };
    case 'PageDown':
      return { row: page, column: 0 };
    case 'PageUp':
      return { row: -page, column: 0 };
    case 'Home':
      return { row: isFar ? -all : 0, column: -all };
    case 'End':
      return { row: isFar ? all : 0, column: all };
    default:
      return null;
  }
}

function Value({ value }: { value: unknown }) {
  if (value === undefined) return <span className="sr">not there</span>;
  if (value === null) return <i className="faint">null</i>;
  if (value === '') return <i className="faint">empty</i>;
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return <>{text.length > 300 ? `${text.slice(0, 300)}…` : text}</>;
}

interface Column {
  name: string;
  type: string;
  width: number;
  isNumber: boolean;
}

function fieldOf(record: unknown, key: string): unknown {
  return typeof record === 'object' && record !== null && !Array.isArray(record)
    ? (record as Readonly<Record<string, unknown>>)[key]
    : record;
}

/** A column a key, in the order of first sight, as wide as its first values need. */
function columnsOf(records: readonly unknown[], schema: JobPreview['schema']): Column[] {
  const keys = new Set<string>();
  for (const record of records) {
    if (typeof record === 'object' && record !== null && !Array.isArray(record))
      for (const key of Object.keys(record)) keys.add(key);
    else keys.add('value');
  }
  const types = new Map(schema.map(({ name, type }) => [name, type]));
  return [...keys].map((name) => {
    const type = (types.get(name) ?? '').toLowerCase();
    const short = type.length > 24 ? `${type.replace(/\(.*$/s, '')} …` : type;
    let longest = Math.max(name.length, short.length);
    let isNumber = records.length > 0;
    for (const record of records.slice(0, 50)) {
      const value = fieldOf(record, name);
      if (value !== null && value !== undefined && typeof value !== 'number') isNumber = false;
      const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
      longest = Math.max(longest, text.length);
    }
    return { name, type: short, isNumber, width: Math.round(Math.min(320, Math.max(56, longest * 7.4 + 22))) };
  });
}
