// biome-ignore-all lint/a11y: an ARIA tree of which only a part is in the page; it has the focus and says which line is active
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import type { CutJson } from '../../../engine/contract.ts';
import { type JsonRow, jsonRows } from './json-rows.ts';
import classes from './json-tree.module.css';

/** A response as a tree: only the lines in view are drawn, so that twenty thousand values stay fluid. Arrow keys as in every tree. */
export function JsonTree({
  body,
  open,
  picked,
  label,
  onOpen,
  onPick,
}: {
  body: CutJson;
  open: ReadonlySet<string>;
  /** JSON Pointer of the value that was clicked. */
  picked: string | null;
  label: string;
  onOpen(open: ReadonlySet<string>): void;
  onPick(row: JsonRow, at: { x: number; y: number }): void;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => jsonRows(body, open), [body, open]);
  const [active, setActive] = useState(picked ?? '');
  const index = Math.max(
    0,
    rows.findIndex(({ id }) => id === active),
  );
  const lines = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 20,
    overscan: 20,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another response begins at its top
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
  }, [body]);

  function toggle(row: JsonRow, isOpen: boolean): void {
    const next = new Set(open);
    if (isOpen) next.add(row.id);
    else next.delete(row.id);
    onOpen(next);
  }
  function go(to: number): void {
    const row = rows[Math.min(rows.length - 1, Math.max(0, to))];
    if (row === undefined) return;
    setActive(row.id);
    lines.scrollToIndex(rows.indexOf(row));
  }
  function pickAtLine(row: JsonRow): void {
    const line = scroller.current?.querySelector(`[data-line="${CSS.escape(row.id)}"]`)?.getBoundingClientRect();
    onPick(row, { x: (line?.left ?? 0) + 48 + row.depth * 16, y: line?.bottom ?? 0 });
  }
  function onKeyDown(event: KeyboardEvent): void {
    const row = rows[index];
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / 20) - 1);
    const answer = answerTo(event.key, row, page);
    if (answer === null) return;
    event.preventDefault();
    if (answer === 'open' || answer === 'close') toggle(row, answer === 'open');
    else if (answer === 'pick') pickAtLine(row);
    else if (answer === 'parent') go(rows.findLastIndex(({ depth }, at) => at < index && depth < row.depth));
    else go(index + answer);
  }
  return (
    <div
      ref={scroller}
      className={`${classes['tree']} scroll`}
      role="tree"
      aria-label={label}
      tabIndex={0}
      aria-activedescendant={`json-${index}`}
      onKeyDown={onKeyDown}
    >
      <div style={{ height: lines.getTotalSize(), position: 'relative' }} role="presentation">
        {lines.getVirtualItems().map(({ index: at, start }) => {
          const row = rows[at] as JsonRow;
          const isNode = row.kind === 'object' || row.kind === 'list';
          return (
            <div
              key={row.id}
              id={`json-${at}`}
              role="treeitem"
              aria-level={row.depth + 1}
              aria-selected={picked === row.id}
              aria-expanded={isNode ? row.isOpen : undefined}
              data-line={row.id}
              data-active={at === index || undefined}
              className={classes['line']}
              style={{ top: start, paddingLeft: 4 + row.depth * 16 }}
              onClick={({ clientX, clientY }) => {
                setActive(row.id);
                if (row.kind !== 'more') onPick(row, { x: clientX, y: clientY + 8 });
              }}
            >
              {isNode ? (
                <span
                  className={classes['twist']}
                  data-open={row.isOpen || undefined}
                  onClick={(event) => {
                    event.stopPropagation();
                    setActive(row.id);
                    toggle(row, !row.isOpen);
                  }}
                />
              ) : (
                <span className={classes['space']} />
              )}
              <Line row={row} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** What a key does at a line: lines to move, or what happens to the line; null for other keys. */
function answerTo(
  key: string,
  { kind, isOpen }: JsonRow,
  page: number,
): number | 'open' | 'close' | 'parent' | 'pick' | null {
  const isNode = kind === 'object' || kind === 'list';
  switch (key) {
    case 'ArrowDown':
      return 1;
    case 'ArrowUp':
      return -1;
    case 'PageDown':
      return page;
    case 'PageUp':
      return -page;
    case 'Home':
      return -Number.MAX_SAFE_INTEGER;
    case 'End':
      return Number.MAX_SAFE_INTEGER;
    case 'ArrowRight':
      return isNode && !isOpen ? 'open' : 1;
    case 'ArrowLeft':
      return isNode && isOpen ? 'close' : 'parent';
    case 'Enter':
      return 'pick';
    case ' ':
      return isNode ? (isOpen ? 'close' : 'open') : 'pick';
    default:
      return null;
  }
}

const LONGEST = 400;

function Line({ row: { name, kind, value, count, steps } }: { row: JsonRow }) {
  if (kind === 'more') {
    return <span className="faint">… {count.toLocaleString('en')} more, not brought into this window</span>;
  }
  const isIndex = typeof steps.at(-1) === 'number';
  return (
    <>
      {name === null ? null : (
        <span className={isIndex ? 'faint' : classes['key']}>
          {name}
          {': '}
        </span>
      )}
      {kind === 'list' ? (
        <span className="faint">
          [{count.toLocaleString('en')} {count === 1 ? 'entry' : 'entries'}]
        </span>
      ) : kind === 'object' ? (
        <span className="faint">
          {'{'}
          {count === 1 ? '1 key' : `${count.toLocaleString('en')} keys`}
          {'}'}
        </span>
      ) : kind === 'text' ? (
        <>
          <span data-token="string">{JSON.stringify(String(value).slice(0, LONGEST))}</span>
          {count > 0 ? <span className="faint"> … {count.toLocaleString('en')} characters</span> : null}
        </>
      ) : kind === 'number' ? (
        <span data-token="number">{String(value)}</span>
      ) : (
        <span data-token="keyword">{String(value)}</span>
      )}
    </>
  );
}
