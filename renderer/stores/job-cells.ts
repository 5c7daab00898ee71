import { parseFlag } from '../../engine/spec/cells.ts';
import { sourceTypeOf } from '../../engine/spec/connections.ts';
import type { Finding } from '../../engine/spec/finding.ts';
import type { Job, Lag } from '../../engine/spec/job.ts';
import {
  appliesTo,
  type JobColumnName,
  jobColumn,
  jobColumnOfHeader,
  jobColumns,
} from '../../engine/spec/job-columns.ts';
import type { SourceType } from '../../engine/spec/kinds.ts';
import { normalizeName } from '../../engine/spec/naming.ts';
import { isTable, scalarText } from '../../engine/spec/toml-table.ts';
import type { ProjectStore } from './project-store.ts';

/** What a job's cells mean: which apply, what a blank one stands for, what is wrong with it. */

const SHEET = 'SourceConfig';

/** Only read by incremental loads. */
const FOR_INCREMENTAL = new Set<string>(['watermark_column', 'last_watermark', 'lag', 'incremental_mode']);

/** The product's column of a column id, or null. */
export function jobColumnOfId(columnId: string): JobColumnName | null {
  return Object.hasOwn(jobColumns, columnId) ? jobColumnOfHeader(columnId) : null;
}

export function sourceTypeOfRow(project: ProjectStore, rowId: string): SourceType | null {
  return sourceTypeOf(project.cell(SHEET, rowId, 'source_type'));
}

/** False where the cell has no effect in its row, whatever it says. */
export function cellApplies(project: ProjectStore, rowId: string, columnId: string): boolean {
  const name = jobColumnOfId(columnId);
  if (name === null) return true;
  const type = sourceTypeOfRow(project, rowId);
  if (type !== null && !appliesTo(name, type)) return false;
  return !(FOR_INCREMENTAL.has(name) && project.cell(SHEET, rowId, 'load_type').trim().toUpperCase() === 'FULL');
}

function lagText(lag: Lag): string {
  if (lag.kind === 'number') return lag.value;
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  let rest = lag.seconds;
  const parts: string[] = [];
  for (const [seconds, unit] of units) {
    const count = unit === 's' ? rest : Math.floor(rest / seconds);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * seconds;
  }
  return parts.join(' ') || '0s';
}

/** A job's value as its cell would say it; '' for nothing. */
export function valueText(job: Job, name: JobColumnName): string {
  const value = job[name];
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'Y' : 'N';
  if (Array.isArray(value)) return value.join(', ');
  if (name === 'lag') return lagText(value as Lag);
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([column, type]) => `${column}:${String(type)}`)
      .join(', ');
  }
  return String(value);
}

/** What a blank cell stands for: from the connection, its resource or the product; '' where it means nothing set. */
export function effectiveText(project: ProjectStore, rowId: string, columnId: string): string {
  const name = jobColumnOfId(columnId);
  if (name === null || !cellApplies(project, rowId, columnId)) return '';
  const job = project.job(rowId);
  if (job !== null) return valueText(job, name);
  // A row with an error is no job: what can be told without one.
  const table = project.cell(SHEET, rowId, 'table_name').trim();
  if (name === 'target_table') return table === '' ? '' : normalizeName(table);
  if (name === 'api_endpoint') return table;
  const sources = project.getState().document?.config['sources'];
  const connection = isTable(sources) ? sources[project.cell(SHEET, rowId, 'source_name').trim()] : undefined;
  const said = isTable(connection) && jobColumn(name).scope === 'connection' ? scalarText(connection[name]) : '';
  return said === '' ? (jobColumn(name).default ?? '') : said;
}

/** The worst finding of a cell. */
export function findingAt(project: ProjectStore, rowId: string, columnId: string): Finding | null {
  let worst: Finding | null = null;
  for (const finding of project.rowFindings(SHEET, rowId)) {
    if (finding.column?.toLowerCase() !== columnId) continue;
    if (finding.severity === 'error') return finding;
    worst ??= finding;
  }
  return worst;
}

/** A blank cell that says `required` in red. */
export function isMissing(finding: Finding | null): boolean {
  return finding !== null && finding.severity === 'error' && finding.code.endsWith('_MISSING');
}

/** Null where the cell is neither yes nor no. */
export function flagOf(text: string): boolean | null {
  if (text.trim() === '') return null;
  const flag = parseFlag(text);
  return flag.ok ? flag.value : null;
}
