import type { ReactNode } from 'react';
import classes from './notice.module.css';
import { STATUSES, type Status, StatusIcon } from './status-icon.tsx';

/** A message of the region that it stands in. */
export function Notice({
  status,
  icon,
  title,
  children,
  actions,
}: {
  status: Status;
  /** In place of the status' own. */
  icon?: ReactNode;
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  const { tone } = STATUSES[status];
  return (
    <div className={classes.notice} data-tone={tone} role={tone === 'err' ? 'alert' : 'status'}>
      {icon ?? <StatusIcon status={status} size={16} />}
      <div className={classes.body}>
        <span className="medium">{title}</span>
        {children ? <span className={classes.text}>{children}</span> : null}
      </div>
      {actions ? <div className={classes.actions}>{actions}</div> : null}
    </div>
  );
}
