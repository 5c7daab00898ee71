import { Button, Loader, Select, Tabs, Tooltip } from '@mantine/core';
import {
  IconBraces,
  IconDeviceFloppy,
  IconPlayerPlayFilled,
  IconPlayerStopFilled,
  IconPlayerTrackPrev,
  IconTerminal2,
} from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { useStore } from 'zustand';
import { type PathStep, pointerText } from '../../../engine/spec/path-text.ts';
import { useApp, useProject, useWindow } from '../../app.ts';
import {
  NO_DRAFT,
  type Picked,
  type PreviewRun,
  type RequestDraft,
  TABS,
  type Tab,
} from '../../stores/preview-store.ts';
import { newRowId } from '../../stores/sheet-model.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { bytesText, millisecondsText } from '../../ui/number-text.ts';
import { Toolbar, ToolbarDivider } from '../../ui/panel.tsx';
import classes from './api-screen.module.css';
import { CurlDialog } from './curl-dialog.tsx';
import { DetectedPanel } from './detected-panel.tsx';
import { FileDialog } from './file-dialog.tsx';
import { initiallyOpen } from './json-rows.ts';
import { JsonTree } from './json-tree.tsx';
import { PageStepper } from './page-stepper.tsx';
import { ExchangeView, PaginatorView, SchemaView } from './page-views.tsx';
import {
  fieldSteps,
  type PathAction,
  pathActions,
  plainSteps,
  recordIndex,
  shownPath,
  valueAt,
} from './path-actions.ts';
import { PathPopover } from './path-popover.tsx';
import {
  addCurlJob,
  applyDraft,
  PREVIEW_PAGES,
  PREVIEW_ROWS,
  pickRecordingToOpen,
  pickRecordingToSave,
  runPreview,
  saveRecording,
  shownError,
} from './preview-commands.ts';
import { PreviewNotices } from './preview-notices.tsx';
import { RecordsTable } from './records-table.tsx';
import {
  cellDefault,
  cellText,
  detectionsOf,
  isSameDraft,
  optionText,
  paginationOf,
  type RequestModel,
  sectionsOf,
  withChange,
} from './request-model.ts';
import { RequestPanel } from './request-panel.tsx';

const SHEET = 'SourceConfig';

/** Pages of an API as a run would ask for them, and what they tell about the job's settings. */
export function ApiScreen() {
  const app = useApp();
  const { api } = app;
  const document = useProject((state) => state.document);
  const revision = useProject((state) => state.revision);
  const subject = useWindow((state) => state.subject);
  const shown = useStore(api, (state) => state.rowId);
  const [asking, setAsking] = useState<'curl' | 'save' | 'replay' | null>(null);
  const directory = document?.directory ?? null;
  if (directory !== null) api.enter(directory);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision stands for the sheet, which is read through the store
  const jobs = useMemo(() => apiJobs(app.project), [app, revision]);
  const rowId =
    jobs.find(({ value }) => value === (subject ?? shown))?.value ??
    jobs.find(({ value }) => value === shown)?.value ??
    jobs[0]?.value ??
    null;
  useEffect(() => {
    if (rowId !== null) api.show(rowId);
  }, [api, rowId]);
  const run = useStore(api, (state) => (rowId === null ? undefined : state.runs[rowId]));
  useEffect(() => {
    app.window.setState({ place: placeText(run) });
  }, [app, run]);
  if (document === null) return null;

  const bases = apiBases(document.config);
  const preview = (replay: string | null) => {
    if (rowId !== null) void runPreview(app, rowId, replay);
  };
  async function replay(): Promise<void> {
    const file = await pickRecordingToOpen();
    if (file === undefined) setAsking('replay');
    else if (file !== null) preview(file);
  }
  async function write(file: string): Promise<void> {
    const recording = run?.preview?.recording ?? null;
    if (recording === null) return;
    try {
      await saveRecording(app, recording, file);
    } catch (error) {
      app.window.show({ kind: 'error', title: 'The recording could not be saved', error: shownError(error) });
    }
  }
  async function save(): Promise<void> {
    const file = await pickRecordingToSave(recordingName(app.project, rowId));
    if (file === undefined) setAsking('save');
    else if (file !== null) await write(file);
  }
  const proposed = `${document.directory}${document.directory.includes('\\') ? '\\' : '/'}${recordingName(app.project, rowId)}`;
  return (
    <div className={classes['screen']}>
      <Toolbar label="API preview">
        <h1>API preview</h1>
        {rowId === null ? null : (
          <>
            <Select
              aria-label="Job"
              data={jobs}
              value={rowId}
              searchable
              allowDeselect={false}
              className={classes['job'] ?? ''}
              onChange={(value) => {
                if (value === null) return;
                api.show(value);
                app.window.go('api', value);
              }}
            />
            <span className="small faint" data-drop="first">
              {rowText(app.project.rowNumber(SHEET, rowId))}
            </span>
            <ToolbarDivider />
          </>
        )}
        <Button
          variant="subtle"
          data-quiet
          data-fold="first"
          title="From cURL"
          leftSection={<IconTerminal2 size={16} />}
          onClick={() => setAsking('curl')}
        >
          From cURL
        </Button>
        {rowId === null ? null : (
          <>
            <Tooltip
              label={
                run?.preview?.recording
                  ? 'Requests and responses in a file, without secrets'
                  : 'Preview first; more than 64 MiB of responses cannot be recorded'
              }
            >
              <Button
                variant="subtle"
                data-quiet
                data-fold="first"
                leftSection={<IconDeviceFloppy size={16} />}
                disabled={!run?.preview?.recording || run.status === 'running'}
                onClick={() => void save()}
              >
                Save recording
              </Button>
            </Tooltip>
            <Button
              variant="subtle"
              data-quiet
              data-fold="first"
              title="Replay"
              leftSection={<IconPlayerTrackPrev size={16} />}
              onClick={() => void replay()}
            >
              Replay
            </Button>
            <span className="grow" />
            <span className={`${classes['limits']} small dim`}>
              At most {PREVIEW_PAGES} pages, {PREVIEW_ROWS} records shown of each; state is not touched
            </span>
            <RunButton run={run} onRun={() => preview(null)} onCancel={() => api.cancel(rowId)} />
          </>
        )}
      </Toolbar>
      {rowId === null ? (
        <EmptyState
          icon={<IconBraces size={24} />}
          title="No job reads an API yet"
          actions={<Button onClick={() => setAsking('curl')}>From a cURL command</Button>}
        >
          Add a row with source_type api in Jobs, or paste a cURL command from the API’s documents.
        </EmptyState>
      ) : (
        <Workplace key={rowId} rowId={rowId} run={run} onPreview={() => preview(null)} />
      )}
      {asking === 'curl' ? (
        <CurlDialog
          connections={bases}
          onClose={() => setAsking(null)}
          onAdd={async (found) => {
            const added = newRowId();
            await addCurlJob(app, found, added);
            api.show(added);
            app.window.go('api', added);
          }}
        />
      ) : null}
      {asking === 'save' || asking === 'replay' ? (
        <FileDialog
          title={asking === 'save' ? 'Save the recording' : 'Replay a recording'}
          label={asking === 'save' ? 'File (requests and responses, without secrets)' : 'Recording'}
          button={asking === 'save' ? 'Save' : 'Replay'}
          file={proposed}
          onAnswer={(file) => {
            setAsking(null);
            if (file === null) return;
            if (asking === 'save') void write(file);
            else preview(file);
          }}
        />
      ) : null}
    </div>
  );
}

function RunButton({ run, onRun, onCancel }: { run: PreviewRun | undefined; onRun(): void; onCancel(): void }) {
  if (run?.status === 'running') {
    return (
      <Button variant="default" leftSection={<IconPlayerStopFilled size={12} />} onClick={onCancel}>
        Cancel
      </Button>
    );
  }
  return (
    <Button leftSection={<IconPlayerPlayFilled size={12} />} onClick={onRun}>
      {run === undefined ? 'Preview' : 'Preview again'}
    </Button>
  );
}

function Workplace({ rowId, run, onPreview }: { rowId: string; run: PreviewRun | undefined; onPreview(): void }) {
  const app = useApp();
  const { api } = app;
  const model = useRequestModel(rowId);
  const { page, tab, picked, popover } = useStore(api);
  const preview = run?.preview ?? null;
  const detections = useMemo(() => detectionsOf(preview), [preview]);
  const change = (...changes: readonly RequestDraft[]) => {
    let draft = api.draft(rowId);
    for (const one of changes) draft = withChange({ ...model, draft }, one);
    api.setDraft(rowId, draft);
  };
  async function apply(): Promise<void> {
    try {
      await applyDraft(app, rowId, app.commands.history);
    } catch (error) {
      app.window.show({ kind: 'error', title: 'The request could not be applied', error: shownError(error) });
    }
  }
  const size = preview?.detected['page_size'] as { value?: unknown } | undefined;
  const isCapped = preview?.warnings.some(({ code }) => code === 'API_PAGE_SIZE_CAPPED') === true;
  const cappedAt = isCapped && typeof size?.value === 'number' ? size.value : null;
  const stillCapped =
    cappedAt !== null && Number(cellText(model, 'page_size') || cellDefault(model, 'page_size')) > cappedAt;
  const primaryKey = cellText(model, 'primary_key');
  const actions = picked === null ? [] : pathActions(picked, primaryKey);
  function take(action: PathAction): void {
    change(action.change);
    api.setState({ popover: false });
    const words = [...Object.entries(action.change.cells), ...Object.entries(action.change.options)];
    app.window.announce(words.map(([name, value]) => `${name} is ${String(value)} now`).join(', '));
  }
  return (
    <div className={classes['layout']} data-detected={preview !== null || undefined}>
      <RequestPanel
        model={model}
        cappedAt={stillCapped ? cappedAt : null}
        onChange={change}
        onApply={() => void apply()}
        onDiscard={() => api.setDraft(rowId, NO_DRAFT)}
      />
      <div className={classes['pages']} aria-busy={run?.status === 'running'}>
        {preview === null || preview.pages.length === 0 ? (
          <Nothing run={run} onPreview={onPreview} />
        ) : (
          <>
            <PageStepper
              preview={preview}
              page={page}
              onPage={(next) => api.setState({ page: next, picked: null, popover: false })}
              onNext={() => api.setState({ tab: 'paginator' })}
            />
            <PreviewNotices
              preview={preview}
              run={run as PreviewRun}
              isOutdated={!isSameDraft((run as PreviewRun).asked, model.draft)}
              cappedAt={stillCapped ? cappedAt : null}
              onPageSize={(value) => change({ cells: { page_size: String(value) }, options: {} })}
              onNext={() => api.setState({ tab: 'paginator' })}
            />
            <Views
              rowId={rowId}
              model={model}
              run={run as PreviewRun}
              page={Math.min(page, preview.pages.length - 1)}
              tab={tab}
              picked={picked}
              actions={actions}
              onAction={take}
            />
          </>
        )}
      </div>
      {preview === null ? null : (
        <DetectedPanel
          detections={detections}
          pages={preview.pages.length}
          isInRequest={(setting, { value, place }) =>
            (place === 'column' ? model.draft.cells[setting] : optionText({ ...model, resource: {} }, setting)) ===
            String(value)
          }
          onApply={(changes) => change(...changes)}
        />
      )}
      {picked !== null && popover ? (
        <PathPopover
          picked={picked}
          actions={actions}
          onAction={take}
          onClose={() => api.setState({ popover: false })}
        />
      ) : null}
    </div>
  );
}

/** Before the first page: how to begin, that it is on its way, or why there is none. */
function Nothing({ run, onPreview }: { run: PreviewRun | undefined; onPreview(): void }) {
  if (run?.status === 'running') {
    return (
      <div className={classes['waiting']} role="status">
        <Loader size="sm" aria-hidden />
        <p className="dim">{run.replayOf === null ? 'Asking the API …' : 'Replaying …'}</p>
      </div>
    );
  }
  if (run?.status === 'failed' && run.error !== null) {
    return (
      <div className={classes['failed']}>
        <ErrorCard
          title={run.replayOf === null ? 'The API could not be previewed' : 'The recording could not be replayed'}
          error={run.error}
          actions={
            <Button size="xs" variant="default" onClick={onPreview}>
              Try again
            </Button>
          }
        />
      </div>
    );
  }
  return (
    <EmptyState
      icon={<IconBraces size={24} />}
      title={run?.status === 'cancelled' ? 'The preview was cancelled' : 'Nothing was asked yet'}
    >
      Preview asks for the first {PREVIEW_PAGES} pages as a run would, and shows what came, what would be asked next and
      why the read ends. Watermarks stay as they are.
    </EmptyState>
  );
}

const TAB_LABELS: Readonly<Record<Tab, string>> = {
  records: 'Records',
  request: 'Request',
  response: 'Response',
  schema: 'Schema',
  paginator: 'Paginator',
};

function Views({
  rowId,
  model,
  run,
  page: index,
  tab,
  picked,
  actions,
  onAction,
}: {
  rowId: string;
  model: RequestModel;
  run: PreviewRun;
  page: number;
  tab: Tab;
  picked: Picked | null;
  actions: readonly PathAction[];
  onAction(action: PathAction): void;
}) {
  const { api } = useApp();
  const opened = useStore(api, (state) => state.open[index]);
  const { preview } = run;
  const page = preview?.pages[index];
  const body = page?.response?.body;
  const open = useMemo(() => opened ?? (body === undefined ? new Set<string>() : initiallyOpen(body)), [opened, body]);
  if (preview === null || page === undefined) return null;
  const selector = plainSteps(
    String((preview.detected['data_selector'] as { value?: unknown } | undefined)?.value ?? '$'),
  );
  const first = actions[0];
  const all = preview.pages.reduce((sum, { record_count, records }) => sum + (record_count ?? records.length), 0);
  const count = page.record_count ?? page.records.length;
  const pick = (steps: readonly PathStep[], value: unknown, at: { x: number; y: number }) =>
    api.setState({ picked: { steps, value, field: fieldSteps(steps, selector), at }, popover: true });
  const counts: Partial<Record<Tab, string>> = {
    records: page.records.length.toLocaleString('en'),
    schema: String(preview.schema.length),
    ...(page.response === undefined ? {} : { response: bytesText(page.response.bytes) }),
  };
  return (
    <Tabs
      value={tab}
      onChange={(value) => value !== null && api.setState({ tab: value as Tab, popover: false })}
      className={classes['tabs']}
      keepMounted={false}
    >
      <Tabs.List>
        {TABS.map((one) => (
          <Tabs.Tab
            key={one}
            value={one}
            rightSection={
              counts[one] === undefined ? undefined : <span className="faint num small">{counts[one]}</span>
            }
          >
            {TAB_LABELS[one]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="records" className={classes['panel']}>
        {page.records.length === 0 ? (
          <EmptyState title="No records on this page">
            {preview.failure === undefined ? 'The page held none.' : preview.failure.message}
          </EmptyState>
        ) : (
          <RecordsTable
            records={page.records}
            schema={preview.schema}
            label={`Records of page ${index + 1}`}
            onPick={(row, key, value, at) => {
              const list = selector === null ? undefined : valueAt(body?.value, selector);
              pick([...(selector ?? []), recordIndex(list, page.records[row], row), key], value, at);
            }}
          />
        )}
      </Tabs.Panel>
      <Tabs.Panel value="request" className={classes['panel']}>
        <ExchangeView page={page} />
      </Tabs.Panel>
      <Tabs.Panel value="response" className={classes['panel']}>
        {body === undefined ? (
          <EmptyState title="The response is no JSON">Its headers stand under Request.</EmptyState>
        ) : (
          <JsonTree
            key={`${rowId} ${index}`}
            body={body}
            open={open}
            picked={picked === null ? null : pointerText(picked.steps)}
            label={`Response of page ${index + 1}`}
            onOpen={(next) => api.setState({ open: { ...api.getState().open, [index]: next } })}
            onPick={({ steps, value }, at) => pick(steps, value, at)}
          />
        )}
      </Tabs.Panel>
      <Tabs.Panel value="schema" className={classes['panel']}>
        <SchemaView schema={preview.schema} />
      </Tabs.Panel>
      <Tabs.Panel value="paginator" className={classes['panel']}>
        <PaginatorView preview={preview} type={paginationOf(model)} />
      </Tabs.Panel>
      <footer className={classes['footer']}>
        {picked === null ? (
          <span className="faint">Click a value for its JSONPath</span>
        ) : (
          <>
            <span className="faint">Selected</span>
            <code className={`${classes['path']} mono truncate`}>{shownPath(picked.steps)}</code>
            <CopyButton text={shownPath(picked.steps)} label="path" />
            {first === undefined ? null : (
              <Button size="xs" variant="subtle" onClick={() => onAction(first)}>
                {first.label}
              </Button>
            )}
          </>
        )}
        <span className="grow" />
        <span className="num dim">
          {page.records.length === 0
            ? 'No records'
            : `1–${page.records.length.toLocaleString('en')} of ${count.toLocaleString('en')}`}{' '}
          on this page, {all.toLocaleString('en')} fetched
        </span>
      </footer>
    </Tabs>
  );
}

function useRequestModel(rowId: string): RequestModel {
  const { project, api } = useApp();
  const document = useProject((state) => state.document);
  const revision = useProject((state) => state.revision);
  const validated = useProject((state) => state.validatedRevision);
  const draft = useStore(api, (state) => state.drafts[rowId]) ?? NO_DRAFT;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revisions stand for the sheet and its jobs, which are read through the store
  return useMemo(() => {
    const cells = project.rowValues(SHEET, rowId);
    const { section, connection, resource } = sectionsOf(document?.config ?? {}, cells);
    return { connectionName: section, connection, resource, job: project.job(rowId), draft, cells };
  }, [project, document, revision, validated, rowId, draft]);
}

type Project = ReturnType<typeof useApp>['project'];

function apiJobs(project: Project): { value: string; label: string }[] {
  return project.rowIds(SHEET).flatMap((rowId) => {
    const type = project.cell(SHEET, rowId, 'source_type').trim().toLowerCase();
    if (type !== 'api' && type !== 'rest_api') return [];
    const label = `${project.cell(SHEET, rowId, 'source_name')}.${project.cell(SHEET, rowId, 'table_name')}`;
    return [{ value: rowId, label }];
  });
}

function apiBases(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const { sources } = config as { sources?: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  return Object.fromEntries(
    Object.entries(sources ?? {}).flatMap(([name, values]) => {
      const base = values?.['base_url'] ?? values?.['url'];
      return typeof base === 'string' && /^https?:/i.test(base) ? [[name, base]] : [];
    }),
  );
}

function recordingName(project: Project, rowId: string | null): string {
  return `${rowId === null ? 'api' : project.cell(SHEET, rowId, 'table_name')}.recording.json`;
}

function rowText(row: number | null): string {
  return row === null ? 'new row' : `row ${row}`;
}

/** `5 requests, 500 records, 1.46 s` */
function placeText(run: PreviewRun | undefined): string {
  const preview = run?.preview;
  if (preview === undefined || preview === null) return '';
  const records = preview.pages.reduce((sum, page) => sum + (page.record_count ?? page.records.length), 0);
  const milliseconds = preview.pages.reduce((sum, { response }) => sum + (response?.duration_ms ?? 0), 0);
  const pages = preview.pages.length;
  const time = preview.replayed === true ? 'replayed' : millisecondsText(milliseconds);
  return `${pages} ${pages === 1 ? 'request' : 'requests'}, ${records.toLocaleString('en')} records, ${time}`;
}
