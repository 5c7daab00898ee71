import { parseFlag } from '../../engine/spec/cells.ts';
import { bridge } from '../bridge.ts';
import { call } from '../client.ts';
import type { AppStores } from '../stores/app-stores.ts';
import type { ScreenId } from '../stores/window-store.ts';
import { type Action, action } from './action.ts';
import { applyFix, findingsText, nextFinding, showFinding } from './issues.ts';
import type { ProjectCommands } from './project-commands.ts';
import type { RunCommands } from './run-commands.ts';

const THEMES = [
  ['system', 'as the system'],
  ['light', 'light'],
  ['dark', 'dark'],
] as const;

/** Every command of the window. */
export function createActions(stores: AppStores, commands: ProjectCommands, running: RunCommands): readonly Action[] {
  const { project, runs, settings, window, jobsView, checksView } = stores;
  const hasProject = () => project.getState().document !== null;
  const onJobs = () => hasProject() && window.getState().screen === 'jobs' && jobsView.grid() !== null;
  const selectedRows = () => (onJobs() ? (jobsView.grid()?.selection().rowIds ?? []) : []);
  const hasRows = () => selectedRows().length > 0;
  const onChecks = () => hasProject() && window.getState().screen === 'quality' && checksView.grid() !== null;
  /** The grid that is on the page, of jobs or of checks. */
  const gridAtHand = () => (onChecks() ? checksView.grid() : onJobs() ? jobsView.grid() : null);
  const onGrid = () => gridAtHand() !== null;
  const hasGridRows = () => (gridAtHand()?.selection().rowIds.length ?? 0) > 0;
  const mac = () => settings.getState().about?.platform === 'darwin';

  /** Cut and copy go through the page's own commands, so that the grid answers them as it answers the keys. */
  function clipboard(what: 'cut' | 'copy' | 'paste'): void {
    gridAtHand()?.focus();
    if (document.execCommand(what)) return;
    const key = mac() ? '⌘' : 'Ctrl+';
    const letter = { cut: 'X', copy: 'C', paste: 'V' }[what];
    window.toast({
      tone: 'info',
      title: `Press ${key}${letter}`,
      text: 'The window may not use the clipboard by itself.',
    });
  }

  function setEnabled(on: boolean): void {
    const rowIds = selectedRows().filter((rowId) => {
      const now = parseFlag(project.cell('SourceConfig', rowId, 'enabled'));
      return (now.ok ? now.value : null) !== on;
    });
    const cells = rowIds.map((rowId) => ({ rowId, columnId: 'enabled', value: on ? 'Y' : 'N' }));
    const what = on ? 'Enable' : 'Disable';
    if (cells.length > 0) {
      project.edit('SourceConfig', { label: `${what} ${cells.length} jobs`, operations: [{ type: 'set', cells }] });
    }
  }

  /** Rows with a job; asked of the sources as the window has them, saved or not. */
  function preflight(rowIds: readonly string[]): void {
    jobsView.grid()?.commit();
    project.validate();
    const chosen = rowIds.filter((rowId) => project.cell('SourceConfig', rowId, 'table_name').trim() !== '');
    if (chosen.length > 0) window.show({ kind: 'preflight', rowIds: chosen });
    else window.toast({ tone: 'warn', title: 'There is nothing to look at', text: 'Select a row with a job.' });
  }

  function goToIssue(backwards: boolean): void {
    project.validate();
    const finding = nextFinding(stores, backwards);
    if (finding === null) window.toast({ tone: 'ok', title: `No issues in the ${onChecks() ? 'checks' : 'jobs'}` });
    else showFinding(stores, finding);
  }

  function fixHere(): void {
    const active = gridAtHand()?.selection().active ?? null;
    if (active === null) return;
    project.validate();
    const here = project
      .rowFindings(onChecks() ? 'DataQuality' : 'SourceConfig', active.rowId)
      .find(({ column, fix }) => fix !== null && column?.toLowerCase() === active.columnId);
    if (here === undefined || !applyFix(stores, here)) {
      window.toast({ tone: 'info', title: 'There is no ready fix for this cell', text: 'F8 goes to the next issue.' });
    }
  }

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
    // File
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

    // Edit
    action({
      id: 'edit.undo',
      label: 'Undo',
      menu: 'Edit',
      shortcuts: ['Mod+Z'],
      enabled: () => project.getState().undo.length > 0,
      run: () => commands.history.undo(),
    }),
    action({
      id: 'edit.redo',
      label: 'Redo',
      menu: 'Edit',
      shortcuts: ['Mod+Shift+Z', 'Mod+Y'],
      enabled: () => project.getState().redo.length > 0,
      run: () => commands.history.redo(),
    }),
    ...(['cut', 'copy', 'paste'] as const).map((what) =>
      action({
        id: `edit.${what}`,
        label: `${what[0]?.toUpperCase()}${what.slice(1)}`,
        menu: 'Edit',
        section: 1,
        shortcuts: [`Mod+${{ cut: 'X', copy: 'C', paste: 'V' }[what]}`],
        ofGrid: true,
        enabled: onGrid,
        run: () => clipboard(what),
      }),
    ),
    action({
      id: 'edit.clear',
      label: 'Clear cells',
      menu: 'Edit',
      section: 1,
      shortcuts: ['Delete'],
      ofGrid: true,
      enabled: hasGridRows,
      run: () => gridAtHand()?.clear(),
    }),
    action({
      id: 'edit.fill_down',
      label: 'Fill down',
      menu: 'Edit',
      section: 1,
      shortcuts: ['Mod+D'],
      ofGrid: true,
      enabled: hasGridRows,
      run: () => gridAtHand()?.fill('down'),
    }),
    action({
      id: 'row.add',
      label: 'Add job',
      menu: 'Edit',
      section: 2,
      keywords: 'new row append',
      enabled: onJobs,
      run: () => {
        jobsView.grid()?.insertRows('end', 1);
        jobsView.grid()?.focus();
      },
    }),
    action({
      id: 'check.add',
      label: 'Add check',
      menu: 'Edit',
      section: 2,
      keywords: 'new row data quality',
      enabled: onChecks,
      run: () => {
        checksView.grid()?.insertRows('end', 1);
        checksView.grid()?.focus();
      },
    }),
    action({
      id: 'row.insert',
      label: 'Insert rows above',
      menu: 'Edit',
      section: 2,
      enabled: hasGridRows,
      run: () => gridAtHand()?.insertRows('above'),
    }),
    action({
      id: 'row.duplicate',
      label: 'Duplicate rows',
      menu: 'Edit',
      section: 2,
      shortcuts: ['Mod+Shift+D'],
      ofGrid: true,
      keywords: 'copy',
      enabled: hasGridRows,
      run: () => gridAtHand()?.duplicateRows(),
    }),
    action({
      id: 'row.delete',
      label: 'Delete rows',
      menu: 'Edit',
      section: 2,
      keywords: 'remove',
      enabled: hasGridRows,
      run: () => gridAtHand()?.deleteRows(),
    }),
    action({
      id: 'row.enable',
      label: 'Enable selected jobs',
      menu: 'Edit',
      section: 3,
      keywords: 'on',
      enabled: hasRows,
      run: () => setEnabled(true),
    }),
    action({
      id: 'row.disable',
      label: 'Disable selected jobs',
      menu: 'Edit',
      section: 3,
      keywords: 'off',
      enabled: hasRows,
      run: () => setEnabled(false),
    }),
    action({
      id: 'row.open',
      label: 'Edit job as a form',
      menu: 'Edit',
      section: 3,
      shortcuts: ['Mod+E'],
      keywords: 'drawer details',
      enabled: hasRows,
      run: () => jobsView.setState({ openRow: selectedRows()[0] ?? null }),
    }),
    action({
      id: 'edit.find',
      label: 'Find …',
      menu: 'Edit',
      section: 4,
      shortcuts: ['Mod+F'],
      enabled: onGrid,
      run: () => gridAtHand()?.openFind('find'),
    }),
    action({
      id: 'edit.replace',
      label: 'Replace …',
      menu: 'Edit',
      section: 4,
      shortcuts: ['Mod+H'],
      enabled: onGrid,
      run: () => gridAtHand()?.openFind('replace'),
    }),

    // View
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

    // Run
    action({
      id: 'run.selected',
      label: 'Run selected jobs',
      menu: 'Run',
      shortcuts: ['Mod+Enter'],
      everywhere: true,
      keywords: 'start load dry run',
      enabled: () => hasRows() && runs.getState().live?.status !== 'RUNNING',
      run: () => running.start({ rowIds: selectedRows() }),
    }),
    action({
      id: 'run.all',
      label: 'Run all enabled jobs',
      menu: 'Run',
      shortcuts: ['Mod+Shift+Enter'],
      everywhere: true,
      keywords: 'start load dry run',
      enabled: () => hasProject() && runs.getState().live?.status !== 'RUNNING',
      run: () => running.start({ rowIds: null }),
    }),
    action({
      id: 'preflight.selected',
      label: 'Preflight selected jobs',
      menu: 'Run',
      keywords: 'next run will read types live target late rows check before',
      enabled: hasRows,
      run: () => preflight(selectedRows()),
    }),
    action({
      id: 'preflight.all',
      label: 'Preflight all enabled jobs',
      menu: 'Run',
      keywords: 'next run will read types live target late rows check before',
      enabled: hasProject,
      run: () => preflight(project.rowIds('SourceConfig').filter((rowId) => project.job(rowId)?.enabled === true)),
    }),
    action({
      id: 'run.sample',
      label: 'Run selected jobs with 100 rows each',
      menu: 'Run',
      keywords: 'sample trial dry run',
      enabled: () => hasRows() && runs.getState().live?.status !== 'RUNNING',
      run: () => running.start({ rowIds: selectedRows(), sampleRows: 100 }),
    }),
    action({
      id: 'run.cancel',
      label: 'Cancel the run',
      menu: 'Run',
      keywords: 'stop abort',
      enabled: () => runs.getState().live?.status === 'RUNNING',
      run: () => running.cancel(),
    }),
    action({
      id: 'issue.validate',
      label: 'Validate',
      menu: 'Run',
      section: 1,
      shortcuts: ['F7'],
      everywhere: true,
      keywords: 'check errors',
      enabled: hasProject,
      run: () => {
        project.validate();
        const { errors, warnings } = project.getState();
        window.setState({ issuesOpen: true });
        window.announce(`${errors} errors, ${warnings} warnings.`);
      },
    }),
    action({
      id: 'issue.next',
      label: 'Next issue',
      menu: 'Run',
      section: 1,
      shortcuts: ['F8'],
      everywhere: true,
      keywords: 'error warning',
      enabled: hasProject,
      run: () => goToIssue(false),
    }),
    action({
      id: 'issue.previous',
      label: 'Previous issue',
      menu: 'Run',
      section: 1,
      shortcuts: ['Shift+F8'],
      everywhere: true,
      enabled: hasProject,
      run: () => goToIssue(true),
    }),
    action({
      id: 'issue.fix',
      label: 'Apply the fix',
      menu: 'Run',
      section: 1,
      shortcuts: ['Mod+.'],
      keywords: 'quick fix repair',
      enabled: onGrid,
      run: fixHere,
    }),
    action({
      id: 'issue.copy',
      label: 'Copy all issues',
      menu: 'Run',
      section: 1,
      enabled: () => project.getState().findings.length > 0,
      run: async () => {
        const { findings } = project.getState();
        await navigator.clipboard.writeText(findingsText(findings));
        window.toast({ tone: 'ok', title: `Copied ${findings.length} issues` });
      },
    }),

    // Help
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

/** Runs an action where it may run; anything that goes wrong is told by the action itself. */
export function runAction(actions: readonly Action[], id: string): void {
  const found = actions.find((candidate) => candidate.id === id);
  if (found?.enabled() === true) void found.run();
}
