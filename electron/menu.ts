import type { MenuItemConstructorOptions } from 'electron';
import type { MenuAction } from '../engine/contract.ts';

/** The native menu. Its commands are the window's actions: the accelerators are shown here and heard in the window, which knows what has the focus. */
export function menuTemplate(
  platform: NodeJS.Platform,
  isPackaged: boolean,
  run: (action: MenuAction) => void,
): MenuItemConstructorOptions[] {
  const item = (label: string, action: MenuAction, accelerator?: string): MenuItemConstructorOptions => ({
    id: action,
    label,
    ...(accelerator === undefined ? {} : { accelerator, registerAccelerator: false }),
    click: () => run(action),
  });
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const mac = platform === 'darwin';
  const settings = item('Settings…', 'app.settings', 'CmdOrCtrl+,');
  return [
    ...(mac
      ? [
          {
            role: 'appMenu' as const,
            submenu: [
              { role: 'about' as const },
              separator,
              settings,
              separator,
              { role: 'hide' as const },
              { role: 'hideOthers' as const },
              { role: 'unhide' as const },
              separator,
              { role: 'quit' as const },
            ],
          },
        ]
      : []),
    {
      label: '&File',
      submenu: [
        item('New project…', 'project.new', 'CmdOrCtrl+N'),
        item('Open project…', 'project.open', 'CmdOrCtrl+O'),
        item('Open sample', 'project.open_sample'),
        separator,
        item('Save', 'project.save', 'CmdOrCtrl+S'),
        ...(mac ? [] : [separator, settings, separator, { role: 'quit' as const }]),
      ],
    },
    {
      label: '&Edit',
      submenu: [
        item('Undo', 'edit.undo', 'CmdOrCtrl+Z'),
        item('Redo', 'edit.redo', mac ? 'Shift+Cmd+Z' : 'Ctrl+Y'),
        separator,
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
        separator,
        item('Find and replace', 'edit.find', 'CmdOrCtrl+F'),
      ],
    },
    {
      label: '&View',
      submenu: [
        item('Command palette', 'app.palette', 'CmdOrCtrl+K'),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        ...(isPackaged ? [] : [separator, { role: 'reload' as const }, { role: 'toggleDevTools' as const }]),
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [item('Keyboard shortcuts', 'app.shortcuts')] },
  ];
}
