import type { ReactNode } from 'react';
import classes from './empty-state.module.css';

/** A place where there is nothing yet: what belongs here, and how to begin. */
export function EmptyState({
  icon,
  title,
  children,
  actions,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className={classes['place']}>
      {icon === undefined ? null : <span className={classes['icon']}>{icon}</span>}
      <h2 className={classes['title']}>{title}</h2>
      {children === undefined ? null : <div className={classes['text']}>{children}</div>}
      {actions === undefined ? null : <div className={classes['actions']}>{actions}</div>}
    </div>
  );
}
