import { contextBridge, ipcRenderer } from 'electron';
import { BRIDGE_NAME, type Bridge, CHANNELS } from '../engine/contract.ts';

// Named calls only: the page never sees ipcRenderer.
const bridge: Bridge = {
  about: () => ipcRenderer.invoke(CHANNELS.about),
};

contextBridge.exposeInMainWorld(BRIDGE_NAME, bridge);
