import { Button, Loader } from '@mantine/core';
import { IconBraces } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useStore } from 'zustand';
import { useApp, useProject } from '../../app.ts';
import { NO_DRAFT, type PreviewRun, type RequestDraft } from '../../stores/preview-store.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import classes from './api-screen.module.css';
import { DetectedPanel } from './detected-panel.tsx';
import { PageStepper } from './page-stepper.tsx';
import { PageTabs } from './page-tabs.tsx';
import { type PathAction, pathActions } from './path-actions.ts';
import { PathPopover } from './path-popover.tsx';
import { applyDraft, PREVIEW_PAGES, shownError } from './preview-commands.ts';
import { PreviewNotices } from './preview-notices.tsx';
import {
  cellDefault,
  cellText,
  detectionsOf,
  isSameDraft,
  optionText,
  type RequestModel,
  sectionsOf,
  withChange,
} from './request-model.ts';
import { RequestPanel } from './request-panel.tsx';

const SHEET = 'SourceConfig';

/** The request of one job, the pages that were asked for with it, and what they tell. */
export function Workplace({
  rowId,
  run,
  onPreview,
}: {
  rowId: string;
  run: PreviewRun | undefined;
  onPreview(): void;
}) {
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
            <PageTabs
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
