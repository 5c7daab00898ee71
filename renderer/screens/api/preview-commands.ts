import type { Table } from '../../../engine/spec/project.ts';
import { isSecretKey } from '../../../engine/spec/secret-keys.ts';
import type { History } from '../../actions/history.ts';
import { bridge } from '../../bridge.ts';
import { ContractError, call, isCancelled } from '../../client.ts';
import type { AppStores } from '../../stores/app-stores.ts';
import { type ConfigStep, configStep, reverseStep, withoutSecrets } from '../../stores/config-step.ts';
import { NO_DRAFT, type RequestDraft } from '../../stores/preview-store.ts';
import type { ShownError } from '../../stores/window-store.ts';
import type { CurlJob } from './curl-job.ts';
import { changeCount, sectionsOf } from './request-model.ts';

type Stores = Pick<AppStores, 'project' | 'window' | 'api'>;

/** Pages that a preview asks for, and records that it shows of each. */
export const PREVIEW_PAGES = 5;
export const PREVIEW_ROWS = 100;

export function shownError(error: unknown): ShownError {
  if (error instanceof ContractError) {
    const { code, message, hint, detail, findings } = error;
    const all = findings.map(({ message: text, hint: fix }) => `${text}${fix === null ? '' : ` ${fix}`}`).join('\n');
    const first = findings[0];
    return {
      code,
      message: findings.length === 1 && first !== undefined ? first.message : message,
      hint: hint ?? first?.hint ?? null,
      detail: [detail, all].filter((text) => text !== null && text !== '').join('\n') || null,
    };
  }
  return { code: 'WINDOW', message: String(error), hint: null, detail: null };
}

/** Asks for the first pages of a row with its unsaved request; `replay` names a recording that answers instead. */
export async function runPreview(stores: Stores, rowId: string, replay: string | null): Promise<void> {
  const { api } = stores;
  const { document } = stores.project.getState();
  if (document === null) return;
  const asked = api.draft(rowId);
  const signal = api.begin(rowId, {
    status: 'running',
    startedAt: Date.now(),
    preview: api.getState().runs[rowId]?.preview ?? null,
    error: null,
    replayOf: replay,
    asked,
  });
  const name = stores.project.cell('SourceConfig', rowId, 'table_name');
  try {
    const preview = await call(
      'job.preview',
      {
        directory: document.directory,
        env: document.env,
        row: { ...stores.project.rowValues('SourceConfig', rowId), ...asked.cells },
        options: asked.options as Record<string, never>,
        replay,
        pages: PREVIEW_PAGES,
        rows: PREVIEW_ROWS,
      },
      { signal },
    );
    api.end(rowId, signal, { status: 'done', preview });
    const count = preview.pages.length;
    stores.window.announce(
      preview.failure === undefined
        ? `Preview of ${name}: ${count} ${count === 1 ? 'page' : 'pages'}. ${preview.stop.detail}`
        : `Preview of ${name} failed: ${preview.failure.message}`,
    );
  } catch (error) {
    if (isCancelled(error)) {
      api.end(rowId, signal, { status: 'cancelled' });
      stores.window.announce('Preview cancelled');
      return;
    }
    const shown = shownError(error);
    api.end(rowId, signal, { status: 'failed', error: shown, preview: null });
    stores.window.announce(`Preview of ${name} failed: ${shown.message}`);
  }
}

/**
 * Writes the request into the job, as one step of undo: cells, and options into config.toml at once (as connections are).
 * @throws ContractError where config.toml cannot be written; the cells are left alone then
 */
export async function applyDraft(stores: Stores, rowId: string, history?: History): Promise<void> {
  const { project, window, api } = stores;
  const draft = api.draft(rowId);
  if (changeCount(draft) === 0) return;
  const name = project.cell('SourceConfig', rowId, 'table_name');
  const config = await writeOptions(stores, rowId, draft.options);
  const cells = Object.entries(draft.cells).map(([columnId, value]) => ({ rowId, columnId, value }));
  const former = cells.map(({ columnId }) => ({
    rowId,
    columnId,
    value: project.cell('SourceConfig', rowId, columnId),
  }));
  const label = `Apply request to ${name}`;
  project.edit('SourceConfig', { label, operations: [{ type: 'set', cells }] }, { config });
  const applied = project.getState().undo.at(-1);
  api.setDraft(rowId, NO_DRAFT);
  const options = Object.keys(draft.options);
  async function takeBack(): Promise<void> {
    try {
      const back = config === null ? null : await writeChanges(stores, reverseStep(config));
      const title = `Take back the request of ${name}`;
      project.edit('SourceConfig', { label: title, operations: [{ type: 'set', cells: former }] }, { config: back });
    } catch (error) {
      window.show({ kind: 'error', title: 'The request could not be taken back', error: shownError(error) });
    }
  }
  window.toast({
    tone: 'ok',
    title: `Request applied to ${name}`,
    text: [
      cells.length > 0 ? `${cells.map(({ columnId }) => columnId).join(', ')}: save the workbook to keep it` : null,
      options.length > 0 ? `${options.join(', ')}: written to config.toml` : null,
    ]
      .filter((part) => part !== null)
      .join('. '),
    ...(history === undefined
      ? {}
      : {
          action: {
            label: 'Undo',
            run: () => {
              // Where something else was changed since, only these cells and options go back.
              history.undoStep(applied, () => void takeBack());
              api.setDraft(rowId, draft);
            },
          },
        }),
  });
}

/** Writes options of a row's resource; gives back what that changed. */
async function writeOptions(
  stores: Stores,
  rowId: string,
  options: RequestDraft['options'],
): Promise<ConfigStep | null> {
  const { document } = stores.project.getState();
  const keys = Object.keys(options);
  if (document === null || keys.length === 0) return null;
  const cells = stores.project.rowValues('SourceConfig', rowId);
  const { section, resource } = sectionsOf(document.config, cells);
  const table = cells['table_name']?.trim() ?? '';
  const changes = keys.map((key) => ({
    path: ['sources', section, 'resources', table, key],
    before: resource[key],
    after: options[key] ?? undefined,
  }));
  return writeChanges(stores, { changes, renamed: null, forgotten: null, entered: null });
}

async function writeChanges({ project }: Stores, step: ConfigStep): Promise<ConfigStep | null> {
  const { document } = project.getState();
  if (document === null) return null;
  const saved = await call('project.save', {
    directory: document.directory,
    env: document.env,
    fingerprint: document.fingerprint,
    configFingerprint: document.configFingerprint,
    edits: [],
    config: step.changes.map(({ path, after }) => ({ path: [...path], value: (after ?? null) as never })),
  });
  project.adopt(saved);
  // What may be a secret is never remembered.
  const changes = step.changes.flatMap(({ path, before, after }) =>
    isSecretKey(path) ? [] : [{ path, before: withoutSecrets(before), after: withoutSecrets(after) }],
  );
  return changes.length === 0 ? null : { ...step, changes };
}

/** Adds a job that a cURL command describes, and its connection where it is new; its secrets go to the keychain then. */
export async function addCurlJob(stores: Stores, found: CurlJob, rowId: string): Promise<void> {
  const { project, window } = stores;
  const { document } = project.getState();
  if (document === null) return;
  const { connection, cells, options } = found;
  const section = connection.name;
  if (connection.isNew) {
    const saved = await call('connection.save', {
      directory: document.directory,
      env: document.env,
      section: 'sources',
      previous_name: null,
      connection: {
        name: section,
        type: 'api',
        values: withoutType(connection.values) as Record<string, never>,
        secrets: connection.secrets,
      },
    });
    project.adopt(saved);
  }
  const table = cells['table_name']?.trim() ?? '';
  const changes = Object.entries(options).map(([key, after]) => ({
    path: ['sources', section, 'resources', table, key],
    before: undefined,
    after: after ?? undefined,
  }));
  if (changes.length > 0) await writeChanges(stores, { changes, renamed: null, forgotten: null, entered: null });
  const roots = connection.isNew ? [['sources', section]] : changes.map(({ path }) => path);
  const config = configStep(document.config, project.getState().document?.config ?? document.config, roots);
  project.edit(
    'SourceConfig',
    {
      label: `Add ${cells['table_name'] ?? 'job'} from cURL`,
      operations: [{ type: 'insert', rows: [{ id: rowId, values: cells }], before: null }],
    },
    { config },
  );
  window.toast({
    tone: 'ok',
    title: `${cells['table_name']} added`,
    text: [...found.notes, 'Save the workbook to keep the row'].join('. '),
  });
}

function withoutType({ type: _type, ...values }: Table): Table {
  return values;
}

/** Asks the desktop for a file; undefined where the host has no dialogs and the window must ask by itself. */
export function pickRecordingToSave(defaultName: string): Promise<string | null | undefined> {
  return bridge.pickSaveFile('Save the recording', defaultName);
}
export function pickRecordingToOpen(): Promise<string | null | undefined> {
  return bridge.pickFile('Replay a recording', ['json']);
}

export async function saveRecording(stores: Stores, preview: string, file: string): Promise<void> {
  const saved = await call('preview.save_recording', { preview, file });
  stores.window.toast({
    tone: 'ok',
    title: 'Recording saved',
    text: `${saved.requests} requests without secrets in ${saved.file}`,
  });
}
