import type { ReactNode } from 'react';
import classes from './panel.module.css';

export interface PanelProps {
  title: ReactNode;
  /** Beside the title, faint. */
  count?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  /** Default 2. */
  level?: 2 | 3;
}

/** A titled region with a 36 px bar; what it holds decides its own padding. */
export function Panel({ title, count, actions, children, className, level = 2 }: PanelProps) {
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <section className={`${classes['panel']} ${className ?? ''}`}>
      <div className={classes['bar']}>
        <Heading>{title}</Heading>
        {count === undefined ? null : <span className="faint num small">{count}</span>}
        <span className="grow" />
        {actions}
      </div>
      {children}
    </section>
  );
}

/** The 44 px bar on top of a screen: where you are, what you can do here. */
export function Toolbar({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={classes['toolbar']} role="toolbar" aria-label={label}>
      {children}
    </div>
  );
}

export function ToolbarDivider() {
  return <span className={classes['divider']} aria-hidden />;
}
