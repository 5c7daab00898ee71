import { Button, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { shownError } from '../actions/project-commands.ts';
import { useApp, useProject } from '../app.ts';
import { call } from '../client.ts';
import { type RowDifference, sheetDifferences } from '../stores/differences.ts';
import { SHEETS } from '../stores/edited-sheet.ts';
import type { ShownError } from '../stores/window-store.ts';
import { DifferenceList } from '../ui/difference-list.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import classes from './dialogs.module.css';

/** Somebody else has written the files: nothing is overwritten, the person decides. */
export function ConflictDialog() {
  const { window, commands, project } = useApp();
  const document = useProject((state) => state.document);
  const [differences, setDifferences] = useState<RowDifference[] | null>(null);
  const [error, setError] = useState<ShownError | null>(null);

  async function compare(): Promise<void> {
    if (document === null) return;
    try {
      const theirs = await call('project.open', { directory: document.directory, env: document.env });
      setDifferences(SHEETS.flatMap((sheet) => sheetDifferences(sheet, theirs.sheets[sheet], project.rawSheet(sheet))));
    } catch (thrown) {
      setError(shownError(thrown));
    }
  }

  return (
    <div className={classes['column']}>
      <p>
        The files of <span className="medium">{document?.name}</span> were written by another program since they were
        read. Nothing of yours or of theirs is lost: choose what to go on with.
      </p>
      <UnstyledButton
        className={classes['choice']}
        data-autofocus
        onClick={() => {
          window.show(null);
          void commands.saveCopy();
        }}
      >
        <span className="medium">Keep mine as a copy …</span>
        <span className="small dim">
          The workbook as you read it, all its sheets, with your changes, in another folder; theirs stays as it is.
        </span>
      </UnstyledButton>
      <UnstyledButton
        className={classes['choice']}
        onClick={() => {
          window.show(null);
          void commands.reload();
        }}
      >
        <span className="medium">Take theirs</span>
        <span className="small dim">Reads the files again; your unsaved changes are discarded.</span>
      </UnstyledButton>
      {differences === null ? (
        <UnstyledButton className={classes['choice']} onClick={() => void compare()}>
          <span className="medium">Compare</span>
          <span className="small dim">Shows what yours has that theirs has not, cell by cell.</span>
        </UnstyledButton>
      ) : (
        <>
          <p className="medium">{differences.length === 0 ? 'Both say the same.' : 'From theirs to yours'}</p>
          {differences.length === 0 ? null : <DifferenceList differences={differences} label="From theirs to yours" />}
        </>
      )}
      {error === null ? null : <ErrorCard title="Their files cannot be read" error={error} />}
      <div className={classes['actions']}>
        <span className="grow" />
        <Button variant="default" onClick={() => window.show(null)}>
          Decide later
        </Button>
      </div>
    </div>
  );
}
