import { alternatives, type CellParser, type CellResult, cellParser, parseFlag, parseList } from './cells.ts';
import { type Connections, sectionOf, tableOf } from './connections.ts';
import type { Finding } from './finding.ts';
import { type FindingList, meant, type Place } from './finding-list.ts';
import { type Job, jobName } from './job.ts';
import { appliesTo, JOB_COLUMN_NAMES, type JobColumn, type JobColumnName, jobColumn } from './job-columns.ts';
import { jobRules } from './job-rules.ts';
import type { SourceType } from './kinds.ts';
import { normalizeName } from './naming.ts';
import type { RawSheet, Validation } from './project.ts';
import { resourceOptionsModel } from './resource.ts';
import { didYouMean } from './suggest.ts';
import { parentCheck } from './validate-parents.ts';

/**
 * Remembers rows from one validation to the next, for a sheet that is being edited: a row whose cells are the same array under the same number is not
 * read again. Whoever passes one never changes an array of cells in place. It forgets by itself when headers, connections or settings change.
 */
export interface RowCache {
  config: unknown;
  key: string;
  rows: WeakMap<readonly string[], { row: number; job: Job | null; findings: readonly Finding[] }>;
}

export function createRowCache(): RowCache {
  return { config: null, key: '', rows: new WeakMap() };
}

/** A column of the sheet, ready to read cells: parsers are compiled once, not a row. */
interface CellReader {
  name: JobColumnName;
  column: JobColumn;
  /** -1 where the sheet does not have it. */
  position: number;
  parse: CellParser;
}

type Values = Partial<Record<JobColumnName, unknown>>;

interface JobsContext {
  list: FindingList;
  sheet: RawSheet;
  readers: readonly CellReader[];
  connections: Connections;
  /** For blank schema_contract cells that no connection settles. */
  schemaContract: Job['schema_contract'];
}

/** What a cell means that is blank everywhere. Shared by jobs, so frozen. */
const BUILT_IN: Values = Object.fromEntries(
  JOB_COLUMN_NAMES.map((name) => {
    const column = jobColumn(name);
    if (column.kind === 'list') return [name, Object.freeze([])];
    if (column.kind === 'types') return [name, Object.freeze({})];
    const parsed = column.default === null ? null : cellParser(column)(column.default);
    return [name, parsed?.ok === true ? parsed.value : null];
  }),
);

const DEFAULT_OPTIONS = resourceOptionsModel.parse({});

/** Where one cell of a job is. */
function place(context: JobsContext, row: number, cells: readonly string[], name: JobColumnName): Place {
  const position = context.readers.find((reader) => reader.name === name)?.position ?? -1;
  return { sheet: context.sheet.name, row, column: name, value: cells[position] ?? '' };
}

/**
 * Rows of `SourceConfig` as jobs. A row with an error is in `invalidJobs`, its findings name every error at once.
 * Checks between jobs (targets, parents) follow in {@link validateTargets}.
 */
export function validateJobs(
  list: FindingList,
  sheet: RawSheet,
  index: ReadonlyMap<JobColumnName, number>,
  connections: Connections,
  schemaContract: Job['schema_contract'],
  cache: RowCache = createRowCache(),
): { jobs: Job[]; invalidJobs: Validation['invalidJobs'] } {
  const readers = JOB_COLUMN_NAMES.map((name) => {
    const column = jobColumn(name);
    return { name, column, position: index.get(name) ?? -1, parse: remembering(column, cellParser(column)) };
  });
  const context: JobsContext = { list, sheet, readers, connections, schemaContract };
  const jobs: Job[] = [];
  const invalidJobs: Validation['invalidJobs'] = [];
  for (const { row, cells } of sheet.rows) {
    const known = cache.rows.get(cells);
    let job: Job | null;
    if (known?.row === row) {
      job = known.job;
      for (const finding of known.findings) list.findings.push(finding);
    } else {
      const before = list.findings.length;
      job = readJob(context, row, cells);
      cache.rows.set(cells, { row, job, findings: list.findings.slice(before) });
    }
    if (job === null) invalidJobs.push(asTyped(row, cells, index));
    else jobs.push(job);
  }
  if (!index.has('enabled') && sheet.rows.length > 0) {
    list.add({ sheet: sheet.name, row: sheet.headerRow, column: 'enabled' }, ENABLED_BY_DEFAULT);
  }
  return { jobs, invalidJobs };
}

/** Cells that take some reading, or some guessing of what was meant, are mostly alike: their results are kept by text, lists as copies. */
const REMEMBERED: readonly JobColumn['kind'][] = ['list', 'types', 'lag', 'enum'];

function remembering(column: JobColumn, parse: CellParser): CellParser {
  if (!REMEMBERED.includes(column.kind)) return parse;
  const known = new Map<string, CellResult>();
  return (text) => {
    let result = known.get(text);
    if (result === undefined) {
      result = parse(text);
      known.set(text, result);
    }
    return result.ok && Array.isArray(result.value) ? { ok: true, value: [...result.value] } : result;
  };
}

const ENABLED_BY_DEFAULT = { severity: 'notice', code: 'JOB_ENABLED_BLANK', problem: 'blank means Y' } as const;

/** A row that cannot be a job, as far as it can be read: selectors must find it. */
export function asTyped(
  row: number,
  cells: readonly string[],
  index: ReadonlyMap<JobColumnName, number>,
): Validation['invalidJobs'][number] {
  const text = (name: JobColumnName) => (cells[index.get(name) ?? -1] ?? '').trim();
  const tags = parseList(text('tags'));
  const enabled = parseFlag(text('enabled'));
  return {
    row,
    source_name: text('source_name'),
    table_name: text('table_name'),
    tags: tags.ok ? tags.value : [],
    enabled: enabled.ok ? enabled.value : true,
  };
}

function readJob(context: JobsContext, row: number, cells: readonly string[]): Job | null {
  const { values, filled, failed } = readCells(context, row, cells);
  const type = values.source_type as SourceType | undefined;
  if (type !== undefined) warnOfUselessCells(context, row, cells, filled, type);
  const source = checkConnection(context, row, cells, values);
  if (failed || source === null) return null;

  const job = completeJob(context, row, values, source);
  let valid = !source.faulty;
  for (const { column, ...remark } of jobRules(job)) {
    if (remark.severity === 'error') valid = false;
    context.list.add(place(context, row, cells, column), remark);
  }
  for (const name of ['target_schema', 'target_table'] as const) {
    const cell = values[name] as string | undefined;
    if (cell !== undefined && filled.includes(name) && cell !== job[name]) {
      context.list.add(place(context, row, cells, name), {
        severity: 'notice',
        code: 'JOB_NAME_NORMALIZED',
        problem: `becomes ${job[name]} in the destination`,
        fix: job[name],
      });
    }
  }
  return valid ? job : null;
}

/** Reads all cells of a row; wrong and missing ones become findings. */
function readCells(
  context: JobsContext,
  row: number,
  cells: readonly string[],
): { values: Values; filled: JobColumnName[]; failed: boolean } {
  const values: Values = {};
  const filled: JobColumnName[] = [];
  let failed = false;
  for (const { name, column, position, parse } of context.readers) {
    const text = position < 0 ? '' : (cells[position] ?? '');
    if (text === '' || text.trim() === '') {
      if (column.required) {
        failed = true;
        const example =
          column.values === undefined
            ? `fill in this cell, e.g. ${column.example}`
            : `fill in ${alternatives(column.values)}`;
        context.list.add(
          { sheet: context.sheet.name, row, column: name, value: text },
          { severity: 'error', code: 'JOB_VALUE_MISSING', problem: example },
        );
      } else if (name === 'enabled' && position >= 0) {
        context.list.add({ sheet: context.sheet.name, row, column: name, value: text }, ENABLED_BY_DEFAULT);
      }
      continue;
    }
    filled.push(name);
    const result = parse(text);
    if (result.ok) values[name] = result.value;
    else if (isUseless(name, values)) continue;
    else {
      failed = true;
      const { problem, fix } = result;
      context.list.add(
        { sheet: context.sheet.name, row, column: name, value: text },
        { severity: 'error', code: 'JOB_VALUE_NOT_ALLOWED', problem, hint: meant(fix), fix },
      );
    }
  }
  return { values, filled, failed };
}

/** A cell without effect for the row's source type cannot be wrong; that it has none is said once ({@link warnOfUselessCells}). */
function isUseless(name: JobColumnName, values: Values): boolean {
  const type = values.source_type as SourceType | undefined;
  return type !== undefined && !appliesTo(name, type);
}

function warnOfUselessCells(
  context: JobsContext,
  row: number,
  cells: readonly string[],
  filled: readonly JobColumnName[],
  type: SourceType,
): void {
  for (const name of filled) {
    if (appliesTo(name, type)) continue;
    const instead =
      name === 'watermark_column' && type === 'filesystem' ? 'Use incremental_mode to tell new files.' : null;
    context.list.add(place(context, row, cells, name), {
      severity: 'warning',
      code: 'JOB_CELL_NOT_APPLICABLE',
      problem: `means nothing for ${type} and has no effect`,
      hint: instead,
    });
  }
}

/** What the connection gives to a job. `faulty`: it stands, but has errors of its own that its own findings name. */
interface JobSource {
  values: Values;
  options: Job['options'];
  faulty: boolean;
}

/** Null where the job has no connection, or one of another kind. */
function checkConnection(
  context: JobsContext,
  row: number,
  cells: readonly string[],
  values: Values,
): JobSource | null {
  const { connections, list } = context;
  const type = values.source_type as SourceType | undefined;
  const name = values.source_name as string | undefined;
  if (type === undefined || name === undefined) return null;
  const section = sectionOf(connections, name, type);
  if (section === null) {
    const fix = didYouMean(name, connections.names);
    const there =
      connections.names.length === 0 ? 'there is none' : `known: ${connections.names.slice(0, 20).join(', ')}`;
    list.add(place(context, row, cells, 'source_name'), {
      severity: 'error',
      code: 'JOB_CONNECTION_MISSING',
      problem: `no connection of this name; ${there}`,
      hint: fix === null ? `Add [sources.${name}] to .dlt/config.toml.` : meant(fix),
      fix,
    });
    return null;
  }
  const table = tableOf(connections, name, type);
  if (table === undefined) return { values: {}, options: DEFAULT_OPTIONS, faulty: true };
  if (table.type !== type) {
    list.add(place(context, row, cells, 'source_type'), {
      severity: 'error',
      code: 'JOB_CONNECTION_TYPE',
      problem: `connection ${section} is ${table.type}`,
      hint: `Use ${table.type}, or name another connection.`,
      fix: table.type,
    });
    return null;
  }
  const defaults = table.resources.get(values.table_name as string) ?? table.defaults;
  return { values: defaults.values, options: defaults.options, faulty: table.connection === null || defaults.faulty };
}

/** Lays a job's cells over resource, connection and built-in defaults. Only for rows whose cells are all right. */
function completeJob(context: JobsContext, row: number, cells: Values, source: JobSource): Job {
  const type = cells.source_type as SourceType;
  const pick = <Name extends JobColumnName>(name: Name, builtIn: unknown = BUILT_IN[name]): Job[Name] =>
    (appliesTo(name, type) ? (cells[name] ?? source.values[name] ?? builtIn) : builtIn) as Job[Name];
  const table_name = cells.table_name as string;
  const load_type = cells.load_type as Job['load_type'];
  const primary_key = pick('primary_key');
  const written = load_type === 'FULL' ? 'replace' : primary_key.length > 0 ? 'merge' : 'append';
  const target_schema = pick('target_schema');
  return {
    row,
    source_type: type,
    source_name: cells.source_name as string,
    table_name,
    load_type,
    enabled: pick('enabled'),
    schema_name: pick('schema_name'),
    watermark_column: pick('watermark_column'),
    last_watermark: pick('last_watermark'),
    chunk_size: pick('chunk_size'),
    api_endpoint: pick('api_endpoint', type === 'api' ? table_name : null),
    pagination_type: pick('pagination_type'),
    auth_type: pick('auth_type'),
    page_size: pick('page_size'),
    data_selector: pick('data_selector'),
    file_glob: pick('file_glob'),
    file_format: pick('file_format'),
    incremental_mode: pick('incremental_mode'),
    source_object: pick('source_object'),
    target_schema: target_schema === null ? null : normalizeName(target_schema),
    target_table: normalizeName(pick('target_table', table_name)),
    primary_key,
    write_disposition: pick('write_disposition', written),
    columns: pick('columns'),
    column_types: pick('column_types'),
    filter: pick('filter'),
    lag: pick('lag'),
    schema_contract: pick('schema_contract', context.schemaContract),
    tags: pick('tags'),
    description: pick('description'),
    options: source.options,
  };
}

/**
 * What only shows between jobs: two enabled ones on one target, and parents that are no resource of the connection.
 * Rows that come later are at fault; their numbers come back. `defaultSchema` is that of the chosen destination.
 */
export function validateTargets(
  list: FindingList,
  sheet: RawSheet,
  jobs: readonly Job[],
  index: ReadonlyMap<JobColumnName, number>,
  defaultSchema: string | null,
): ReadonlySet<number> {
  const wrong = new Set<number>();
  let cellsOf: Map<number, readonly string[]> | null = null;
  const at = (row: number, name: JobColumnName): Place => {
    cellsOf ??= new Map(sheet.rows.map(({ row: number, cells }) => [number, cells]));
    return { sheet: sheet.name, row, column: name, value: cellsOf.get(row)?.[index.get(name) ?? -1] ?? '' };
  };
  const parentsOf = parentCheck(jobs);
  const defaultTarget = defaultSchema === null ? null : normalizeName(defaultSchema);
  /** By schema, by table; both are normalised, so in lower case. */
  const targets = new Map<string, Map<string, Job>>();
  for (const job of jobs) {
    for (const { column, ...problem } of parentsOf(job)) {
      wrong.add(job.row);
      list.add(at(job.row, column), { severity: 'error', ...problem });
    }
    if (!job.enabled) continue;
    const schema = job.target_schema ?? defaultTarget;
    let tables = targets.get(schema ?? '');
    if (tables === undefined) {
      tables = new Map();
      targets.set(schema ?? '', tables);
    }
    const first = tables.get(job.target_table);
    if (first === undefined) {
      tables.set(job.target_table, job);
      continue;
    }
    wrong.add(job.row);
    const column = at(job.row, 'target_table').value === '' ? 'table_name' : 'target_table';
    const shown = schema === null ? job.target_table : `${schema}.${job.target_table}`;
    list.add(at(job.row, column), {
      severity: 'error',
      code: 'JOB_TARGET_TWICE',
      problem: `row ${first.row} (${jobName(first)}) loads into ${shown} already`,
      hint: 'Give one of them another target_table or target_schema, or disable it.',
      fix: null,
    });
  }
  return wrong;
}
