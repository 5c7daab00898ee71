import type { Finding } from './finding.ts';
import { type Job, jobName } from './job.ts';
import { JOBS_SHEET, type Validation } from './project.ts';
import { didYouMean } from './suggest.ts';
import { CONFIG_FILE } from './toml-table.ts';

/** Which jobs a run takes, and what stands against it. */
export interface Selection {
  /** Valid, enabled jobs in workbook order, each once. */
  jobs: Job[];
  /** Rows that were selected but have an error. */
  invalid: Validation['invalidJobs'];
  /** Selectors that select nothing that may run. Whole sentences, each with a way out. */
  problems: { selector: string; code: string; message: string; hint: string | null }[];
}

type Candidate = { row: number; source_name: string; table_name: string; tags: string[]; enabled: boolean };

/**
 * Selects by exact table first, then `source.table`, then `tag:x`; no selectors take all enabled jobs.
 * A disabled job named by table is refused; a tag takes the enabled ones of its jobs.
 */
export function select(
  jobs: readonly Job[],
  invalidJobs: Validation['invalidJobs'],
  selectors: readonly string[],
): Selection {
  const candidates: Candidate[] = [...jobs, ...invalidJobs];
  const problems: Selection['problems'] = [];
  const rows = new Set<number>();
  if (selectors.length === 0) for (const { enabled, row } of candidates) if (enabled) rows.add(row);
  for (const selector of selectors) {
    const { found, byTag } = findCandidates(candidates, selector);
    const enabled = found.filter((candidate) => candidate.enabled);
    if (found.length === 0) problems.push(unknownSelector(candidates, selector));
    else if (enabled.length === 0 || (!byTag && enabled.length < found.length)) {
      const disabled = found.filter((candidate) => !candidate.enabled);
      const which = disabled.map((candidate) => `${jobName(candidate)} (row ${candidate.row})`).join(', ');
      problems.push({
        selector,
        code: 'SELECTOR_DISABLED',
        message: `-j ${selector}: ${which} is not enabled`,
        hint: `Set enabled to Y in SourceConfig row ${disabled[0]?.row}.`,
      });
    }
    for (const candidate of enabled) rows.add(candidate.row);
  }
  return {
    jobs: jobs.filter(({ row }) => rows.has(row)),
    invalid: invalidJobs.filter(({ row }) => rows.has(row)),
    problems,
  };
}

/** Selects by rows of SourceConfig, as a window does. Disabled ones are left out unless nothing else was selected: then that is a problem. */
export function selectRows(
  jobs: readonly Job[],
  invalidJobs: Validation['invalidJobs'],
  rows: readonly number[],
): Selection {
  const wanted = new Set(rows);
  const found = [...jobs, ...invalidJobs].filter(({ row }) => wanted.has(row));
  const known = new Set(found.map(({ row }) => row));
  const missing = rows.filter((row) => !known.has(row));
  const problems: Selection['problems'] = [];
  if (missing.length > 0) {
    problems.push({
      selector: `row ${missing[0]}`,
      code: 'SELECTOR_UNKNOWN',
      message: `${JOBS_SHEET} has no job in row ${missing.slice(0, 5).join(', ')}.`,
      hint: 'Save the workbook, or reload it: it has changed.',
    });
  } else if (found.length > 0 && found.every(({ enabled }) => !enabled)) {
    problems.push({
      selector: `row ${found[0]!.row}`,
      code: 'SELECTOR_DISABLED',
      message: `${found
        .slice(0, 5)
        .map((job) => `${jobName(job)} (row ${job.row})`)
        .join(', ')}: not enabled.`,
      hint: 'Set enabled to Y.',
    });
  }
  return {
    jobs: jobs.filter(({ row, enabled }) => enabled && wanted.has(row)),
    invalid: invalidJobs.filter(({ row, enabled }) => enabled && wanted.has(row)),
    problems,
  };
}

function findCandidates(candidates: readonly Candidate[], selector: string): { found: Candidate[]; byTag: boolean } {
  const byTable = candidates.filter(({ table_name }) => table_name === selector);
  if (byTable.length > 0) return { found: byTable, byTag: false };
  const byName = candidates.filter((candidate) => jobName(candidate) === selector);
  if (byName.length > 0 || !selector.startsWith('tag:')) return { found: byName, byTag: false };
  const tag = selector.slice('tag:'.length).trim().toLowerCase();
  return { found: candidates.filter(({ tags }) => tags.some((own) => own.toLowerCase() === tag)), byTag: true };
}

function unknownSelector(candidates: readonly Candidate[], selector: string): Selection['problems'][number] {
  const names = new Set(
    candidates.flatMap((candidate) => [
      candidate.table_name,
      jobName(candidate),
      ...candidate.tags.map((tag) => `tag:${tag}`),
    ]),
  );
  const near = didYouMean(selector, names);
  return {
    selector,
    code: 'SELECTOR_UNKNOWN',
    message: `-j ${selector}: no job ${selector.toLowerCase().startsWith('tag:') ? 'has this tag' : 'of this name'}`,
    hint: near === null ? '`ingest list` shows all jobs.' : `Did you mean ${near}?`,
  };
}

/**
 * The findings as they weigh for a run of `selection`: errors in rows that were not selected, and in connections that no selected job uses,
 * are warnings. Errors elsewhere (headers, settings, the destination) stay what they are.
 */
export function findingsFor(validation: Pick<Validation, 'findings' | 'invalidJobs'>, selection: Selection): Finding[] {
  const selected = new Set([...selection.jobs, ...selection.invalid].map(({ row }) => row));
  const spared = new Set(validation.invalidJobs.map(({ row }) => row).filter((row) => !selected.has(row)));
  const sections = selection.jobs.flatMap(({ source_name, source_type }) => [source_name, source_type]);
  const used = (column: string) =>
    sections.some((name) => column === `sources.${name}` || column.startsWith(`sources.${name}.`));
  return validation.findings.map((finding) => {
    const { severity, sheet, row, column } = finding;
    const otherRow = sheet === JOBS_SHEET && row !== null && spared.has(row);
    // A selected row that is wrong may be so by its connection, which is not known of it.
    const otherConnection =
      sheet === CONFIG_FILE &&
      selection.invalid.length === 0 &&
      column?.startsWith('sources.') === true &&
      !used(column);
    return severity === 'error' && (otherRow || otherConnection) ? { ...finding, severity: 'warning' } : finding;
  });
}
