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
        item('New project…', 'project.new', 'CmdOrCtrl+Alt+N'),
        item('Open folder or workbook…', 'project.open', 'CmdOrCtrl+O'),
        item('Open sample', 'project.open_sample'),
        separator,
        item('Save', 'project.save', 'CmdOrCtrl+S'),
        item('Save a copy…', 'project.save_copy'),
        item('Read the files again', 'project.reload'),
        separator,
        item('Show the folder', 'project.show_folder'),
        item('Close project', 'project.close'),
        ...(mac ? [] : [separator, settings, separator, { role: 'quit' as const }]),
      ],
    },
    {
      label: '&Edit',
      submenu: [
        item('Undo', 'edit.undo', 'CmdOrCtrl+Z'),
        item('Redo', 'edit.redo', 'CmdOrCtrl+Shift+Z'),
        separator,
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
        separator,
        item('Find…', 'edit.find', 'CmdOrCtrl+F'),
        item('Replace…', 'edit.replace', 'CmdOrCtrl+H'),
      ],
    },
    {
      label: '&View',
      submenu: [
        item('All commands…', 'app.palette', 'CmdOrCtrl+K'),
        item('Issues panel', 'view.issues', 'CmdOrCtrl+Shift+M'),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        ...(isPackaged ? [] : [separator, { role: 'reload' as const }, { role: 'toggleDevTools' as const }]),
      ],
    },
    {
      label: '&Run',
      submenu: [
        item('Run selected jobs', 'run.selected', 'CmdOrCtrl+Enter'),
        item('Run all enabled jobs', 'run.all', 'CmdOrCtrl+Shift+Enter'),
        item('Run selected jobs with 100 rows each', 'run.sample'),
        item('Cancel the run', 'run.cancel'),
        separator,
        item('Validate', 'issue.validate', 'F7'),
        item('Next issue', 'issue.next', 'F8'),
        item('Previous issue', 'issue.previous', 'Shift+F8'),
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [item('Keyboard shortcuts', 'app.shortcuts', 'F1')] },
  ];
}
