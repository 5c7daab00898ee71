import { call, on } from '../client.ts';
import type { AppStores } from '../stores/app-stores.ts';
import { destinationsOf } from '../stores/destinations.ts';
import type { ProjectCommands } from './project-commands.ts';

export interface RunRequest {
  /** Row ids of the grid; null runs all enabled jobs. */
  rowIds: readonly string[] | null;
  /** Rows at most a job, for a trial; null reads all. */
  sampleRows?: number | null;
  fullRefresh?: boolean;
}

export type RunCommands = ReturnType<typeof createRunCommands>;

/** Starts and stops runs, and listens to what the engine tells of them. */
export function createRunCommands(stores: AppStores, commands: ProjectCommands) {
  const { project, runs, window, jobsView } = stores;

  /** What keeps a run from starting, in words; null where nothing does. */
  function obstacle(rowIds: readonly string[]): string | null {
    const wrong = rowIds.filter((id) => project.job(id) === null);
    if (wrong.length === 0) return null;
    const numbers = wrong.slice(0, 5).map((id) => project.rowNumber('SourceConfig', id) ?? 'new');
    const rows = `${wrong.length === 1 ? 'Row' : 'Rows'} ${numbers.join(', ')}${wrong.length > 5 ? ', …' : ''}`;
    return `${rows} ${wrong.length === 1 ? 'has' : 'have'} an error`;
  }

  /** The destination that was chosen for runs, while the project has it; null: the project says which. */
  function chosenTarget(): string | null {
    const { document } = project.getState();
    const { target } = jobsView.getState();
    if (target === null || document === null) return null;
    return destinationsOf(document).destinations.some(({ name }) => name === target) ? target : null;
  }

  async function start({ rowIds, sampleRows = null, fullRefresh = false }: RunRequest): Promise<string | null> {
    jobsView.grid()?.commit();
    project.validate();
    const ids = rowIds ?? project.rowIds('SourceConfig').filter((id) => project.job(id)?.enabled !== false);
    const chosen = ids.filter((id) => project.rowNumber('SourceConfig', id) !== null);
    if (chosen.length === 0) {
      window.toast({ tone: 'warn', title: 'There is nothing to run', text: 'Select a row with a job.' });
      return null;
    }
    const problem = obstacle(chosen);
    if (problem !== null) {
      window.setState({ issuesOpen: true });
      window.toast({ tone: 'err', title: 'The run was not started', text: `${problem}. Fix it, or run other rows.` });
      return null;
    }
    // The engine runs what is in the files.
    if (project.getState().unsaved > 0 && !(await commands.save())) return null;
    const { document } = project.getState();
    if (document === null) return null;
    const rows = chosen.flatMap((id) => project.savedRow('SourceConfig', id) ?? []);
    try {
      const { run_id } = await call('run.start', {
        directory: document.directory,
        env: document.env,
        rows: rowIds === null ? null : rows,
        destination: chosenTarget(),
        sample_rows: sampleRows,
        full_refresh: fullRefresh,
      });
      runs.begin(document.directory, run_id);
      window.announce(`Run started: ${rows.length} ${rows.length === 1 ? 'job' : 'jobs'}.`);
      return run_id;
    } catch (error) {
      commands.fail('The run could not be started', error);
      return null;
    }
  }

  async function catchUp(directory: string, runId: string): Promise<void> {
    try {
      runs.catchUp(directory, await call('run.get', { directory, run_id: runId }));
    } catch {
      // The next event asks again.
    }
  }

  return {
    start,
    chosenTarget,

    async cancel(): Promise<void> {
      const { live } = runs.getState();
      if (live?.status !== 'RUNNING') return;
      try {
        await call('run.cancel', { directory: live.directory, run_id: live.runId });
      } catch (error) {
        commands.fail('The run could not be cancelled', error);
      }
    },

    /** Follows what the engine tells; gives back the function that ends it. */
    listen(): () => void {
      const stops = [
        on('run.event', (data) => {
          if (data.directory !== project.getState().document?.directory) return;
          if (!runs.receive(data)) void catchUp(data.directory, data.run_id);
          if (data.event.type === 'run_finished') {
            sayEnd(data.event.status);
            void commands.readHistory(data.directory);
          }
        }),
        on('engine.restarted', ({ reason }) => {
          runs.lost();
          window.setState({ restarted: reason });
          window.announce('The engine was restarted.');
          void commands.introduce();
        }),
        on('project.changed_on_disk', ({ directory, file, fingerprint, configFingerprint }) => {
          const { document } = project.getState();
          if (document === null || document.directory !== directory) return;
          if (fingerprint === document.fingerprint && configFingerprint === document.configFingerprint) return;
          if (commands.isSaving()) return;
          if (fingerprint === document.fingerprint) void commands.readConfigurationAgain(file);
          else window.setState({ changedOnDisk: { file, gone: fingerprint === null } });
        }),
        on('project.opened_elsewhere', ({ directory, by }) => {
          if (project.getState().document?.directory === directory) project.patchDocument({ openElsewhere: by });
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };

  function sayEnd(status: string): void {
    const { live } = runs.getState();
    const failed = [...(live?.jobs.values() ?? [])].filter((job) => job.status === 'failed').length;
    const show = { label: 'Show run', run: () => window.go('runs', live?.runId ?? null) };
    if (status === 'SUCCESS') window.toast({ tone: 'ok', title: 'Run succeeded', action: show });
    else if (status === 'CANCELLED') window.toast({ tone: 'info', title: 'Run cancelled', action: show });
    else {
      const text = `${failed} ${failed === 1 ? 'job' : 'jobs'} failed.`;
      window.toast({ tone: 'err', title: 'Run failed', text, action: show });
    }
  }
}
