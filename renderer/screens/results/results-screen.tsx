import { Button, Menu, Select } from '@mantine/core';
import { IconChevronDown, IconCopy, IconDownload, IconRefresh, IconTableShare } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import type { ProjectDocument } from '../../../engine/contract.ts';
import { useApp, useProject, useRuns, useWindow } from '../../app.ts';
import { bridge } from '../../bridge.ts';
import { call } from '../../client.ts';
import { destinationsOf } from '../../stores/destinations.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { bytesText, countText, momentText, plural } from '../../ui/number-text.ts';
import { Toolbar } from '../../ui/panel.tsx';
import { PageBar } from './page-bar.tsx';
import { ResultGrid } from './result-grid.tsx';
import classes from './results-screen.module.css';
import { SqlConsole } from './sql-console.tsx';
import { TableList } from './table-list.tsx';
import { tsvOf } from './tsv.ts';
import { type ResultPlace, type ResultTable, useAsked, useTables } from './use-results.ts';

const PAGE_ROWS = 100;

interface View {
  offset: number;
  orderBy: string | null;
  descending: boolean;
}
const FIRST: View = { offset: 0, orderBy: null, descending: false };

/** What runs have loaded. Subject: `destination` or `destination/schema.table`. */
export function ResultsScreen() {
  const document = useProject((state) => state.document);
  if (document === null) return null;
  return <Results document={document} />;
}

function Results({ document }: { document: ProjectDocument }) {
  const app = useApp();
  const subject = useWindow((state) => state.subject);
  const runs = useRuns((state) => state.live);
  const { names, usual } = useMemo(() => {
    const found = destinationsOf(document);
    const all = found.destinations.map(({ name }) => name);
    return { names: all, usual: found.usual ?? all[0] ?? null };
  }, [document]);
  const [asked, wanted] = splitSubject(subject);
  const destination = names.find((name) => name === asked) ?? usual;
  const [round, setRound] = useState(0);
  const [view, setView] = useState<View>(FIRST);
  const [exporting, setExporting] = useState(false);

  const place: ResultPlace | null =
    destination === null ? null : { directory: document.directory, env: document.env, destination };
  // A run that ends has loaded something.
  const runsEnded = runs?.status === 'RUNNING' ? 0 : (runs?.endedAt ?? 0);
  const tables = useTables(place, round + runsEnded);
  const table = chosen(tables.value, wanted);
  const key = table === null ? null : `${table.schema}.${table.table}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another table begins at its first page
  useEffect(() => setView(FIRST), [key, destination]);
  const page = useAsked(
    place === null || table === null ? null : JSON.stringify([place, key, table.loaded_at, table.rows, view]),
    (signal) =>
      call(
        'result.page',
        {
          ...place!,
          schema: table!.schema,
          table: table!.table,
          offset: view.offset,
          limit: PAGE_ROWS,
          order_by: view.orderBy,
          descending: view.descending,
        },
        { signal },
      ),
    { keep: true },
  );
  const profile = useAsked(
    place === null || table === null ? null : JSON.stringify([place, key, table.loaded_at, table.rows]),
    (signal) => call('result.profile', { ...place!, schema: table!.schema, table: table!.table }, { signal }),
  );

  useEffect(() => {
    app.window.setState({ place: destination === null ? '' : `${destination}, read-only` });
  }, [app, destination]);

  const go = (name: string, of: ResultTable | null) =>
    app.window.go('results', of === null ? name : `${name}/${of.schema}.${of.table}`);

  async function copy(): Promise<void> {
    if (page.value === null) return;
    await navigator.clipboard.writeText(tsvOf(page.value.columns, page.value.rows));
    app.window.toast({
      tone: 'ok',
      title: `Copied ${plural(page.value.rows.length, 'row')}`,
      text: 'Paste them into Excel or Google Sheets.',
    });
  }

  async function save(format: 'csv' | 'parquet'): Promise<void> {
    if (place === null || table === null) return;
    const name = `${table.table}.${format}`;
    const picked = await bridge.pickSaveFile(`Export ${table.schema}.${table.table}`, name);
    if (picked === null) return;
    // The web host has no dialogs: beside the workbook, under a name that no file has.
    const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
    const slash = document.directory.includes('\\') ? '\\' : '/';
    const file = picked ?? `${document.directory}${slash}${table.table}_${stamp}.${format}`;
    setExporting(true);
    try {
      const { rows, bytes } = await call('result.export', {
        ...place,
        schema: table.schema,
        table: table.table,
        format,
        file,
      });
      app.window.toast({ tone: 'ok', title: `Exported ${plural(rows, 'row')}, ${bytesText(bytes)}`, text: file });
    } catch (error) {
      app.commands.fail('The table could not be exported', error);
    } finally {
      setExporting(false);
    }
  }

  return (
    <div className={classes['screen']}>
      <aside className={classes['side']} aria-label="Tables">
        <div className={classes['destination']}>
          <Select
            aria-label="Destination"
            data={names}
            value={destination}
            allowDeselect={false}
            onChange={(name) => name !== null && go(name, null)}
          />
          <Button
            variant="default"
            px={7}
            aria-label="Look again"
            title="Look again"
            onClick={() => setRound(round + 1)}
          >
            <IconRefresh size={14} />
          </Button>
        </div>
        <TableList
          tables={tables.value}
          loading={tables.loading}
          selected={table}
          onSelect={(next) => destination !== null && go(destination, next)}
        />
        {table?.loaded_at == null ? null : <div className={classes['from']}>Loaded {momentText(table.loaded_at)}</div>}
      </aside>
      <div className={classes['main']}>
        {tables.error !== null ? (
          <div className={classes['error']}>
            <ErrorCard
              title={
                tables.error.code === 'LOCKED' ? 'A run has this destination to itself' : 'The tables could not be read'
              }
              error={tables.error}
              actions={
                <Button size="xs" variant="default" onClick={() => setRound(round + 1)}>
                  Look again
                </Button>
              }
            />
          </div>
        ) : tables.value?.length === 0 ? (
          <EmptyState
            icon={<IconTableShare size={24} />}
            title="Nothing was loaded yet"
            actions={<Button onClick={() => app.window.go('jobs')}>Go to Jobs</Button>}
          >
            {destination === null
              ? 'The project has no destination that can be looked at.'
              : `Run a job into ${destination}, or try it with a few rows: its tables show up here.`}
          </EmptyState>
        ) : table === null ? null : (
          <>
            <Toolbar label="Table">
              <h1 className="truncate">
                {table.schema}.{table.table}
              </h1>
              <span className="faint small num truncate">
                {plural(table.rows, 'row')}, {plural(table.columns.length, 'column')}
              </span>
              <span className="grow" />
              <Button
                variant="subtle"
                data-quiet
                data-fold="narrow"
                title="Copy as TSV"
                leftSection={<IconCopy size={14} />}
                disabled={page.value === null || page.loading}
                onClick={() => void copy()}
              >
                Copy as TSV
              </Button>
              <Menu position="bottom-end">
                <Menu.Target>
                  <Button
                    variant="default"
                    loading={exporting}
                    leftSection={<IconDownload size={14} />}
                    rightSection={<IconChevronDown size={12} />}
                  >
                    Export
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item onClick={() => void save('csv')}>All {countText(table.rows)} rows as CSV …</Menu.Item>
                  <Menu.Item onClick={() => void save('parquet')}>
                    All {countText(table.rows)} rows as Parquet …
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            </Toolbar>
            {page.error === null ? (
              <ResultGrid
                label={`Rows of ${table.schema}.${table.table}`}
                columns={table.columns}
                page={page.value}
                offset={view.offset}
                loading={page.loading}
                profile={profile.value}
                orderBy={view.orderBy}
                descending={view.descending}
                onOrder={(orderBy, descending) => setView({ offset: 0, orderBy, descending })}
              />
            ) : (
              <div className={classes['error']}>
                <ErrorCard title="The rows could not be read" error={page.error} />
              </div>
            )}
            <PageBar
              offset={view.offset}
              limit={PAGE_ROWS}
              total={page.value?.total ?? table.rows}
              order={
                view.orderBy === null
                  ? null
                  : `sorted by ${view.orderBy}, ${view.descending ? 'greatest' : 'least'} first`
              }
              onOffset={(offset) => setView({ ...view, offset })}
            />
            {place === null ? null : (
              <SqlConsole
                key={JSON.stringify(place)}
                place={place}
                table={`${sqlName(table.schema)}.${sqlName(table.table)}`}
              />
            )}
          </>
        )}
      </div>
    </div>
  );
}

function splitSubject(subject: string | null): [destination: string | null, table: string | null] {
  if (subject === null) return [null, null];
  const slash = subject.indexOf('/');
  return slash === -1 ? [subject, null] : [subject.slice(0, slash), subject.slice(slash + 1)];
}

function chosen(tables: readonly ResultTable[] | null, wanted: string | null): ResultTable | null {
  return tables?.find(({ schema, table }) => `${schema}.${table}` === wanted) ?? tables?.[0] ?? null;
}

/** A name as SQL takes it: quoted where it is no plain word. */
function sqlName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
