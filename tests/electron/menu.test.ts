import type { MenuItemConstructorOptions } from 'electron';
import { beforeAll, expect, test } from 'vitest';
import { menuTemplate } from '../../electron/menu.ts';
import type { Action } from '../../renderer/actions/action.ts';

let actions: readonly Action[];
beforeAll(async () => {
  // The window's own list, without a window.
  const nothing = () => () => undefined;
  const bridge = { on: nothing, onMenu: nothing, onOpen: nothing, setUnsaved: nothing };
  Object.assign(globalThis, { window: { ingestStudio: bridge }, ingestStudio: bridge });
  actions = (await import('../../renderer/app.ts')).createApp().actions;
});

function itemsOf(platform: NodeJS.Platform, run: (action: string) => void = () => undefined) {
  const all = (list: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] =>
    list.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? all(item.submenu) : [])]);
  return all(menuTemplate(platform, true, run)).filter(({ id }) => id !== undefined);
}

test.each(['win32', 'darwin', 'linux'] as const)(
  'each item on %s is a command of the window, under its name and key',
  (platform) => {
    const items = itemsOf(platform);
    expect(items.length).toBeGreaterThan(20);
    const said = items.map(({ id, accelerator, registerAccelerator }) => ({ id, accelerator, registerAccelerator }));
    expect(said).toEqual(
      items.map(({ id }) => {
        const [shortcut] = actions.find((action) => action.id === id)?.shortcuts ?? ['no such action'];
        return shortcut === undefined
          ? { id, accelerator: undefined, registerAccelerator: undefined }
          : { id, accelerator: shortcut.replace('Mod', 'CmdOrCtrl'), registerAccelerator: false };
      }),
    );
    const words = (text = '') => text.replaceAll(/[ …]/g, '');
    for (const { id, label } of items) {
      expect(words(actions.find((action) => action.id === id)?.label)).toContain(
        words(label).replace('Opensample', ''),
      );
    }
  },
);

test('an item says which command it is', () => {
  const heard: string[] = [];
  for (const item of itemsOf('linux', (action) => heard.push(action))) {
    (item.click as unknown as () => void)();
    expect(heard.at(-1)).toBe(item.id);
  }
});
