import {
  IconAlertSquareFilled,
  IconAlertTriangleFilled,
  IconBan,
  IconCheck,
  IconChevronDown,
  IconCircle,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleMinus,
  IconCircleXFilled,
  IconLoader2,
} from '@tabler/icons-react';
import { memo, type Ref } from 'react';
import type { RowStatus } from './grid-types.ts';

/** Shape and word besides colour: what is wrong in the row (square) never looks like what went wrong in its last run (round). */
const STATUSES = {
  none: { icon: IconCircle, word: 'Never run' },
  ok: { icon: IconCircleCheckFilled, word: 'Last run succeeded' },
  failed: { icon: IconCircleXFilled, word: 'Last run failed' },
  invalid: { icon: IconAlertSquareFilled, word: 'Invalid' },
  warning: { icon: IconAlertTriangleFilled, word: 'Has warnings' },
  queued: { icon: IconCircleDashed, word: 'Waiting' },
  running: { icon: IconLoader2, word: 'Running' },
  cancelled: { icon: IconCircleMinus, word: 'Cancelled' },
  off: { icon: IconBan, word: 'Off' },
} as const satisfies Record<RowStatus, unknown>;

export function statusWord(status: RowStatus): string {
  return STATUSES[status].word;
}

export type IconName = RowStatus | 'tick' | 'chevron';

/** Drawn once and never seen: what rows are made of is copied from here, see {@link iconCopier}. */
export const GridIcons = memo(function GridIcons({ ref }: { ref: Ref<HTMLDivElement> }) {
  return (
    <div ref={ref} hidden>
      {Object.entries(STATUSES).map(([status, { icon: Icon }]) => (
        <Icon key={status} size={13} data-icon={status} aria-hidden />
      ))}
      <IconCheck size={11} stroke={3} data-icon="tick" aria-hidden />
      <IconChevronDown size={12} data-icon="chevron" aria-hidden />
    </div>
  );
});

/** Copies of the drawings in {@link GridIcons}. */
export function iconCopier(icons: HTMLElement): (name: IconName) => Node {
  const originals = new Map(
    [...icons.querySelectorAll('[data-icon]')].map((icon) => [icon.getAttribute('data-icon'), icon]),
  );
  return (name) => {
    const copy = originals.get(name)?.cloneNode(true) as Element;
    copy.removeAttribute('data-icon');
    return copy;
  };
}
