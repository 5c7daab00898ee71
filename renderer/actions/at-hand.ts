import type { AppStores } from '../stores/app-stores.ts';

/** What the window shows at the moment, as commands ask for it. */
export type AtHand = ReturnType<typeof createAtHand>;

export function createAtHand({ project, settings, window, jobsView, checksView }: AppStores) {
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

  return { hasProject, onJobs, selectedRows, hasRows, onChecks, gridAtHand, onGrid, hasGridRows, mac };
}
