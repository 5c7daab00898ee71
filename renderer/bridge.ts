import type { Bridge } from '../engine/contract.ts';
import { connectWebHost } from './web-bridge.ts';

declare global {
  interface Window {
    /** Put there by the preload; not there in the web host's page. */
    readonly ingestStudio?: Bridge;
  }
}

/** The page's only way out. */
export const bridge: Bridge = window.ingestStudio ?? connectWebHost();
