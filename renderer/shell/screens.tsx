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
import { WelcomeScreen } from '../screens/welcome/welcome-screen.tsx';
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
 * `window.go(screen, subject)`. The first one comes with the page, the others when they are first shown, or in a quiet moment before.
 */
const files = import.meta.glob<Record<string, ComponentType>>([
  '../screens/*/*-screen.tsx',
  '!../screens/welcome/welcome-screen.tsx',
]);

const components = new Map<ScreenId, ComponentType>([['welcome', WelcomeScreen]]);

/** Null where the screen is not there yet. */
export function screenComponent(id: ScreenId): ComponentType | null {
  const known = components.get(id);
  if (known !== undefined) return known;
  const load = files[screenFile(id)];
  if (load === undefined) return null;
  const component = lazy(async () => ({ default: await readScreen(id, load) }));
  components.set(id, component);
  return component;
}

/**
 * Loads the screens that were not shown yet, one a quiet moment. A screen that is there is drawn at once: React holds back for 0.3 s what comes
 * after a placeholder, however soon it is there.
 */
export async function preloadScreens(): Promise<void> {
  for (const id of [...RAIL.flat(), SETTINGS_PLACE].map((place) => place.id)) {
    await quietMoment();
    const load = files[screenFile(id)];
    if (load === undefined || components.has(id)) continue;
    // What cannot be loaded says so where it is shown.
    const component = await readScreen(id, load).catch(() => null);
    // One that was shown meanwhile keeps its component, and so its state.
    if (component !== null && !components.has(id)) components.set(id, component);
  }
}

const screenFile = (id: ScreenId) => `../screens/${id}/${id}-screen.tsx`;

async function readScreen(id: ScreenId, load: () => Promise<Record<string, ComponentType>>): Promise<ComponentType> {
  const file = await load();
  const name = Object.keys(file).find((key) => key.endsWith('Screen'));
  if (name === undefined) throw new Error(`screens/${id}/${id}-screen.tsx exports no component.`);
  return file[name] as ComponentType;
}

function quietMoment(): Promise<void> {
  return new Promise((resolve) => void requestIdleCallback(() => resolve()));
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
