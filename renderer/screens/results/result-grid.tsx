import { Skeleton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { Histogram } from '../../ui/charts.tsx';
import { countText } from '../../ui/number-text.ts';
import classes from './result-grid.module.css';
import type { ColumnProfile, ResultPage } from './use-results.ts';

export interface ResultGridProps {
  label: string;
  columns: readonly { name: string; type: string }[];
  page: ResultPage | null;
  /** Number of the first row. */
  offset: number;
  loading: boolean;
  /** Shapes of the columns; null while they are not there, undefined where there are none. */
  profile?: readonly ColumnProfile[] | null;
  orderBy?: string | null;
  descending?: boolean;
  onOrder?(orderBy: string | null, descending: boolean): void;
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT)\b/;
const SHORT_TYPES: Record<string, string> = { 'TIMESTAMP WITH TIME ZONE': 'TIMESTAMPTZ, UTC' };

/** Rows as they are: null is not empty, numbers stand right, long texts are cut in sight only. */
export function ResultGrid({
  label,
  columns,
  page,
  offset,
  loading,
  profile,
  orderBy = null,
  descending = false,
  onOrder,
}: ResultGridProps) {
  return (
    /* biome-ignore-start lint/a11y: what scrolls must be reachable by keyboard */
    <div className={`${classes['place']} scroll`} tabIndex={0} role="region" aria-label={label} aria-busy={loading}>
      <table className={classes['grid']} aria-label={label}>
        <thead>
          <tr>
            <th className={classes['gutter']}>
              <span className="sr">Row</span>
            </th>
            {columns.map(({ name, type }, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a query may give two columns one name
              <th key={at} aria-sort={orderBy === name ? (descending ? 'descending' : 'ascending') : undefined}>
                <ColumnHead
                  name={name}
                  type={type}
                  profile={profile === undefined ? undefined : (profile?.[at] ?? null)}
                  order={orderBy === name ? (descending ? 'descending' : 'ascending') : null}
                  onOrder={onOrder}
                />
              </th>
            ))}
          </tr>
        </thead>
        <tbody data-stale={(loading && page !== null) || undefined}>
          {page?.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a page are known by their place
            <tr key={at}>
              <th scope="row" className={classes['gutter']}>
                {countText(offset + at + 1)}
              </th>
              {row.map((value, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells of a row are known by their place
                <Cell key={column} value={value} number={NUMBER.test(columns[column]?.type ?? '')} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {page === null && loading ? (
        <div className={classes['loading']}>
          {Array.from({ length: 10 }, (_, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows without content
            <Skeleton key={at} height={12} mb={12} width={`${95 - ((at * 17) % 30)}%`} />
          ))}
        </div>
      ) : null}
    </div>
    /* biome-ignore-end lint/a11y: what scrolls must be reachable by keyboard */
  );
}

function Cell({ value, number }: { value: string | null; number: boolean }) {
  if (value === null) {
    return (
      <td className={classes['null']} data-number={number || undefined}>
        null
      </td>
    );
  }
  if (value === '') {
    return (
      <td>
        <span className={classes['empty']}>empty</span>
      </td>
    );
  }
  return (
    <td data-number={number || undefined} title={value.length > 40 ? value.slice(0, 2000) : undefined}>
      {value.length > 400 ? `${value.slice(0, 400)}…` : value}
    </td>
  );
}

interface ColumnHeadProps {
  name: string;
  type: string;
  profile: ColumnProfile | null | undefined;
  order: 'ascending' | 'descending' | null;
  onOrder?: ((orderBy: string | null, descending: boolean) => void) | undefined;
}

function ColumnHead({ name, type, profile, order, onOrder }: ColumnHeadProps) {
  const next = () => {
    if (order === null) onOrder?.(name, false);
    else if (order === 'ascending') onOrder?.(name, true);
    else onOrder?.(null, false);
  };
  return (
    <div className={classes['head']}>
      {onOrder === undefined ? (
        <span className={classes['name']}>{name}</span>
      ) : (
        <button type="button" className={classes['name']} onClick={next} title={`Sort by ${name}`}>
          <span className="truncate">{name}</span>
          {order === 'ascending' ? <IconArrowUp size={12} aria-hidden /> : null}
          {order === 'descending' ? <IconArrowDown size={12} aria-hidden /> : null}
        </button>
      )}
      <span className={`${classes['type']} truncate`} title={type}>
        {SHORT_TYPES[type] ?? type}
      </span>
      {profile === undefined ? null : profile === null ? (
        <Skeleton height={20} mt={4} mb={34} />
      ) : (
        <>
          <div className={classes['shape']}>
            {profile.bars.length === 0 ? null : isKey(profile) ? (
              <span className={classes['fact']}>all different</span>
            ) : (
              <Histogram bars={profile.bars} label={shapeText(profile)} />
            )}
          </div>
          <span className={profile.null_rate > 0 ? classes['nulls'] : classes['fact']}>
            {percentText(profile.null_rate)} null
          </span>
          <span
            className={classes['fact']}
            title={profile.min === null ? undefined : `${profile.min} to ${profile.max}`}
          >
            {countText(profile.distinct)} distinct
          </span>
        </>
      )}
    </div>
  );
}

/** `0 %`, `< 0.1 %`, `83.3 %` */
export function percentText(rate: number): string {
  if (rate === 0) return '0 %';
  if (rate === 1) return '100 %';
  const percent = rate * 100;
  if (percent < 0.1) return '< 0.1 %';
  return percent > 99.9 ? '> 99.9 %' : `${percent.toFixed(1)} %`;
}

/** Texts that never repeat: bars would say nothing. */
function isKey({ bars, distinct, type }: ColumnProfile): boolean {
  return type === 'VARCHAR' && distinct > 1 && bars.every(({ count }) => count === 1);
}

function shapeText({ bars, min, max }: ColumnProfile): string {
  const most = bars.reduce((top, bar) => (bar.count > top.count ? bar : top), bars[0]!);
  return `From ${min ?? ''} to ${max ?? ''}; most often ${most.label}, ${countText(most.count)} times`;
}
