import { IngestError, isIngestError, messageOf } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import { findingsText, toIssue } from './findings-text.ts';
import type { Terminal } from './terminal.ts';

/** Exit codes of spec section 6. */
export const EXIT = { ok: 0, failed: 1, unusable: 2, cancelled: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Raised by a command whose arguments make no sense; exit code 2. */
export function usageError(message: string, hint: string): IngestError {
  return new IngestError('USAGE', message, { hint });
}

/** Prints what happened, why, what to do, and the code; gives back the exit code. */
export function reportFailure(
  error: unknown,
  terminal: Terminal,
  options: { json: boolean; debug: boolean },
): ExitCode {
  const known = isIngestError(error);
  const code = known ? error.code : 'UNEXPECTED';
  if (code === 'CANCELLED') {
    terminal.tell('Cancelled. What was not loaded yet is read by the next run.');
    if (options.json) terminal.printJson({ error: { code, message: messageOf(error), hint: null } });
    return EXIT.cancelled;
  }
  const hint = known
    ? error.hint
    : 'This is a fault of the program. Run it again with --log-level DEBUG and report what it prints.';
  const findings = findingsOf(error);
  terminal.tell(`${terminal.styleTalk('red', '✖')} ${terminal.styleTalk('bold', messageOf(error))}`);
  for (const cause of causes(error)) terminal.tell(`  because: ${cause}`);
  if (hint !== undefined) terminal.tell(`  what to do: ${hint}`);
  terminal.tell(terminal.styleTalk('dim', `  code: ${code}`));
  if (findings.length > 0)
    terminal.tell(`\n${findingsText(findings, (style, text) => terminal.styleTalk(style, text))}`);
  if (options.debug && error instanceof Error && error.stack !== undefined)
    terminal.tell(terminal.styleTalk('dim', error.stack));
  if (options.json) {
    terminal.printJson({
      error: { code, message: messageOf(error), hint: hint ?? null },
      ...(findings.length > 0 ? { issues: findings.map(toIssue) } : {}),
    });
  }
  return exitCodeOf(code);
}

/** Beginnings of the codes that say that the arguments or the project cannot be used; everything else is a failure of the work itself. */
const UNUSABLE = [
  'USAGE',
  'PROJECT_',
  'SELECT',
  'JOB_INVALID',
  'CONNECTION_NOT_FOUND',
  'CONNECTION_INVALID',
  'DESTINATION_UNKNOWN',
  'CHECKS_NONE',
  'GIT_',
  'REVISION_',
  'DESTINATION_NOT_CHOSEN',
  'SOURCE_TYPE_NOT_AVAILABLE',
  'EXPORT_',
  'IMPORT_',
  'STATE_WITHOUT_WATERMARK',
  'WORK_DIRECTORY_NOT_WRITABLE',
];

function exitCodeOf(code: string): ExitCode {
  return UNUSABLE.some((beginning) => code.startsWith(beginning)) ? EXIT.unusable : EXIT.failed;
}

/** Findings that an error carries (`PROJECT_INVALID`). */
function findingsOf(error: unknown): Finding[] {
  const findings = (error as { findings?: unknown } | null)?.findings;
  return Array.isArray(findings) ? (findings as Finding[]) : [];
}

/** Messages of the chain of causes that say something new. */
function causes(error: unknown): string[] {
  const seen = [messageOf(error)];
  const messages: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth += 1, cause = cause.cause) {
    const message = cause.message.trim();
    if (message === '' || seen.some((earlier) => earlier.includes(message))) continue;
    seen.push(message);
    messages.push(message);
  }
  return messages;
}
