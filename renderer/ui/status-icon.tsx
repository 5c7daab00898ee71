import {
  IconAlertTriangleFilled,
  IconBan,
  IconCircle,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconInfoCircleFilled,
  IconLoader2,
  IconPlayerSkipForwardFilled,
  IconPlayerStopFilled,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './status-icon.module.css';

/** Every status that the product shows: its own shape, word and colour. */
export const STATUSES = {
  ok: { word: 'Passed', icon: IconCircleCheckFilled, tone: 'ok' },
  running: { word: 'Running', icon: IconLoader2, tone: 'info' },
  queued: { word: 'Queued', icon: IconCircleDashed, tone: 'idle' },
  never: { word: 'Never run', icon: IconCircle, tone: 'idle' },
  warning: { word: 'Warning', icon: IconAlertTriangleFilled, tone: 'warn' },
  error: { word: 'Error', icon: IconCircleXFilled, tone: 'err' },
  skipped: { word: 'Skipped', icon: IconPlayerSkipForwardFilled, tone: 'idle' },
  cancelled: { word: 'Cancelled', icon: IconPlayerStopFilled, tone: 'idle' },
  off: { word: 'Off', icon: IconBan, tone: 'idle' },
  info: { word: 'Note', icon: IconInfoCircleFilled, tone: 'info' },
} as const;
export type Status = keyof typeof STATUSES;

/** `label`: said in place of the status' own word; '' where words beside it say the same. */
export function StatusIcon({ status, size = 14, label }: { status: Status; size?: number; label?: string }) {
  const { icon: Icon, tone, word } = STATUSES[status];
  return (
    <Icon
      size={size}
      className={classes['icon']}
      data-tone={tone}
      data-spin={status === 'running' || undefined}
      {...(label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label ?? word })}
    />
  );
}

/** Icon and word: how a status is shown in running text. */
export function StatusWord({ status, children, size = 14 }: { status: Status; children?: ReactNode; size?: number }) {
  const { icon: Icon, tone, word } = STATUSES[status];
  return (
    <span className={classes['word']} data-tone={tone}>
      <Icon
        size={size}
        className={classes['icon']}
        data-tone={tone}
        data-spin={status === 'running' || undefined}
        aria-hidden
      />
      {children ?? word}
    </span>
  );
}
