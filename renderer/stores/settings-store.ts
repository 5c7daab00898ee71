import { createStore } from 'zustand/vanilla';
import type { About, KeychainState, Settings } from '../../engine/contract.ts';

export interface SettingsState {
  /** Null until the engine has answered. */
  about: About | null;
  settings: Settings | null;
  keychain: KeychainState | null;
}

export type SettingsStore = ReturnType<typeof createSettingsStore>;

/** The person's own settings and what the host says of itself. */
export function createSettingsStore() {
  return createStore<SettingsState>(() => ({ about: null, settings: null, keychain: null }));
}
