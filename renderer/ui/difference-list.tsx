import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import type { RowDifference } from '../stores/differences.ts';
import classes from './difference-list.module.css';

const WORDS: Readonly<Record<RowDifference['kind'], string>> = {
  added: 'added',
  removed: 'removed',
  changed: 'changed',
  moved: 'moved',
  header: 'header',
  sheet: 'new sheet',
};

/** Changes row by row and cell by cell: what was, struck through, and what will be. */
export function DifferenceList({ differences, label }: { differences: readonly RowDifference[]; label: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const items = useVirtualizer({
    count: differences.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => {
      const difference = differences[index];
      return 28 + (difference?.kind === 'changed' ? (difference.cells.length ?? 0) * 20 : 20);
    },
    overscan: 6,
  });
  return (
    // biome-ignore lint/a11y: what scrolls must be reachable by keyboard
    <div ref={scroller} className={`${classes['list']} scroll`} tabIndex={0} role="group" aria-label={label}>
      <ul style={{ height: items.getTotalSize(), position: 'relative' }}>
        {items.getVirtualItems().map(({ index, start, key }) => {
          const difference = differences[index];
          return difference === undefined ? null : (
            <li
              key={key}
              ref={items.measureElement}
              data-index={index}
              className={classes['item']}
              style={{ top: start }}
            >
              <p className={classes['head']}>
                <span className={classes['kind']} data-kind={difference.kind}>
                  {WORDS[difference.kind]}
                </span>
                <span className="medium truncate">{difference.name}</span>
                <span className="faint">
                  {difference.sheet}
                  {difference.row === null ? '' : ` row ${difference.row}`}
                </span>
              </p>
              <Cells difference={difference} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const LONGEST = 120;
const short = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

function Cells({ difference: { kind, cells } }: { difference: RowDifference }) {
  if (kind === 'moved' || kind === 'sheet') return null;
  if (kind === 'added' || kind === 'removed') {
    const texts = cells.map(({ before, after }) => short(kind === 'added' ? after : before));
    return (
      <p className={`${classes['whole']} truncate`} data-kind={kind}>
        {texts.join(' · ')}
      </p>
    );
  }
  return cells.map(({ column, before, after }) => (
    <p key={column} className={classes['cell']}>
      <span className={`${classes['column']} truncate`}>{column}</span>
      <span className="truncate">
        {before === '' ? <span className="faint">blank</span> : <del>{short(before)}</del>}
        <span aria-hidden> → </span>
        <span className="sr"> becomes </span>
        {after === '' ? <span className="faint">blank</span> : <ins>{short(after)}</ins>}
      </span>
    </p>
  ));
}
