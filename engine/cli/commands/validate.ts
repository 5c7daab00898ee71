import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { countFindings, findingsText, toIssue } from '../findings-text.ts';
import { plural } from '../format.ts';

export interface ValidateOptions {
  /** False with `--no-secrets`. */
  secrets: boolean;
}

/** `ingest validate`: all findings; exit code 2 where one is an error. */
export async function validate(context: CommandContext, options: ValidateOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const { project, findings, directory } = await openForCommand(context, { secrets: options.secrets, tolerant: true });
  const valid = !findings.some((finding) => finding.severity === 'error');
  if (globals.json) {
    terminal.printJson({ valid, issues: findings.map(toIssue) });
  } else {
    if (findings.length > 0)
      terminal.print(`${findingsText(findings, (style, text) => terminal.style(style, text))}\n`);
    const sign = valid ? terminal.style('green', '✔') : terminal.style('red', '✖');
    const enabled = project.jobs.filter((job) => job.enabled).length;
    const what = `${plural(project.jobs.length, 'valid job')} (${enabled} enabled), ${plural(project.checks.length, 'check')}`;
    terminal.print(`${sign} ${directory}: ${what}; ${countFindings(findings) || 'nothing to complain about'}.`);
  }
  return valid ? EXIT.ok : EXIT.unusable;
}
