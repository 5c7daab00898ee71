import type { Input, ProjectDocument } from '../../engine/contract.ts';
import { isTable } from '../../engine/spec/toml-table.ts';
import { bridge } from '../bridge.ts';
import { ContractError, call, isCancelled } from '../client.ts';
import type { AppStores } from '../stores/app-stores.ts';
import { withoutSecrets } from '../stores/config-step.ts';
import type { ShownError } from '../stores/window-store.ts';
import { createHistory } from './history.ts';
import { unsavedForms } from './unsaved-forms.ts';

/** After the last change; before that a lost window loses what was just typed. */
const RECOVERY_DELAY_MS = 700;

/** Codes of a save that found other files than those that were read. */
const CONFLICTS = new Set(['WORKBOOK_CHANGED', 'TOML_CHANGED']);

export type ProjectCommands = ReturnType<typeof createProjectCommands>;

/** Any failure in the words of a dialog. */
export function shownError(error: unknown): ShownError {
  if (error instanceof ContractError) {
    const { code, message, hint, detail } = error;
    return { code, message, hint, detail };
  }
  const message = error instanceof Error ? error.message : String(error);
  const detail = error instanceof Error ? (error.stack ?? null) : null;
  return { code: 'WINDOW_ERROR', message, hint: 'Try again; if it happens again, restart the application.', detail };
}

/** Opens, saves and closes projects; keeps a copy of what is not saved. */
export function createProjectCommands(stores: AppStores) {
  const { project, runs, connections, settings, window, jobsView, checksView, api } = stores;
  let saving = false;
  /** Counts what was asked to be opened; whether the last of it is on its way. */
  let asked = 0;
  let isOpening = false;

  function fail(title: string, error: unknown): void {
    if (!isCancelled(error)) window.show({ kind: 'error', title, error: shownError(error) });
  }

  async function busy<T>(what: string, work: () => Promise<T>): Promise<T> {
    window.setState({ busy: what });
    try {
      return await work();
    } finally {
      window.setState({ busy: null });
    }
  }

  const history = createHistory(stores, fail);

  /** True where nothing would be lost, or the person said so. `forms`: the workbook's edits stay anyway. */
  async function settleUnsaved(what: string, scope: 'all' | 'forms' = 'all'): Promise<boolean> {
    const forms = unsavedForms(stores);
    const changes = scope === 'all' ? project.getState().unsaved : 0;
    if (changes === 0 && forms.length === 0) return true;
    const choice = await new Promise<'save' | 'discard' | 'cancel'>((answer) => {
      window.show({ kind: 'unsaved', what, changes, forms: forms.map(({ words }) => words), answer });
    });
    window.show(null);
    if (choice === 'cancel') return false;
    if (choice === 'save') return (await saveForms()) && (scope === 'forms' || save({ review: false }));
    for (const form of forms) form.discard();
    if (scope === 'all') await dropRecovery();
    return true;
  }

  /** Saves forms of connections and requests of API previews, which are not in the files; false where one of them cannot be. */
  async function saveForms(): Promise<boolean> {
    for (const form of unsavedForms(stores)) {
      try {
        await busy('Saving …', () => form.save());
      } catch (error) {
        form.show();
        fail(`${form.words} could not be saved`, error);
        return false;
      }
    }
    return true;
  }

  async function dropRecovery(): Promise<void> {
    const { document } = project.getState();
    if (document !== null) {
      await call('project.drop_recovery', { directory: document.directory }).catch(() => undefined);
    }
  }

  /** The engine watches it no more, unless it is what is shown. */
  function leave(directory: string): void {
    if (project.getState().document?.directory === directory) return;
    void call('project.close', { directory }).catch(() => undefined);
  }

  function show(document: ProjectDocument): void {
    const { document: before } = project.getState();
    runs.clear();
    connections.clear();
    api.clear();
    jobsView.reset();
    checksView.reset();
    project.open(document);
    if (before !== null) leave(before.directory);
    window.setState({ changedOnDisk: null, issuesOpen: project.getState().errors > 0 });
    window.go('jobs');
    if (document.recovery !== null) window.show({ kind: 'recovery' });
    void readHistory(document.directory);
  }

  async function readHistory(directory: string): Promise<void> {
    try {
      const history = await call('run.list', { directory });
      if (project.getState().document?.directory !== directory) return;
      runs.setHistory(history);
      const [latest] = history;
      if (latest === undefined) return;
      const detail = await call('run.get', { directory, run_id: latest.run_id });
      if (project.getState().document?.directory === directory) runs.addResults(detail.results);
    } catch {
      // The Runs screen asks again and says why it cannot be read.
    }
  }

  /** The project that was asked for last is the one that opens, however long one before it takes. */
  async function openWith(what: string, read: () => Promise<ProjectDocument>): Promise<boolean> {
    if (!(await settleUnsaved(what))) return false;
    asked += 1;
    const mine = asked;
    isOpening = true;
    try {
      const document = await busy('Opening …', read);
      if (mine !== asked) {
        // While the later one is on its way it may be the same.
        if (!isOpening) leave(document.directory);
        return false;
      }
      isOpening = false;
      show(document);
      return true;
    } catch (error) {
      if (mine === asked) isOpening = false;
      fail('The project could not be opened', error);
      return false;
    }
  }

  const open = (directory: string, env: string | null = null): Promise<boolean> =>
    openWith('opening another project', () => call('project.open', { directory, env }));

  /** A folder from the host's dialog, or from our own where the host has none. */
  async function pickFolder(title: string, projectsOnly: boolean): Promise<string | null> {
    const picked = await bridge.pickFolder(title);
    if (picked !== undefined) return picked;
    const directory = await new Promise<string | null>((answer) => {
      window.show({ kind: 'folder', title, answer, projectsOnly });
    });
    window.show(null);
    return directory;
  }

  /**
   * Saves all edits. With `review` the person sees the differences first and may call it off.
   * True where everything is in the files.
   */
  async function save({ review = true }: { review?: boolean } = {}): Promise<boolean> {
    const { document } = project.getState();
    if (document === null || saving) return false;
    if (document.readOnly !== null) {
      fail(
        'This project cannot be saved',
        new ContractError({
          code: 'PROJECT_READ_ONLY',
          message: document.readOnly,
          hint: 'Save a copy in another folder (File › Save a copy).',
          detail: null,
          findings: [],
        }),
      );
      return false;
    }
    jobsView.grid()?.commit();
    checksView.grid()?.commit();
    if (project.getState().unsaved === 0) return true;
    if (window.getState().changedOnDisk !== null) {
      window.show({ kind: 'conflict' });
      return false;
    }
    if (review && jobsView.getState().reviewSaves) {
      const agreed = await new Promise<boolean>((answer) => window.show({ kind: 'review', answer }));
      window.show(null);
      if (!agreed) return false;
    }
    saving = true;
    const { edits, finish } = project.beginSave();
    try {
      const saved = await busy('Saving …', () =>
        call('project.save', {
          directory: document.directory,
          env: document.env,
          fingerprint: document.fingerprint,
          configFingerprint: project.getState().document?.configFingerprint ?? document.configFingerprint,
          edits,
          config: [],
        }),
      );
      finish(saved);
      window.setState({ changedOnDisk: null });
      window.announce('Saved.');
      return true;
    } catch (error) {
      if (error instanceof ContractError && CONFLICTS.has(error.code)) window.show({ kind: 'conflict' });
      else fail('The project could not be saved', error);
      return false;
    } finally {
      saving = false;
    }
  }

  /** Reads the files again; what is not saved is gone. */
  async function reload(): Promise<void> {
    const { document } = project.getState();
    if (document === null) return;
    try {
      await dropRecovery();
      const fresh = await busy('Reading …', () =>
        call('project.open', { directory: document.directory, env: document.env }),
      );
      const { screen, subject } = window.getState();
      show({ ...fresh, recovery: null });
      window.go(screen, subject);
    } catch (error) {
      fail('The project could not be read again', error);
    }
  }

  /** Writes what is open, edits included, as a project of its own into another folder, and opens that. */
  async function saveCopy(): Promise<boolean> {
    jobsView.grid()?.commit();
    checksView.grid()?.commit();
    const { document } = project.getState();
    if (document === null) return false;
    const target = await pickFolder('Save a copy into an empty folder', false);
    if (target === null) return false;
    try {
      const { directory, fingerprint, config, secretPaths } = document;
      const copy = await busy('Saving a copy …', () =>
        call('project.save_copy', {
          directory,
          fingerprint,
          target,
          edits: project.edits(),
          config: configEdits(config, secretPaths),
        }),
      );
      show(copy);
      window.toast({
        tone: 'ok',
        title: 'Saved as a copy',
        text: 'The workbook with all its sheets, and the connections. Data files of the folder stay where they are.',
      });
      return true;
    } catch (error) {
      fail('The copy could not be saved', error);
      return false;
    }
  }

  // What is not saved is kept beside, so that a window that is lost loses nothing.
  let timer: ReturnType<typeof setTimeout> | undefined;
  let kept = false;
  project.subscribe((state, before) => {
    if (state.unsaved !== before.unsaved) guard();
    if (state.revision === before.revision || state.document === null) return;
    if (state.document.directory !== before.document?.directory) {
      kept = false;
      clearTimeout(timer);
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void keepRecovery(), RECOVERY_DELAY_MS);
  });

  // Forms hold secrets, so that no copy of them is kept: all the more the host must ask before they are lost.
  let guarded = false;
  function guard(): void {
    const unsaved = project.getState().unsaved > 0 || unsavedForms(stores).length > 0;
    if (unsaved === guarded) return;
    guarded = unsaved;
    bridge.setUnsaved(unsaved);
  }
  connections.subscribe((state, before) => {
    if (state.drafts !== before.drafts) guard();
  });
  api.subscribe((state, before) => {
    if (state.drafts !== before.drafts) guard();
  });

  async function keepRecovery(): Promise<void> {
    const { document, unsaved } = project.getState();
    // The copy of a lost window is not overwritten before the person has looked at it.
    if (document === null || document.recovery !== null) return;
    const { directory, fingerprint } = document;
    try {
      if (unsaved > 0) {
        kept = true;
        await call('project.keep_recovery', { directory, fingerprint, edits: project.edits() });
      } else if (kept) {
        kept = false;
        await call('project.drop_recovery', { directory });
      }
    } catch {
      // A copy for the worst case: that it cannot be written stops nobody; saving will say why.
    }
  }

  return {
    /** News of the files are our own then. */
    isSaving: () => saving,
    history,
    fail,
    saveForms,
    open,
    save,
    saveCopy,
    reload,
    pickFolder,
    settleUnsaved,
    keepRecovery,
    readHistory,

    openSample: (): Promise<boolean> => openWith('opening the sample', () => call('project.open_sample')),

    /** A workbook by itself; only where the host has dialogs of its own. */
    async pickWorkbook(): Promise<boolean> {
      const file = await bridge.pickFile('Open a workbook', ['xlsx']);
      return file != null && open(file);
    },

    async pickAndOpen(): Promise<boolean> {
      const directory = await pickFolder('Open a project', true);
      return directory !== null && open(directory);
    },

    create: (directory: string, name: string): Promise<boolean> =>
      openWith('making another project', () => call('project.create', { directory, name })),

    /** True where the project is closed now. */
    async closeProject(): Promise<boolean> {
      const { document } = project.getState();
      if (document === null) return true;
      if (!(await settleUnsaved('closing the project'))) return false;
      void call('project.close', { directory: document.directory }).catch(() => undefined);
      runs.clear();
      connections.clear();
      api.clear();
      jobsView.reset();
      checksView.reset();
      project.close();
      window.setState({ changedOnDisk: null });
      window.go('welcome');
      return true;
    },

    /** Lays another `.dlt/config.NAME.toml` over the configuration; the workbook and its edits stay. */
    async switchEnvironment(env: string | null): Promise<void> {
      const { document } = project.getState();
      if (document === null || document.env === env) return;
      if (!(await settleUnsaved('switching the environment', 'forms'))) return;
      try {
        const fresh = await busy('Reading …', () => call('project.open', { directory: document.directory, env }));
        connections.clear();
        if (!project.adopt(fresh)) window.setState({ changedOnDisk: { file: 'the workbook', gone: false } });
      } catch (error) {
        fail('The environment could not be read', error);
      }
    },

    /** A call that answers with the project, such as `connection.save`. False where the workbook is another one by now. */
    adopt(document: ProjectDocument): boolean {
      if (project.adopt(document)) {
        // News of our own writing may have come before its answer.
        window.setState({ changedOnDisk: null });
        return true;
      }
      window.setState({ changedOnDisk: { file: 'the workbook', gone: false } });
      return false;
    },

    /** Only the configuration was written outside: it is read again under the edits of the workbook. */
    async readConfigurationAgain(file: string): Promise<void> {
      const { document } = project.getState();
      if (document === null) return;
      try {
        const fresh = await call('project.open', { directory: document.directory, env: document.env });
        if (!project.adopt(fresh)) window.setState({ changedOnDisk: { file, gone: false } });
        else if (fresh.configFingerprint !== document.configFingerprint) {
          window.toast({ tone: 'info', title: `${file} was changed outside`, text: 'It was read again.' });
        }
      } catch {
        window.setState({ changedOnDisk: { file, gone: false } });
      }
    },

    /** The engine was started again: it does not know yet what this window has open. */
    async introduce(): Promise<void> {
      const { document } = project.getState();
      if (document === null) return;
      try {
        const fresh = await call('project.open', { directory: document.directory, env: document.env });
        if (!project.adopt(fresh)) window.setState({ changedOnDisk: { file: 'the workbook', gone: false } });
      } catch {
        window.setState({ changedOnDisk: { file: 'the workbook', gone: true } });
      }
    },

    async restoreRecovery(): Promise<void> {
      const { document } = project.getState();
      if (document?.recovery == null) return;
      const { edits, fits } = document.recovery;
      project.patchDocument({ recovery: null });
      if (fits) project.restore(edits);
    },

    async discardRecovery(): Promise<void> {
      project.patchDocument({ recovery: null });
      await dropRecovery();
    },

    /** The workbook's edits; and forms where the person is at one, or where nothing else is to be saved. */
    async saveAtHand(): Promise<void> {
      const { screen } = window.getState();
      const withForms = screen === 'connections' || screen === 'api' || project.getState().unsaved === 0;
      if ((await save()) && withForms) await saveForms();
    },

    async saveAndClose(): Promise<void> {
      if ((await saveForms()) && (await save({ review: false }))) bridge.closeWindow();
    },

    /** What the host and the engine say of themselves, once at the start. */
    async readSettings(): Promise<void> {
      try {
        const [about, own] = await Promise.all([call('app.about'), call('settings.get')]);
        settings.setState({ about, settings: own });
        window.setState({ engine: 'ready' });
        // Whoever was quicker and opened one wants that one.
        if (about.openAtStart !== null && asked === 0) void open(about.openAtStart);
      } catch (error) {
        window.setState({ engine: 'lost' });
        fail('The engine does not answer', error);
      }
      await call('keychain.state').then(
        (keychain) => settings.setState({ keychain }),
        () => undefined,
      );
    },
  };
}

export function folderName(directory: string): string {
  return directory.split(/[\\/]/).findLast((part) => part !== '') ?? directory;
}

/** What to write into a new file so that it says what a configuration says; secrets are left out. */
function configEdits(
  config: Readonly<Record<string, unknown>>,
  secretPaths: readonly string[],
): Input<'project.save'>['config'] {
  const secret = new Set(secretPaths);
  const walk = (value: unknown, path: string[]): Input<'project.save'>['config'] => {
    if (isTable(value)) return Object.entries(value).flatMap(([key, inner]) => walk(inner, [...path, key]));
    const clean = secret.has(path.join('.')) ? undefined : withoutSecrets(value);
    return clean === undefined || clean === null || path.length > 10 ? [] : [{ path, value: clean as never }];
  };
  return walk(config, []);
}
