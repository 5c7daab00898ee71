import { Button, Select, Tooltip } from '@mantine/core';
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
import { useApp, useProject, useWindow } from '../../app.ts';
import type { PreviewRun } from '../../stores/preview-store.ts';
import { newRowId } from '../../stores/sheet-model.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { millisecondsText } from '../../ui/number-text.ts';
import { Toolbar, ToolbarDivider } from '../../ui/panel.tsx';
import classes from './api-screen.module.css';
import { CurlDialog } from './curl-dialog.tsx';
import { FileDialog } from './file-dialog.tsx';
import {
  addCurlJob,
  PREVIEW_PAGES,
  PREVIEW_ROWS,
  pickRecordingToOpen,
  pickRecordingToSave,
  runPreview,
  saveRecording,
  shownError,
} from './preview-commands.ts';
import { Workplace } from './preview-workplace.tsx';

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
