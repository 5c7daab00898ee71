import { ActionIcon, Tooltip } from '@mantine/core';
import { IconArrowBackUp, IconArrowForwardUp } from '@tabler/icons-react';
import { shortcutText } from '../actions/action.ts';
import { runAction } from '../actions/actions.ts';
import { useApp, useProject, useSettings } from '../app.ts';

/** Undo and redo of the project, in the toolbar of every screen that edits it; each says what it would change. */
export function UndoButtons() {
  const app = useApp();
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const undo = useProject((state) => state.undo.at(-1)?.label ?? null);
  const redo = useProject((state) => state.redo.at(-1)?.label ?? null);
  return (
    <>
      <Tooltip label={`Undo ${undo ?? ''} (${shortcutText('Mod+Z', mac)})`}>
        <ActionIcon aria-label="Undo" disabled={undo === null} onClick={() => runAction(app.actions, 'edit.undo')}>
          <IconArrowBackUp size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={`Redo ${redo ?? ''} (${shortcutText('Mod+Shift+Z', mac)})`}>
        <ActionIcon aria-label="Redo" disabled={redo === null} onClick={() => runAction(app.actions, 'edit.redo')}>
          <IconArrowForwardUp size={16} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
