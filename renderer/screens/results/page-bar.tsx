import { ActionIcon } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconChevronsLeft, IconChevronsRight } from '@tabler/icons-react';
import { countText } from '../../ui/number-text.ts';
import classes from './results-screen.module.css';

export interface PageBarProps {
  offset: number;
  limit: number;
  total: number;
  /** In words; null for the order of loading. */
  order: string | null;
  onOffset(offset: number): void;
}

/** Which rows are shown, and the way to the others. */
export function PageBar({ offset, limit, total, order, onOffset }: PageBarProps) {
  const pages = Math.max(1, Math.ceil(total / limit));
  const page = Math.floor(offset / limit) + 1;
  const last = (pages - 1) * limit;
  const words =
    total === 0
      ? 'No rows'
      : `Rows ${countText(offset + 1)}–${countText(Math.min(offset + limit, total))} of ${countText(total)}`;
  return (
    <div className={classes['pages']}>
      <span className="num" aria-live="polite">
        {words}
      </span>
      <span className="faint truncate">{order}</span>
      <span className="grow" />
      <ActionIcon size="xs" aria-label="First page" disabled={page === 1} onClick={() => onOffset(0)}>
        <IconChevronsLeft size={14} />
      </ActionIcon>
      <ActionIcon size="xs" aria-label="Page before" disabled={page === 1} onClick={() => onOffset(offset - limit)}>
        <IconChevronLeft size={14} />
      </ActionIcon>
      <span className="num">
        {countText(page)} of {countText(pages)}
      </span>
      <ActionIcon size="xs" aria-label="Next page" disabled={page === pages} onClick={() => onOffset(offset + limit)}>
        <IconChevronRight size={14} />
      </ActionIcon>
      <ActionIcon size="xs" aria-label="Last page" disabled={page === pages} onClick={() => onOffset(last)}>
        <IconChevronsRight size={14} />
      </ActionIcon>
    </div>
  );
}
