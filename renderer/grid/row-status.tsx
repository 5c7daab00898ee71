import {
  IconAlertSquareFilled,
  IconAlertTriangleFilled,
  IconBan,
  IconCircle,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleMinus,
  IconCircleXFilled,
  IconLoader2,
} from '@tabler/icons-react';
import classes from './data-grid.module.css';
import type { RowStatus as Status } from './grid-types.ts';

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
} as const satisfies Record<Status, unknown>;

export function statusWord(status: Status): string {
  return STATUSES[status].word;
}

export function RowStatus({ status }: { status: Status }) {
  const { icon: Icon } = STATUSES[status];
  return (
    <span className={classes['status']} data-status={status} aria-hidden>
      <Icon size={13} />
    </span>
  );
}
