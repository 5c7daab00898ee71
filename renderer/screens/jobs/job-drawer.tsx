import { ActionIcon, Button, Kbd, Tabs } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconPlayerPlayFilled, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { shortcutText } from '../../actions/action.ts';
import { useApp, useConnections, useRuns, useSettings } from '../../app.ts';
import { sourceTypeOfRow } from '../../stores/job-cells.ts';
import { StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import classes from './job-drawer.module.css';
import { JobChecks, JobColumns } from './job-facts.tsx';
import { JobForm } from './job-form.tsx';
import { JobHistory } from './job-history.tsx';
import { NextRun } from './next-run.tsx';

const SHEET = 'SourceConfig';

/** One job as a form, beside the grid: the same columns with their help, and what the next run will read. */
export function JobDrawer({ rowId }: { rowId: string }) {
  const app = useApp();
  const { project, jobsView, running } = app;
  const [tab, setTab] = useState<string | null>('settings');
  useSyncExternalStore(
    (listener) => project.onRow(SHEET, rowId, listener),
    () => project.rowVersion(SHEET, rowId),
  );
  const results = useRuns((state) => state.lastResults);
  const live = useRuns((state) => state.live?.status === 'RUNNING');
  const discovered = useConnections((state) => state.discovered);
  const mac = useSettings((state) => state.about?.platform === 'darwin');

  const cell = (column: string) => project.cell(SHEET, rowId, column).trim();
  const table = cell('table_name');
  const source = cell('source_name');
  const number = project.rowNumber(SHEET, rowId);
  const findings = project.rowFindings(SHEET, rowId);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const last = results.get(`${source}.${table}`);
  const exact = cell('source_object');
  const object = discovered[source]?.find(({ name }) => name === (exact === '' ? table : exact));
  const checks = checksOf(app, table);

  function step(by: number): void {
    const rows = jobsView.grid()?.visibleRowIds() ?? [];
    const next = rows[rows.indexOf(rowId) + by];
    if (next === undefined) return;
    jobsView.grid()?.select(next);
    jobsView.setState({ openRow: next });
  }

  function close(): void {
    project.endMerge();
    jobsView.setState({ openRow: null });
    jobsView.grid()?.focus();
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: another row is another field
  useEffect(() => () => project.endMerge(), [project, rowId]);

  // Once, when it opens: walking through the rows of the grid leaves the focus there.
  const drawer = useRef<HTMLElement>(null);
  useEffect(() => drawer.current?.focus({ preventScroll: true }), []);

  const about = [
    source,
    sourceTypeOfRow(project, rowId),
    number === null ? 'new row' : `SourceConfig row ${number}`,
    last?.status === 'SUCCESS' ? `last run ${last.rows_processed.toLocaleString('en')} rows` : null,
    last?.status === 'FAILED' ? 'last run failed' : null,
  ].filter((text) => text !== null && text !== '');

  return (
    <aside
      ref={drawer}
      tabIndex={-1}
      className={classes['drawer']}
      aria-label={`Job ${table === '' ? 'without a table' : table}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) {
          event.stopPropagation();
          close();
        }
      }}
    >
      <header className={classes['header']}>
        <StatusIcon
          status={errors > 0 ? 'error' : last?.status === 'FAILED' ? 'error' : last === undefined ? 'never' : 'ok'}
          size={18}
        />
        <div className="grow">
          <h2 className={`${classes['title']} truncate`}>{table === '' ? 'New job' : table}</h2>
          <p className="small dim truncate">{about.join(' · ')}</p>
        </div>
        <ActionIcon aria-label="Previous row" onClick={() => step(-1)}>
          <IconChevronUp size={16} />
        </ActionIcon>
        <ActionIcon aria-label="Next row" onClick={() => step(1)}>
          <IconChevronDown size={16} />
        </ActionIcon>
        <ActionIcon aria-label="Close" onClick={close}>
          <IconX size={16} />
        </ActionIcon>
      </header>
      <Tabs value={tab} onChange={setTab} className={classes['tabs']} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="settings">Settings</Tabs.Tab>
          <Tabs.Tab value="columns" rightSection={count(object?.columns.length)}>
            Columns
          </Tabs.Tab>
          <Tabs.Tab value="checks" rightSection={count(checks.length)}>
            Checks
          </Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="settings" className={`${classes['form']} scroll`} tabIndex={0}>
          <JobForm key={rowId} rowId={rowId} />
        </Tabs.Panel>
        <Tabs.Panel value="columns" className={`${classes['form']} scroll`} tabIndex={0}>
          <JobColumns rowId={rowId} object={object ?? null} />
        </Tabs.Panel>
        <Tabs.Panel value="checks" className={`${classes['form']} scroll`} tabIndex={0}>
          <JobChecks checks={checks} table={table} />
        </Tabs.Panel>
        <Tabs.Panel value="history" className={`${classes['form']} scroll`} tabIndex={0}>
          <JobHistory job={`${source}.${table}`} />
        </Tabs.Panel>
      </Tabs>
      <NextRun rowId={rowId} />
      <footer className={classes['footer']}>
        {findings.length === 0 ? (
          <StatusWord status="ok">No issues in this row</StatusWord>
        ) : (
          <StatusWord status={errors > 0 ? 'error' : 'warning'}>
            {errors > 0
              ? `${errors} ${errors === 1 ? 'error' : 'errors'}`
              : `${findings.length} ${findings.length === 1 ? 'warning' : 'warnings'}`}
          </StatusWord>
        )}
        <span className="grow" />
        <Button
          variant="default"
          disabled={live || errors > 0}
          onClick={() => void running.start({ rowIds: [rowId], sampleRows: 100 })}
        >
          Try 100 rows
        </Button>
        <Button
          leftSection={<IconPlayerPlayFilled size={12} />}
          rightSection={<Kbd className={classes['onAccent']}>{shortcutText('Mod+Enter', mac)}</Kbd>}
          disabled={live || errors > 0}
          onClick={() => void running.start({ rowIds: [rowId] })}
        >
          Run this job
        </Button>
      </footer>
    </aside>
  );
}

function count(value: number | undefined) {
  return value === undefined || value === 0 ? null : <span className="faint num small">{value}</span>;
}

/** Rows of DataQuality that name the table. */
function checksOf({ project }: ReturnType<typeof useApp>, table: string): Record<string, string>[] {
  if (table === '') return [];
  return project
    .rowIds('DataQuality')
    .map((id) => project.rowValues('DataQuality', id))
    .filter((values) => (values['table'] ?? '').split('.').at(-1)?.toLowerCase() === table.toLowerCase());
}
