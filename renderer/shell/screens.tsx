import {
  IconBraces,
  IconHistory,
  IconPackageExport,
  IconPlugConnected,
  IconSettings,
  IconShieldCheck,
  IconTable,
  IconTableShare,
  IconTelescope,
} from '@tabler/icons-react';
import { type ComponentType, lazy } from 'react';
import type { ScreenId } from '../stores/window-store.ts';

export interface Place {
  id: ScreenId;
  label: string;
  icon: typeof IconTable;
  /** Can be looked at without a project. */
  always?: boolean;
}

/** The rail, group by group. */
export const RAIL: readonly (readonly Place[])[] = [
  [
    { id: 'jobs', label: 'Jobs', icon: IconTable },
    { id: 'connections', label: 'Connections', icon: IconPlugConnected },
    { id: 'discover', label: 'Discover', icon: IconTelescope },
    { id: 'api', label: 'API preview', icon: IconBraces },
  ],
  [
    { id: 'runs', label: 'Runs', icon: IconHistory },
    { id: 'results', label: 'Results', icon: IconTableShare },
    { id: 'quality', label: 'Quality', icon: IconShieldCheck },
  ],
  [{ id: 'export', label: 'Export', icon: IconPackageExport }],
];

export const SETTINGS_PLACE: Place = { id: 'settings', label: 'Settings', icon: IconSettings, always: true };

/**
 * A screen is the file `screens/ID/ID-screen.tsx`, which exports one component whose name ends in `Screen`; it may take the `subject` of
 * `window.go(screen, subject)`. Screens are loaded when they are first shown.
 */
const files = import.meta.glob<Record<string, ComponentType>>('../screens/*/*-screen.tsx');

const components = new Map<ScreenId, ComponentType>();

/** Null where the screen is not there yet. */
export function screenComponent(id: ScreenId): ComponentType | null {
  const known = components.get(id);
  if (known !== undefined) return known;
  const load = files[`../screens/${id}/${id}-screen.tsx`];
  if (load === undefined) return null;
  const component = lazy(async () => {
    const file = await load();
    const name = Object.keys(file).find((key) => key.endsWith('Screen'));
    if (name === undefined) throw new Error(`screens/${id}/${id}-screen.tsx exports no component.`);
    return { default: file[name] as ComponentType };
  });
  components.set(id, component);
  return component;
}

/** What will be in a place whose screen is not there yet. */
export const ARRIVES: Partial<Record<ScreenId, string>> = {
  connections: 'Databases, APIs and folders with their tests. Until then: .dlt/config.toml in the project’s folder.',
  discover: 'Tables and files of a connection, to be added as jobs. Until then: ingest discover in a terminal.',
  api: 'Pages of an API as they come in, and how the next one is asked for. Until then: ingest preview in a terminal.',
  runs: 'Runs with their jobs, rows and logs. Until then: metadata in the project’s folder.',
  results: 'Tables that a run has loaded.',
  quality: 'Checks of the loaded data. Until then: the sheet DataQuality of the workbook.',
  export: 'The folder that runs headless. Until then: the project’s own folder runs as it is.',
};
