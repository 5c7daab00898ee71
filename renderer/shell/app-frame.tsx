import { type ReactNode, useEffect, useState } from 'react';
import type { About } from '../../engine/contract.ts';
import { call } from '../client.ts';
import classes from './app-frame.module.css';
import { Glyph } from './glyph.tsx';

/** Title bar, the screen, status bar. The system draws its window buttons over the title bar's end (on macOS over its begin). */
export function AppFrame({ children }: { children: ReactNode }) {
  const [about, setAbout] = useState<About | null>(null);
  useEffect(() => {
    void call('app.about').then(setAbout);
  }, []);
  return (
    <div className={classes.frame} data-platform={about?.platform}>
      <header className={classes.titleBar}>
        <Glyph size={16} />
        <span>Ingest Studio</span>
      </header>
      <main className={classes.screen}>{children}</main>
      <footer className={classes.statusBar}>
        <span>No project open</span>
        <span>{about === null ? '' : `Version ${about.version}`}</span>
      </footer>
    </div>
  );
}
