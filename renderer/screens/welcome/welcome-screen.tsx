import { IconArrowRight } from '@tabler/icons-react';
import { Fragment } from 'react';
import { Glyph } from '../../shell/glyph.tsx';
import classes from './welcome-screen.module.css';

const STEPS = [
  ['Write jobs', 'One row a table, in an ordinary Excel workbook'],
  ['Check', 'Every row and every connection, before anything runs'],
  ['Dry-run', 'Into DuckDB or Parquet on this computer'],
  ['Hand over', 'The same folder runs headless, every night'],
] as const;

const COMMANDS = [
  ['npm run demo', 'Runs the sample project: no network, no password'],
  ['npm run -s ingest -- validate -c FOLDER', 'Lists everything that is wrong with a project'],
  ['npm run -s ingest -- run -c FOLDER', 'Loads its jobs; a second run loads only what is new'],
] as const;

/** What the application is for, and how to begin. */
export function WelcomeScreen() {
  return (
    <div className={classes.page}>
      <div className={classes.column}>
        <header className={classes.head}>
          <Glyph size={44} />
          <div>
            <h1 className={classes.title}>Ingest Studio</h1>
            <p className={classes.dim}>
              Describe what to load, try it here, and hand the same files to the nightly run.
            </p>
          </div>
        </header>

        <section className={classes.panel} aria-labelledby="how">
          <h2 id="how" className={classes.panelHead}>
            How it works
          </h2>
          <ol className={classes.steps}>
            {STEPS.map(([name, note], index) => (
              <Fragment key={name}>
                {index === 0 ? null : <IconArrowRight size={16} className={classes.arrow} aria-hidden="true" />}
                <li>
                  <span className={classes.strong}>{name}</span>
                  <span className={classes.note}>{note}</span>
                </li>
              </Fragment>
            ))}
          </ol>
        </section>

        <section className={classes.panel} aria-labelledby="begin">
          <h2 id="begin" className={classes.panelHead}>
            Begin in a terminal
          </h2>
          <p className={classes.lead}>
            The engine is ready and runs from the command line. Opening and editing projects in this window comes next.
          </p>
          <dl className={classes.commands}>
            {COMMANDS.map(([command, note]) => (
              <div key={command} className={classes.command}>
                <dt>
                  <code className={classes.code}>{command}</code>
                </dt>
                <dd className={classes.note}>{note}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </div>
  );
}
