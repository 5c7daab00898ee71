import type { Bridge } from '../engine/contract.ts';

/** The name under which a page finds its bridge: `window.ingestStudio`. */
export const BRIDGE_NAME = 'ingestStudio';

/** The channel of each call from preload to main process. */
export const CHANNELS = {
  call: 'ingest-studio:call',
  cancel: 'ingest-studio:cancel',
  pickFolder: 'ingest-studio:pick-folder',
  pickFile: 'ingest-studio:pick-file',
  pickSaveFile: 'ingest-studio:pick-save-file',
  showFolder: 'ingest-studio:show-folder',
  setUnsaved: 'ingest-studio:set-unsaved',
  closeWindow: 'ingest-studio:close-window',
} as const satisfies Record<keyof Omit<Bridge, 'on' | 'onMenu' | 'onOpen'>, string>;

/** What the main process sends to the preload. */
export const MESSAGES = {
  event: 'ingest-studio:event',
  menu: 'ingest-studio:menu',
  open: 'ingest-studio:open',
} as const;
