import path from 'node:path';
import { ASSET_BUNDLE_FILE } from '../../bundle/asset-bundle.ts';
import { buildBundle } from '../../bundle/export-bundle.ts';
import { differenceTo, inspectTarget, writeBundle } from '../../bundle/write-bundle.ts';
import type { CiSystem } from '../../spec/kinds.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { differenceText } from '../difference-text.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { findingsText, toIssue } from '../findings-text.ts';
import { plural } from '../format.ts';
import { shortPath } from '../paths.ts';
import { VERSION } from '../version.ts';

export interface ExportOptions {
  output: string;
  dryRun?: boolean;
  /** With a Databricks Asset Bundle. */
  dab?: boolean;
  dabImage?: string;
  ci?: CiSystem;
}

/** `ingest export -o DIR`: a validated bundle that runs unchanged elsewhere; exit code 2 where the project has an error. */
export async function exportProject(context: CommandContext, options: ExportOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const opened = await openForCommand(context, { secrets: false });
  const bundle = await buildBundle(opened, {
    app: { name: 'ingest', version: VERSION },
    now: new Date(),
    ...(options.dab === true || options.dabImage !== undefined
      ? { databricks: { image: options.dabImage ?? null } }
      : {}),
    ...(options.ci === undefined ? {} : { ci: options.ci }),
  });
  const place = await inspectTarget(path.resolve(options.output), opened.directory);
  const difference = await differenceTo(place, opened.files);
  const files = options.dryRun === true ? bundle.files.map(({ name }) => name) : await writeBundle(bundle, place);
  const warnings = bundle.findings.filter(({ severity }) => severity !== 'notice');
  if (globals.json) {
    terminal.printJson({
      directory: place.folder,
      written: options.dryRun !== true,
      files,
      secrets: bundle.secrets,
      difference,
      issues: bundle.findings.map(toIssue),
    });
    return EXIT.ok;
  }
  if (warnings.length > 0) terminal.print(`${findingsText(warnings, terminal.style.bind(terminal))}\n`);
  if (difference !== null) {
    terminal.print(`Since the last export:\n${differenceText(difference, terminal.style.bind(terminal))}\n`);
  }
  const done = options.dryRun === true ? 'would be written to' : 'written to';
  terminal.print(`${terminal.style('green', '✔')} ${plural(files.length, 'file')} ${done} ${shortPath(place.folder)}`);
  if (bundle.secrets.length > 0) {
    terminal.print('\nWhere it runs, it needs these secrets:');
    for (const { environment } of bundle.secrets) terminal.print(`  ${environment}`);
  }
  terminal.print(
    `\nRun it with:\n  ingest run -c ${shortPath(place.folder)}${globals.env === undefined ? '' : ` --env ${globals.env}`}`,
  );
  if (files.includes(ASSET_BUNDLE_FILE)) {
    terminal.print('On Databricks, from that folder:\n  databricks bundle deploy -t dev');
  }
  return EXIT.ok;
}
