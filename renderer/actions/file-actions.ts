import { bridge } from '../bridge.ts';
import type { AppStores } from '../stores/app-stores.ts';
import { type Action, action } from './action.ts';
import type { AtHand } from './at-hand.ts';
import type { ProjectCommands } from './project-commands.ts';

/** Menu File: projects and their files. */
export function fileActions(stores: AppStores, atHand: AtHand, commands: ProjectCommands): Action[] {
  const { project, settings, window, jobsView } = stores;
  const { hasProject } = atHand;

  return [
    action({
      id: 'project.new',
      label: 'New project …',
      menu: 'File',
      shortcuts: ['Mod+Alt+N'],
      keywords: 'create workbook',
      run: () => window.show({ kind: 'new_project' }),
    }),
    action({
      id: 'project.open',
      label: 'Open folder or workbook …',
      menu: 'File',
      shortcuts: ['Mod+O'],
      everywhere: true,
      run: () => commands.pickAndOpen(),
    }),
    action({
      id: 'project.open_workbook',
      label: 'Open workbook …',
      menu: 'File',
      keywords: 'xlsx excel file',
      enabled: () => settings.getState().about?.host === 'desktop',
      run: () => commands.pickWorkbook(),
    }),
    action({
      id: 'project.open_sample',
      label: 'Open the sample project',
      menu: 'File',
      keywords: 'example demo try',
      run: () => commands.openSample(),
    }),
    action({
      id: 'project.save',
      label: 'Save',
      menu: 'File',
      section: 1,
      shortcuts: ['Mod+S'],
      everywhere: true,
      enabled: hasProject,
      run: () => commands.saveAtHand(),
    }),
    action({
      id: 'project.review',
      label: 'Review unsaved changes …',
      menu: 'File',
      section: 1,
      keywords: 'difference diff compare',
      enabled: () => project.getState().unsaved > 0,
      run: () => {
        jobsView.setState({ reviewSaves: true });
        return commands.save();
      },
    }),
    action({
      id: 'project.save_copy',
      label: 'Save a copy …',
      menu: 'File',
      section: 1,
      enabled: hasProject,
      run: () => commands.saveCopy(),
    }),
    action({
      id: 'project.reload',
      label: 'Read the files again',
      menu: 'File',
      section: 1,
      keywords: 'reload revert refresh',
      enabled: hasProject,
      run: async () => {
        if (await commands.settleUnsaved('reading the files again')) await commands.reload();
      },
    }),
    action({
      id: 'project.show_folder',
      label: 'Show the folder',
      menu: 'File',
      section: 2,
      keywords: 'explorer finder files',
      enabled: () => hasProject() && settings.getState().about?.host === 'desktop',
      run: () => bridge.showFolder(project.getState().document?.directory ?? ''),
    }),
    action({
      id: 'project.close',
      label: 'Close project',
      menu: 'File',
      section: 2,
      enabled: hasProject,
      run: () => commands.closeProject(),
    }),
    action({
      id: 'project.save_and_close',
      label: 'Save and close the window',
      enabled: hasProject,
      run: () => commands.saveAndClose(),
    }),
  ];
}
