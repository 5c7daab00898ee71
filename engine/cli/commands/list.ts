import type { Job } from '../../spec/job.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { plural } from '../format.ts';
import { selectedRows } from '../selection.ts';
import { renderTable } from '../table.ts';

export interface ListOptions {
  job?: string[];
}

/** `ingest list`: every job of the workbook in its order, disabled and invalid ones too. */
export async function list(context: CommandContext, options: ListOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const opened = await openForCommand(context, { secrets: false });
  const rows = selectedRows(opened, options.job ?? []);
  const jobs = opened.project.jobs.filter((job) => rows.has(job.row));
  const invalid = opened.invalidJobs.filter((job) => rows.has(job.row));
  if (globals.json) {
    const entries = [
      ...jobs.map((job) => ({ ...describe(job), valid: true })),
      ...invalid.map((job) => ({ ...job, valid: false })),
    ];
    terminal.printJson(entries.sort((one, other) => one.row - other.row));
    return EXIT.ok;
  }
  const lines = [
    ...jobs.map((job) => ({ row: job.row, cells: cells(job) })),
    ...invalid.map(({ row, source_name, table_name, tags }) => ({
      row,
      cells: [String(row), 'invalid', `${source_name}.${table_name}`, '', '', '', '', tags.join(', ')],
    })),
  ].sort((one, other) => one.row - other.row);
  const columns = ['row', 'status', 'job', 'source', 'load', 'disposition', 'target', 'tags'].map((header) => ({
    header,
  }));
  terminal.print(
    renderTable(
      columns,
      lines.map((line) => line.cells),
      {
        width: terminal.printColumns,
        style: (style, text) => terminal.style(style, text),
      },
    ),
  );
  const enabled = jobs.filter((job) => job.enabled).length;
  terminal.print(
    `\n${plural(lines.length, 'job')}, ${enabled} enabled${invalid.length > 0 ? `, ${invalid.length} invalid (ingest validate says why)` : ''}`,
  );
  return EXIT.ok;
}

function cells(job: Job): string[] {
  return [
    String(job.row),
    job.enabled ? 'enabled' : 'disabled',
    `${job.source_name}.${job.table_name}`,
    job.source_type,
    job.load_type,
    job.write_disposition,
    job.target_schema === null ? job.target_table : `${job.target_schema}.${job.target_table}`,
    job.tags.join(', '),
  ];
}

/** What `list --json` says of a job: its columns by the workbook's names, without the options of config.toml, which may hold headers. */
function describe({ options: _options, lag, ...job }: Job) {
  return { ...job, lag: lag === null ? null : lag.kind === 'duration' ? `${lag.seconds}s` : lag.value };
}
