import { call } from '../client.ts';
import type { AppStores } from '../stores/app-stores.ts';
import type { ScreenId } from '../stores/window-store.ts';
import { type Action, action } from './action.ts';
import type { AtHand } from './at-hand.ts';
import type { ProjectCommands } from './project-commands.ts';

const THEMES = [
  ['system', 'as the system'],
  ['light', 'light'],
  ['dark', 'dark'],
] as const;

/** Menu View: screens, panels, colours. */
export function viewActions(stores: AppStores, atHand: AtHand, commands: ProjectCommands): Action[] {
  const { settings, window } = stores;
  const { hasProject } = atHand;

  async function setTheme(theme: (typeof THEMES)[number][0]): Promise<void> {
    try {
      settings.setState({ settings: await call('settings.set', { theme }) });
    } catch (error) {
      commands.fail('The theme could not be kept', error);
    }
  }

  const goTo = (screen: ScreenId, label: string, digit: string | null, keywords = ''): Action =>
    action({
      id: `go.${screen}`,
      label: `Go to ${label}`,
      menu: 'View',
      section: 1,
      shortcuts: digit === null ? [] : [`Mod+${digit}`],
      everywhere: true,
      keywords,
      enabled: () => screen === 'settings' || hasProject(),
      run: () => window.go(screen),
    });

  return [
    action({
      id: 'app.palette',
      label: 'All commands …',
      menu: 'View',
      shortcuts: ['Mod+K', 'Mod+Shift+P'],
      everywhere: true,
      run: () => window.setState({ paletteOpen: true }),
    }),
    action({
      id: 'view.issues',
      label: 'Issues panel',
      menu: 'View',
      shortcuts: ['Mod+Shift+M'],
      everywhere: true,
      keywords: 'errors warnings problems',
      enabled: hasProject,
      checked: () => window.getState().issuesOpen,
      run: () => window.setState(({ issuesOpen }) => ({ issuesOpen: !issuesOpen })),
    }),
    action({
      id: 'connection.new',
      label: 'New connection …',
      keywords: 'add source destination database api paste url',
      enabled: hasProject,
      run: () => window.go('connections', 'choose'),
    }),
    goTo('jobs', 'Jobs', '1', 'grid rows'),
    goTo('connections', 'Connections', '2', 'sources destinations'),
    goTo('discover', 'Discover', '3', 'tables schema browse'),
    goTo('api', 'API preview', '4', 'rest pages'),
    goTo('runs', 'Runs', '5', 'history log'),
    goTo('results', 'Results', '6', 'tables data sql'),
    goTo('quality', 'Quality', '7', 'checks'),
    goTo('export', 'Export', '8', 'bundle'),
    goTo('settings', 'Settings', null, 'preferences options'),
    ...THEMES.map(([theme, label]) =>
      action({
        id: `theme.${theme}`,
        label: `Theme: ${label}`,
        menu: 'View',
        section: 2,
        keywords: 'colour color appearance',
        checked: () => (settings.getState().settings?.theme ?? 'system') === theme,
        run: () => setTheme(theme),
      }),
    ),
  ];
}
