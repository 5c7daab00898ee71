import { Button, Tabs } from '@mantine/core';
import { useMemo } from 'react';
import { useStore } from 'zustand';
import { type PathStep, pointerText } from '../../../engine/spec/path-text.ts';
import { useApp } from '../../app.ts';
import { type Picked, type PreviewRun, TABS, type Tab } from '../../stores/preview-store.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { bytesText } from '../../ui/number-text.ts';
import classes from './api-screen.module.css';
import { initiallyOpen } from './json-rows.ts';
import { JsonTree } from './json-tree.tsx';
import { ExchangeView, PaginatorView, SchemaView } from './page-views.tsx';
import { fieldSteps, type PathAction, plainSteps, recordIndex, shownPath, valueAt } from './path-actions.ts';
import { RecordsTable } from './records-table.tsx';
import { paginationOf, type RequestModel } from './request-model.ts';

const TAB_LABELS: Readonly<Record<Tab, string>> = {
  records: 'Records',
  request: 'Request',
  response: 'Response',
  schema: 'Schema',
  paginator: 'Paginator',
};

/** A page in its five views, and the value that was clicked in one of them. */
export function PageTabs({
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
