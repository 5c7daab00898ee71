import type { AppStores } from '../stores/app-stores.ts';
import { type Action, action } from './action.ts';

/** Menu Help, and the settings. */
export function appActions(stores: AppStores): Action[] {
  const { window } = stores;

  return [
    action({
      id: 'app.shortcuts',
      label: 'Keyboard shortcuts',
      menu: 'Help',
      shortcuts: ['F1'],
      everywhere: true,
      keywords: 'keys help',
      run: () => window.show({ kind: 'shortcuts' }),
    }),
    action({
      id: 'app.settings',
      label: 'Settings …',
      menu: 'File',
      section: 3,
      keywords: 'preferences options proxy workers theme',
      shortcuts: ['Mod+,'],
      everywhere: true,
      run: () => window.go('settings'),
    }),
    action({
      id: 'app.about',
      label: 'About Ingest Studio',
      menu: 'Help',
      section: 1,
      keywords: 'version',
      run: () => window.show({ kind: 'about' }),
    }),
  ];
}
