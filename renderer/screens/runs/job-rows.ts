import type { App } from '../../app.ts';

/** Rows of the grid that hold these jobs now, wherever they stood when the run read them. */
export function rowIdsOf({ project }: Pick<App, 'project'>, names: ReadonlySet<string>): string[] {
  const cell = (rowId: string, column: string) => project.cell('SourceConfig', rowId, column).trim();
  return project
    .rowIds('SourceConfig')
    .filter((rowId) => names.has(`${cell(rowId, 'source_name')}.${cell(rowId, 'table_name')}`));
}

/** Goes to a job in the grid; to the grid alone where the job is gone. */
export function showJob(app: App, name: string): void {
  const [rowId] = rowIdsOf(app, new Set([name]));
  app.window.go('jobs');
  // The grid is there after the screen was drawn.
  if (rowId !== undefined) setTimeout(() => app.jobsView.grid()?.select(rowId), 100);
}
