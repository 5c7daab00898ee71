import { alternatives } from './cells.ts';
import type { Remark } from './finding-list.ts';
import type { Job } from './job.ts';
import type { JobColumnName } from './job-columns.ts';
import { DATABASE_SOURCE_TYPES, type FileFormat, INCREMENTAL_MODES } from './kinds.ts';
import { normalizeNames } from './naming.ts';

/** What a rule says of a job, and at which cell. */
export interface RuleRemark extends Remark {
  column: JobColumnName;
}

const isDatabase = (job: Job) => (DATABASE_SOURCE_TYPES as readonly string[]).includes(job.source_type);

const error = (
  column: JobColumnName,
  code: string,
  problem: string,
  hint: string | null = null,
  fix: string | null = null,
): RuleRemark => ({
  severity: 'error',
  column,
  code,
  problem,
  hint,
  fix,
});
const warning = (column: JobColumnName, code: string, problem: string, hint: string | null = null): RuleRemark => ({
  severity: 'warning',
  column,
  code,
  problem,
  hint,
});

/** The rules between a job's values (spec section 1). Values are those after precedence, so a cell at fault may be blank. */
export function jobRules(job: Job): RuleRemark[] {
  const remarks: RuleRemark[] = [];
  const incremental = job.load_type === 'INCREMENTAL';
  const hasKey = job.primary_key.length > 0;

  if (job.source_type === 'oracle' && job.schema_name === null) {
    remarks.push(
      error(
        'schema_name',
        'JOB_SCHEMA_MISSING',
        'fill in the schema; Oracle needs it',
        'The owner of the table, as Oracle spells it.',
      ),
    );
  }
  if (incremental && job.source_type === 'filesystem') {
    if (job.incremental_mode === 'none') {
      const modes = alternatives(INCREMENTAL_MODES.filter((mode) => mode !== 'none'));
      remarks.push(
        error('incremental_mode', 'JOB_WATERMARK_MISSING', `fill in ${modes}; INCREMENTAL needs it to tell new files`),
      );
    }
  } else if (incremental && job.watermark_column === null) {
    remarks.push(
      error(
        'watermark_column',
        'JOB_WATERMARK_MISSING',
        'fill in the column that tells new rows; INCREMENTAL needs it',
        'Or load FULL.',
      ),
    );
  }
  if (job.write_disposition === 'merge' && !hasKey) {
    remarks.push(
      error(
        'write_disposition',
        'JOB_MERGE_WITHOUT_KEY',
        'merge needs a primary_key',
        'Fill in primary_key, or use append or replace.',
      ),
    );
  }
  if (job.lag !== null && !hasKey) {
    remarks.push(
      error(
        'lag',
        'JOB_LAG_WITHOUT_KEY',
        'lag needs a primary_key: rows that are read again must be told',
        'Fill in primary_key.',
      ),
    );
  }
  if (incremental && job.options.null_watermarks === 'include' && !hasKey) {
    remarks.push(
      error(
        'primary_key',
        'JOB_NULLS_WITHOUT_KEY',
        'null_watermarks = "include" needs a primary_key: those rows are read each time',
      ),
    );
  }
  const format = job.source_type === 'filesystem' ? formatOfGlob(job.file_glob) : null;
  if (format !== null && format !== job.file_format) {
    const problem = `these files look like ${format}, and file_format says ${job.file_format}`;
    remarks.push({ ...warning('file_glob', 'JOB_FORMAT_DOUBTFUL', problem), fix: null });
  }
  if (!incremental && job.write_disposition === 'append') {
    remarks.push(
      warning(
        'write_disposition',
        'JOB_FULL_APPEND',
        'each run adds all rows again',
        'Blank means replace for FULL loads.',
      ),
    );
  }
  if (incremental && job.write_disposition === 'replace') {
    remarks.push(
      warning(
        'write_disposition',
        'JOB_INCREMENTAL_REPLACE',
        'only the rows of the last run remain',
        'Use merge or append for INCREMENTAL loads.',
      ),
    );
  }
  if (job.columns.length > 0) remarks.push(...columnRules(job, incremental));
  if (job.primary_key.length > 1) remarks.push(...collisions('primary_key', job.primary_key));
  return remarks;
}

const EXTENSIONS: Record<string, FileFormat> = {
  parquet: 'parquet',
  csv: 'csv',
  tsv: 'csv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
};

/** The format that a glob's extension speaks of, compression left aside. */
function formatOfGlob(glob: string): FileFormat | null {
  const extension = /\.([a-z]+)(?:\.(?:gz|gzip|zst|zstd))?$/i.exec(glob.trim())?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(EXTENSIONS, extension) ? (EXTENSIONS[extension] as FileFormat) : null;
}

function columnRules(job: Job, incremental: boolean): RuleRemark[] {
  const remarks = collisions('columns', job.columns);
  const needed = isDatabase(job) && incremental && job.watermark_column !== null ? [job.watermark_column] : [];
  const missing = [...new Set([...job.primary_key, ...needed])].filter((name) => !job.columns.includes(name));
  if (missing.length > 0) {
    const fix = [...job.columns, ...missing].join(', ');
    remarks.push(
      error(
        'columns',
        'JOB_COLUMNS_INCOMPLETE',
        `add ${missing.join(', ')}, which primary_key or watermark_column name`,
        null,
        fix,
      ),
    );
  }
  return remarks;
}

function collisions(column: JobColumnName, names: readonly string[]): RuleRemark[] {
  return normalizeNames(names).collisions.map(({ normalized, names: together }) =>
    error(
      column,
      'NAMES_FALL_TOGETHER',
      `${together.join(' and ')} would both be ${normalized}`,
      'Leave one of them out.',
    ),
  );
}
