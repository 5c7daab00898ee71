import { IconCheck } from '@tabler/icons-react';
import type { CheckColumnName } from '../../../engine/spec/check.ts';
import type { CellEditor, GridColumn, GridOption } from '../../grid/grid-types.ts';
import type { AppStores } from '../../stores/app-stores.ts';
import { checkColumnIds, checkColumnOfId, checkOfRow } from '../../stores/check-cells.ts';
import { LAST_RESULT } from '../../stores/check-grid-store.ts';
import { flagOf } from '../../stores/job-cells.ts';

const SHEET = 'DataQuality';

const WIDTHS: Partial<Record<CheckColumnName, number>> = {
  enabled: 32,
  table: 128,
  type: 104,
  name: 176,
  columns: 136,
  column: 112,
  sql: 240,
  sql_databricks: 160,
  severity: 80,
  scope: 72,
  hold_back: 80,
};

/** The order in which people read a check. */
const FIRST: readonly CheckColumnName[] = ['enabled', 'table', 'type', 'name', 'columns', 'column', 'severity'];

/** Columns of the grid: what a check is, what it found last, then its limits; what else the workbook has comes last. */
export function checkGridColumns(stores: AppStores): GridColumn[] {
  const { project } = stores;
  const own = project.columns(SHEET);
  const headers = project.headers(SHEET);
  const known = checkColumnIds();
  const rest = known.filter((name) => !FIRST.includes(name));
  const others = own.filter((id, position) => checkColumnOfId(id) === null && (headers[position] ?? '').trim() !== '');
  return [
    ...FIRST.map((name) => columnOf(stores, name)),
    {
      id: LAST_RESULT,
      description: 'What the check found when it last ran. Not a column of the workbook.',
      width: 280,
      readOnly: true,
    },
    ...rest.map((name) => columnOf(stores, name)),
    ...others.map((id) => ({
      id,
      header: headers[own.indexOf(id)] ?? id,
      description: 'Not one of the product’s columns: it is kept and has no effect.',
      width: 120,
    })),
  ];
}

function columnOf(stores: AppStores, name: CheckColumnName): GridColumn {
  const column = checkColumnOfId(name);
  return {
    id: name,
    header: name,
    headerIcon: name === 'enabled' ? <IconCheck size={13} aria-hidden /> : undefined,
    description: column?.help,
    width: WIDTHS[name] ?? 104,
    align: name === 'enabled' || name === 'hold_back' ? 'center' : column?.kind === 'number' ? 'right' : undefined,
    numeric: column?.kind === 'number',
    editor: editorOf(stores, name),
  };
}

function editorOf(stores: AppStores, name: CheckColumnName): CellEditor {
  const column = checkColumnOfId(name);
  if (column?.kind === 'flag') return { kind: 'flag', on: 'Y', off: 'N', checked: flagOf };
  if (column?.kind === 'enum') return { kind: 'choice', options: (column.values ?? []).map((value) => ({ value })) };
  if (name === 'table') return { kind: 'suggest', options: () => tableOptions(stores) };
  if (name === 'column' || name === 'columns')
    return { kind: 'suggest', options: (rowId) => columnOptions(stores, rowId) };
  return { kind: 'text' };
}

/** Target tables of the jobs. */
function tableOptions({ project }: AppStores): GridOption[] {
  const jobs = project.getState().validation?.project.jobs ?? [];
  const tables = new Map(jobs.map((job) => [job.target_table, `${job.source_name}.${job.table_name}`]));
  return [...tables].map(([value, detail]) => ({ value, detail }));
}

/** Columns that the last run of the table's job brought. */
function columnOptions({ project, runs }: AppStores, rowId: string): GridOption[] {
  const table = checkOfRow(project, rowId)?.target_table ?? project.cell(SHEET, rowId, 'table').trim();
  for (const { schema } of runs.getState().lastResults.values()) {
    const landed = schema?.find((candidate) => candidate.table === table);
    if (landed === undefined) continue;
    return landed.columns
      .filter(({ name }) => !name.startsWith('_dlt_'))
      .map(({ name, type }) => ({ value: name, detail: type }));
  }
  return [];
}
