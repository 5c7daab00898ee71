import type { AppStores } from '../stores/app-stores.ts';
import { type Action, action } from './action.ts';
import type { AtHand } from './at-hand.ts';
import { applyFix, findingsText, nextFinding, showFinding } from './issues.ts';
import type { RunCommands } from './run-commands.ts';

/** Menu Run: runs, preflight, issues. */
export function runActions(stores: AppStores, atHand: AtHand, running: RunCommands): Action[] {
  const { project, runs, window, jobsView } = stores;
  const { hasProject, selectedRows, hasRows, onChecks, gridAtHand, onGrid } = atHand;

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

  return [
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
  ];
}
