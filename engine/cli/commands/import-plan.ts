import path from 'node:path';
import type { PlanImport } from '../../import-dlt/plan-project.ts';
import { writePlanProject } from '../../import-dlt/write-plan.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { countFindings, findingsText, toIssue } from '../findings-text.ts';
import { plural } from '../format.ts';
import { printNotes } from '../import-notes.ts';
import { shortPath } from '../paths.ts';
import type { ImportDltOptions } from './import-dlt.ts';

/** `ingest import-dlt FOLDER` where the folder is a project of the Python framework: a new project in the folder that --config names. */
export async function importPlan(
  context: CommandContext,
  imported: PlanImport,
  options: ImportDltOptions,
): Promise<ExitCode> {
  const { terminal, globals } = context;
  const files =
    options.dryRun === true
      ? []
      : await writePlanProject(path.resolve(globals.config), imported, options.withSecrets === true);
  // Missing secrets are told below, once each.
  const findings = options.dryRun === true ? [] : (await openForCommand(context, { secrets: false })).findings;
  if (globals.json) {
    terminal.printJson({
      jobs: imported.jobs,
      connections: imported.connections,
      secrets: imported.secrets.map((secret) => secret.path.join('.')),
      notes: imported.notes,
      files,
      findings: findings.map(toIssue),
    });
    return EXIT.ok;
  }
  const connections = plural(imported.connections.length, 'connection');
  terminal.print(`${plural(imported.jobs, 'job')}, ${connections}; the workbook is taken over as it is.`);
  printNotes(terminal, imported.notes);
  if (imported.secrets.length > 0) {
    const where = options.withSecrets === true ? 'written to .dlt/secrets.toml' : 'not written; set them before a run';
    terminal.print(`\n${plural(imported.secrets.length, 'secret')} (${where}):`);
    for (const { path: key } of imported.secrets)
      terminal.print(`  ${key.join('.')}  or  ${key.map((part) => part.toUpperCase()).join('__')}`);
  }
  terminal.print('');
  if (options.dryRun === true) terminal.print('Nothing was written (--dry-run).');
  for (const name of files) terminal.print(`Written: ${shortPath(name)}`);
  if (options.dryRun === true) return EXIT.ok;
  if (findings.length > 0) terminal.print(`\n${findingsText(findings, terminal.style.bind(terminal))}`);
  terminal.print(`\nvalidate: ${countFindings(findings) || 'nothing to complain about'}.`);
  return EXIT.ok;
}
