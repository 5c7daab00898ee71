import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Action } from './actions/action.ts';
import { createActions } from './actions/actions.ts';
import { createProjectCommands, type ProjectCommands } from './actions/project-commands.ts';
import { createRunCommands, type RunCommands } from './actions/run-commands.ts';
import type { AppStores } from './stores/app-stores.ts';
import { type ChecksViewState, createChecksViewStore } from './stores/checks-view-store.ts';
import { type ConnectionState, createConnectionStore } from './stores/connection-store.ts';
import { createJobsViewStore, type JobsViewState } from './stores/jobs-view-store.ts';
import { createApiStore } from './stores/preview-store.ts';
import { createProjectStore, type ProjectState } from './stores/project-store.ts';
import { createRunStore, type RunState } from './stores/run-store.ts';
import { createSettingsStore, type SettingsState } from './stores/settings-store.ts';
import { createWindowStore, type WindowState } from './stores/window-store.ts';

/** Everything of one window that is not drawn: its stores, and what can be done. */
export interface App extends AppStores {
  commands: ProjectCommands;
  running: RunCommands;
  actions: readonly Action[];
}

export function createApp(): App {
  const settings = createSettingsStore();
  // Until the keychain has answered it is taken for one that can be used.
  const canKeep = () => settings.getState().keychain?.available ?? true;
  const stores: AppStores = {
    project: createProjectStore({ keychain: canKeep }),
    runs: createRunStore(),
    connections: createConnectionStore(),
    settings,
    window: createWindowStore(),
    jobsView: createJobsViewStore(),
    checksView: createChecksViewStore(),
    api: createApiStore(),
  };
  settings.subscribe(({ keychain }, before) => {
    if ((keychain?.available ?? true) !== (before.keychain?.available ?? true)) stores.project.validate();
  });
  const commands = createProjectCommands(stores);
  const runCommands = createRunCommands(stores, commands);
  return { ...stores, commands, running: runCommands, actions: createActions(stores, commands, runCommands) };
}

const AppContext = createContext<App | null>(null);
export const AppProvider = AppContext.Provider;

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error('This component stands outside of the application.');
  return app;
}

export const useProject = <T>(pick: (state: ProjectState) => T): T => useStore(useApp().project, pick);
export const useRuns = <T>(pick: (state: RunState) => T): T => useStore(useApp().runs, pick);
export const useConnections = <T>(pick: (state: ConnectionState) => T): T => useStore(useApp().connections, pick);
export const useSettings = <T>(pick: (state: SettingsState) => T): T => useStore(useApp().settings, pick);
export const useWindow = <T>(pick: (state: WindowState) => T): T => useStore(useApp().window, pick);
export const useChecksView = <T>(pick: (state: ChecksViewState) => T): T => useStore(useApp().checksView, pick);
export const useJobsView = <T>(pick: (state: JobsViewState) => T): T => useStore(useApp().jobsView, pick);
