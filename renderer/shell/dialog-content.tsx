import type { Dialog } from '../stores/window-store.ts';

/** What a dialog holds. Loaded when the first one opens. */
export function DialogContent({ dialog }: { dialog: Dialog }) {
  return <p>{dialog.kind}</p>;
}
