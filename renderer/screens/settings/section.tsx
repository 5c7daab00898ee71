import type { ReactNode } from 'react';
import classes from './settings-screen.module.css';

/** A titled group of settings. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes['section']}>
      <h2>{title}</h2>
      <div className={classes['rows']}>{children}</div>
    </section>
  );
}

/** One setting: what it is, and its control beside. */
export function Row({ label, help, children }: { label: string; help: string; children: ReactNode }) {
  return (
    <div className={classes['row']}>
      <div>
        <p className="medium">{label}</p>
        <p className="small dim">{help}</p>
      </div>
      <div className={classes['control']}>{children}</div>
    </div>
  );
}
