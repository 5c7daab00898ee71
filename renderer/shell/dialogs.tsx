import { Modal } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useApp, useWindow } from '../app.ts';
import type { Dialog } from '../stores/window-store.ts';

const DialogContent = lazy(async () => ({ default: (await import('./dialog-content.tsx')).DialogContent }));

const TITLES: Readonly<Record<Dialog['kind'], string>> = {
  shortcuts: 'Keyboard shortcuts',
  about: 'About Ingest Studio',
  error: 'Something went wrong',
  review: 'Save these changes?',
  unsaved: 'There are unsaved changes',
  conflict: 'The project was changed outside',
  recovery: 'Unsaved changes were found',
  folder: 'Choose a folder',
  new_project: 'New project',
  preflight: 'Preflight',
};

const SIZES: Partial<Record<Dialog['kind'], number>> = {
  shortcuts: 760,
  review: 720,
  preflight: 920,
  conflict: 720,
  folder: 560,
  error: 560,
  recovery: 560,
};

/** The question that the window asks now. Escape answers it in the way that changes nothing. */
export function Dialogs() {
  const { window } = useApp();
  const dialog = useWindow((state) => state.dialog);
  return (
    <Modal
      opened={dialog !== null}
      onClose={() => dismiss(dialog, () => window.show(null))}
      title={dialog === null ? '' : dialog.kind === 'folder' ? dialog.title : TITLES[dialog.kind]}
      size={dialog === null ? 480 : (SIZES[dialog.kind] ?? 480)}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {dialog === null ? null : (
        <Suspense fallback={null}>
          <DialogContent dialog={dialog} />
        </Suspense>
      )}
    </Modal>
  );
}

function dismiss(dialog: Dialog | null, close: () => void): void {
  switch (dialog?.kind) {
    case 'review':
      dialog.answer(false);
      break;
    case 'unsaved':
      dialog.answer('cancel');
      break;
    case 'folder':
      dialog.answer(null);
      break;
    default:
      close();
  }
}
