import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { DltImport } from '../../import-dlt/dlt-import.ts';
import { readDltImport } from '../../import-dlt/import-dlt.ts';
import { readPlanProject } from '../../import-dlt/plan-project.ts';
import { type WrittenImport, writeImport } from '../../import-dlt/write-import.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { plural } from '../format.ts';
import { printNotes } from '../import-notes.ts';
import { shortPath } from '../paths.ts';
import { renderTable } from '../table.ts';
import { importPlan } from './import-plan.ts';

export interface ImportDltOptions {
  /** Name of the connection. */
  name?: string;
  /** Say what would be written, write nothing. */
  dryRun?: boolean;
  /** Write the secrets that were found to .dlt/secrets.toml. */
  withSecrets?: boolean;
}

/**
 * `ingest import-dlt`: a dlt rest_api config or project becomes job rows and connections of the project that --config names.
 * A folder with a workbook is a project of the Python framework and becomes a project of its own.
 */
export async function importDlt(context: CommandContext, file: string, options: ImportDltOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const isFolder = await stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const plan = isFolder ? await readPlanProject(file) : null;
  if (plan !== null) return importPlan(context, plan, options);
  const imported = await readDltImport(file, options.name);
  const directory = path.resolve(globals.config);
  const written: WrittenImport =
    options.dryRun === true
      ? { files: [], jobs: 0, notes: [] }
      : await writeImport(directory, imported, options.withSecrets === true);
  const notes = [...imported.notes, ...written.notes];
  const findings = options.dryRun === true ? [] : await problems(context);
  if (globals.json) {
    terminal.printJson({
      jobs: imported.jobs,
      connections: imported.connections,
      secrets: imported.secrets.map((secret) => secret.path.join('.')),
      notes,
      files: written.files,
      findings,
    });
    return EXIT.ok;
  }
  printJobs(context, imported);
  printNotes(terminal, notes);
  if (imported.secrets.length > 0) {
    terminal.print(`\n${plural(imported.secrets.length, 'secret')} needed (.dlt/secrets.toml.example names them):`);
    for (const secret of imported.secrets) terminal.print(`  ${secret.path.join('.')}`);
  }
  terminal.print('');
  if (options.dryRun === true) terminal.print('Nothing was written (--dry-run).');
  else if (written.files.length === 0) terminal.print('Everything was there already; nothing was written.');
  for (const name of written.files) terminal.print(`Written: ${shortPath(name)}`);
  for (const { message, hint } of findings)
    terminal.print(`${terminal.style('yellow', '▲')} ${message}${hint === null ? '' : ` ${hint}`}`);
  return EXIT.ok;
}

/** What stands against a run of the project now; missing secrets are told already. */
async function problems(context: CommandContext) {
  const { findings } = await openForCommand(context, { secrets: false, tolerant: true });
  return findings
    .filter(({ severity }) => severity === 'error')
    .map(({ code, message, hint, sheet, row, column }) => ({ code, message, hint, sheet, row, column }));
}

function printJobs({ terminal }: CommandContext, { jobs, connections }: DltImport): void {
  terminal.print(`${plural(jobs.length, 'job')}, ${plural(Object.keys(connections).length, 'connection')}\n`);
  terminal.print(
    renderTable(
      [
        { header: 'source_name' },
        { header: 'table_name' },
        { header: 'load_type' },
        { header: 'api_endpoint' },
        { header: 'pagination_type' },
        { header: 'write_disposition' },
      ],
      jobs.map((job) => [
        job.source_name ?? '',
        job.table_name ?? '',
        job.load_type ?? '',
        job.api_endpoint ?? '',
        job.pagination_type ?? '?',
        job.write_disposition ?? '',
      ]),
      { width: terminal.printColumns, style: terminal.style.bind(terminal) },
    ),
  );
}
