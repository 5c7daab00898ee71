import { Button, Checkbox } from '@mantine/core';
import { splitList } from '../../../engine/spec/cells.ts';
import { useApp } from '../../app.ts';
import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import classes from './job-drawer.module.css';

const SHEET = 'SourceConfig';

/** Columns of the table as they were discovered; ticking them writes the cell `columns`. */
export function JobColumns({ rowId, object }: { rowId: string; object: DiscoveredObject | null }) {
  const { project, window } = useApp();
  if (object === null || object.columns.length === 0) {
    const connection = project.cell(SHEET, rowId, 'source_name').trim();
    return (
      <EmptyState
        title="Columns are not known yet"
        actions={
          <Button variant="default" onClick={() => window.go('discover', connection)}>
            Discover {connection}
          </Button>
        }
      >
        Discover the connection to see the columns of this table and to choose among them.
      </EmptyState>
    );
  }
  const text = project.cell(SHEET, rowId, 'columns');
  const chosen = text.trim() === '' ? null : new Set(splitList(text)?.map((name) => name.trim()));
  function toggle(name: string): void {
    const all = object?.columns.map((column) => column.name) ?? [];
    const next = new Set(chosen ?? all);
    if (next.has(name)) next.delete(name);
    else next.add(name);
    const kept = all.filter((column) => next.has(column));
    const value = kept.length === all.length ? '' : kept.map(quoted).join(', ');
    project.setCell(SHEET, rowId, 'columns', value);
  }
  return (
    <ul className={classes['facts']}>
      {object.columns.map(({ name, sourceType, nullable }) => (
        <li key={name} className={classes['fact']}>
          <Checkbox label={name} checked={chosen === null || chosen.has(name)} onChange={() => toggle(name)} />
          <span className="grow" />
          {object.primaryKey.includes(name) ? <span className="small">key</span> : null}
          <span className="small dim">
            {sourceType}
            {nullable ? '' : ', not null'}
          </span>
        </li>
      ))}
    </ul>
  );
}

const quoted = (name: string) => (/[,"()]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);

/** Checks of the sheet DataQuality that look at this job's table. */
export function JobChecks({ checks, table }: { checks: readonly Record<string, string>[]; table: string }) {
  if (checks.length === 0) {
    return (
      <EmptyState title="No checks">
        Rows of the sheet DataQuality that name {table === '' ? 'this table' : table} are shown here.
      </EmptyState>
    );
  }
  return (
    <ul className={classes['facts']}>
      {checks.map((check) => (
        <li key={JSON.stringify(check)} className={classes['fact']}>
          <span className="medium">{check['check_type']}</span>
          <span className="grow truncate dim">
            {Object.entries(check)
              .filter(([column]) => column !== 'check_type' && column !== 'table')
              .map(([column, text]) => `${column} ${text}`)
              .join(' · ')}
          </span>
        </li>
      ))}
    </ul>
  );
}
