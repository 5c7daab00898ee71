/// <reference lib="dom" />
import { contextBridge, type IpcRendererEvent, ipcRenderer, webUtils } from 'electron';
import type { Bridge } from '../engine/contract.ts';
import { BRIDGE_NAME, CHANNELS, MESSAGES } from './channels.ts';

/** What was opened in the system before the page listened: a window that is just being made. */
let opened: string | null = null;
let onOpened = (path: string) => {
  opened = path;
};
listen(MESSAGES.open, (path) => onOpened(path as string));

// Named functions only: the page never sees ipcRenderer, nor the event that Electron hands to a listener.
const bridge: Bridge = {
  call: (id, name, input) => ipcRenderer.invoke(CHANNELS.call, id, name, input),
  cancel: (id) => void ipcRenderer.invoke(CHANNELS.cancel, id),
  on: (listener) => listen(MESSAGES.event, (name, data) => listener(name as string, data)),
  onMenu: (listener) => listen(MESSAGES.menu, (action) => listener(action as string)),
  onOpen(listener) {
    const before = onOpened;
    onOpened = listener;
    if (opened !== null) listener(opened);
    opened = null;
    const heard = ({ dataTransfer }: DragEvent) => {
      const [file] = dataTransfer?.files ?? [];
      const path = file === undefined ? '' : webUtils.getPathForFile(file);
      if (path !== '') listener(path);
    };
    addEventListener('drop', heard);
    return () => {
      removeEventListener('drop', heard);
      onOpened = before;
    };
  },
  pickFolder: (title) => ipcRenderer.invoke(CHANNELS.pickFolder, title),
  pickFile: (title, extensions) => ipcRenderer.invoke(CHANNELS.pickFile, title, extensions),
  pickSaveFile: (title, defaultName) => ipcRenderer.invoke(CHANNELS.pickSaveFile, title, defaultName),
  showFolder: (directory) => void ipcRenderer.invoke(CHANNELS.showFolder, directory),
  setUnsaved: (unsaved) => void ipcRenderer.invoke(CHANNELS.setUnsaved, unsaved),
  closeWindow: () => void ipcRenderer.invoke(CHANNELS.closeWindow),
};

function listen(channel: string, listener: (...args: unknown[]) => void): () => void {
  const wrapped = (_event: IpcRendererEvent, ...args: unknown[]) => listener(...args);
  ipcRenderer.on(channel, wrapped);
  return () => void ipcRenderer.removeListener(channel, wrapped);
}

contextBridge.exposeInMainWorld(BRIDGE_NAME, bridge);
