import type { WireError } from '../contract.ts';
import { type IngestError, isIngestError, messageOf } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';

/** Anything thrown as a window shows it; not redacted yet. */
export function describeFailure(error: unknown): WireError {
  if (isIngestError(error)) {
    return {
      code: error.code,
      message: error.message,
      hint: error.hint ?? null,
      detail: detailOf(error),
      findings: findingsOf(error),
    };
  }
  return {
    code: 'INTERNAL',
    message: `Something went wrong that Ingest Studio did not expect: ${firstLine(messageOf(error))}`,
    hint: 'Try it again. If it happens again, copy the details and tell us.',
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    findings: [],
  };
}

/** Code, message and every cause behind it. */
function detailOf(error: IngestError): string {
  const lines = [`${error.code}: ${error.message}`];
  let cause: unknown = error.cause;
  for (let depth = 0; cause !== undefined && cause !== null && depth < 5; depth += 1) {
    lines.push(`caused by: ${messageOf(cause).slice(0, 4000)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines.join('\n');
}

function findingsOf(error: IngestError): Finding[] {
  return 'findings' in error && Array.isArray(error.findings) ? (error.findings as Finding[]) : [];
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 300);
}
