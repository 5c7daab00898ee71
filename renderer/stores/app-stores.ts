import type { ChecksViewStore } from './checks-view-store.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { JobsViewStore } from './jobs-view-store.ts';
import type { ApiStore } from './preview-store.ts';
import type { ProjectStore } from './project-store.ts';
import type { RunStore } from './run-store.ts';
import type { SettingsStore } from './settings-store.ts';
import type { WindowStore } from './window-store.ts';

/** All stores of one window. */
export interface AppStores {
  project: ProjectStore;
  runs: RunStore;
  connections: ConnectionStore;
  settings: SettingsStore;
  window: WindowStore;
  jobsView: JobsViewStore;
  checksView: ChecksViewStore;
  api: ApiStore;
}
