import { Button, Checkbox, Kbd } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import type { Finding } from '../../engine/spec/finding.ts';
import { type Action, shortcutText } from '../actions/action.ts';
import { useApp, useProject, useSettings } from '../app.ts';
import { call } from '../client.ts';
import { PreflightDialog } from '../screens/jobs/preflight-dialog.tsx';
import { unsavedDifferences } from '../stores/differences.ts';
import type { Dialog } from '../stores/window-store.ts';
import { DifferenceList } from '../ui/difference-list.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { ConflictDialog } from './conflict-dialog.tsx';
import classes from './dialogs.module.css';
import { FolderDialog } from './folder-dialog.tsx';
import { Glyph } from './glyph.tsx';
import { NewProjectDialog } from './new-project-dialog.tsx';

/** What a dialog holds. Loaded when the first one opens. */
export function DialogContent({ dialog }: { dialog: Dialog }) {
  switch (dialog.kind) {
    case 'shortcuts':
      return <Shortcuts />;
    case 'about':
      return <About />;
    case 'error':
      return <ErrorCard title={dialog.title} error={dialog.error} />;
    case 'review':
      return <Review answer={dialog.answer} />;
    case 'unsaved':
      return <Unsaved dialog={dialog} />;
    case 'conflict':
      return <ConflictDialog />;
    case 'recovery':
      return <Recovery />;
    case 'folder':
      return <FolderDialog answer={dialog.answer} projectsOnly={dialog.projectsOnly} />;
    case 'new_project':
      return <NewProjectDialog />;
    case 'preflight':
      return <PreflightDialog rowIds={dialog.rowIds} />;
    default:
      return dialog satisfies never;
  }
}

function counted(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

/** Before saving: what will be other than in the workbook. */
function Review({ answer }: { answer(save: boolean): void }) {
  const { project, jobsView } = useApp();
  const document = useProject((state) => state.document);
  const errors = useProject((state) => state.errors);
  const differences = useMemo(() => unsavedDifferences(project), [project]);
  const [warnings, setWarnings] = useState<Finding[]>([]);
  const [ask, setAsk] = useState(true);
  useEffect(() => {
    if (document === null) return;
    const controller = new AbortController();
    // What cannot be told beforehand, saving itself says.
    call(
      'project.save_warnings',
      { directory: document.directory, edits: project.edits() },
      { signal: controller.signal },
    )
      .then(setWarnings)
      .catch(() => undefined);
    return () => controller.abort();
  }, [document, project]);
  const count = (kind: string) => differences.filter((difference) => difference.kind === kind).length;
  const parts = [
    [count('added'), 'added'],
    [count('changed') + count('header'), 'changed'],
    [count('moved'), 'moved'],
    [count('removed'), 'removed'],
  ] as const;
  const made = differences.filter(({ kind }) => kind === 'sheet');
  const said = parts.filter(([n]) => n > 0).map(([n, word]) => `${n.toLocaleString('en')} ${word}`);
  return (
    <div className={classes['column']}>
      <p>
        {differences.length === 0 ? 'Nothing is other than in the workbook.' : null}
        {made.map(({ sheet }) => `Sheet ${sheet} is made. `)}
        {said.length === 0 ? null : `Rows: ${said.join(', ')}.`}{' '}
        <span className="dim">Formats, formulas and everything else in ingestion_config.xlsx stay as they are.</span>
      </p>
      <DifferenceList differences={differences} label="Changes" />
      {warnings.map(({ message, hint }) => (
        <p key={message} className={classes['warning']}>
          {message} {hint}
        </p>
      ))}
      {errors > 0 ? (
        <p className="dim">{counted(errors, 'error')} will be saved with it: rows with an error do not run.</p>
      ) : null}
      <div className={classes['actions']}>
        <Checkbox
          label="Show this before every save"
          checked={ask}
          onChange={(event) => setAsk(event.currentTarget.checked)}
        />
        <span className="grow" />
        <Button variant="default" onClick={() => answer(false)}>
          Cancel
        </Button>
        <Button
          data-autofocus
          onClick={() => {
            jobsView.setState({ reviewSaves: ask });
            answer(true);
          }}
        >
          Save
        </Button>
      </div>
    </div>
  );
}

function Unsaved({ dialog }: { dialog: Extract<Dialog, { kind: 'unsaved' }> }) {
  const { what, changes, forms, answer } = dialog;
  return (
    <div className={classes['column']}>
      {changes === 0 ? null : (
        <p>
          {counted(changes, 'change')} {changes === 1 ? 'is' : 'are'} not in the workbook yet.
        </p>
      )}
      {forms.map((words) => (
        <p key={words}>{words} is filled in and not saved.</p>
      ))}
      <p>Save before {what}?</p>
      <div className={classes['actions']}>
        <Button variant="subtle" color="red" onClick={() => answer('discard')}>
          Discard
        </Button>
        <span className="grow" />
        <Button variant="default" onClick={() => answer('cancel')}>
          Cancel
        </Button>
        <Button data-autofocus onClick={() => answer('save')}>
          Save
        </Button>
      </div>
    </div>
  );
}

/** A window was lost with unsaved edits. */
function Recovery() {
  const { window, commands } = useApp();
  const recovery = useProject((state) => state.document?.recovery ?? null);
  if (recovery === null) return null;
  const when = new Date(recovery.saved_at).toLocaleString();
  return (
    <div className={classes['column']}>
      <p>
        The window was closed on {when} with {counted(recovery.edits.length, 'change')} that{' '}
        {recovery.edits.length === 1 ? 'was' : 'were'} not saved.
      </p>
      {recovery.fits ? (
        <p className="dim">Restored changes are not saved yet: look at them, undo what you do not want, then save.</p>
      ) : (
        <p className={classes['warning']}>
          The workbook was changed since then, so they no longer fit its rows and cannot be laid over it.
        </p>
      )}
      <div className={classes['actions']}>
        <Button
          variant="subtle"
          color="red"
          onClick={() => {
            window.show(null);
            void commands.discardRecovery();
          }}
        >
          Discard them
        </Button>
        <span className="grow" />
        {recovery.fits ? (
          <Button
            data-autofocus
            onClick={() => {
              window.show(null);
              void commands.restoreRecovery();
            }}
          >
            Restore {counted(recovery.edits.length, 'change')}
          </Button>
        ) : null}
      </div>
    </div>
  );
}

/** Keys that the grid knows by itself. */
const GRID_KEYS: readonly (readonly [string, string])[] = [
  ['Arrows', 'Next cell; with Shift, extend'],
  ['Tab, Enter', 'Next cell; with Shift, back'],
  ['Mod+Arrows', 'To the edge of the data'],
  ['Home, End', 'First, last cell of the row'],
  ['Mod+Home, Mod+End', 'First, last cell'],
  ['F2', 'Edit the cell; so does typing'],
  ['Esc', 'Keep what the cell said before'],
  ['Alt+↓', 'Open the cell’s list'],
  ['Space', 'Tick or untick'],
  ['Mod+D, Mod+R', 'Fill down, right'],
  ['Shift+Space, Mod+Space', 'Select rows, columns'],
  ['Alt+Shift+↑, Alt+Shift+↓', 'Move rows'],
  ['Mod+Shift+L', 'Filter and sort the column'],
];

function Shortcuts() {
  const { actions } = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const groups = ['File', 'Edit', 'View', 'Run', 'Help'] as const;
  const withKeys = (menu: Action['menu']) => actions.filter((item) => item.menu === menu && item.shortcuts.length > 0);
  return (
    <div className={classes['keys']}>
      {groups.map((group) => (
        <section key={group}>
          <h3>{group}</h3>
          <dl>
            {withKeys(group).map(({ id, label, shortcuts }) => (
              <div key={id} className={classes['key']}>
                <dt>{label}</dt>
                <dd>
                  {shortcuts.map((shortcut) => (
                    <Kbd key={shortcut}>{shortcutText(shortcut, mac)}</Kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <section>
        <h3>Grid</h3>
        <dl>
          {GRID_KEYS.map(([keys, what]) => (
            <div key={keys} className={classes['key']}>
              <dt>{what}</dt>
              <dd>
                {keys.split(', ').map((key) => (
                  <Kbd key={key}>{shortcutText(key, mac)}</Kbd>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  );
}

function About() {
  const about = useSettings((state) => state.about);
  return (
    <div className={classes['about']}>
      <Glyph size={44} />
      <div>
        <p className="medium">Ingest Studio {about?.version}</p>
        <p className="dim">Describe what to load, try it here, and hand the same files to the nightly run.</p>
        <p className="faint small">
          {about?.host === 'web' ? 'In a browser of this computer' : 'Desktop'} · {about?.platform}
        </p>
      </div>
    </div>
  );
}
