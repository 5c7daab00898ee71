import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../bundle/write-atomic.ts';
import { IngestError, messageOf } from '../errors.ts';
import { fileNamePart } from '../runs/run-id.ts';
import type { Redactor } from '../secrets/redaction.ts';
import { type CheckReport, QUALITY_VERSION, type QualityDocument } from '../spec/metrics.ts';
import { reportHtml } from './report-html.ts';

export interface QualityFacts {
  pipeline: string;
  runId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  destination: string;
  origin: QualityDocument['origin'];
  reports: readonly CheckReport[];
}

export interface WrittenReport {
  json: string;
  html: string;
  document: QualityDocument;
}

/**
 * Writes `metadata/quality_<pipeline>_<run id>.json` and the same for people as one HTML file that needs nothing else. No secret is in them.
 * @throws IngestError WORK_DIRECTORY_NOT_WRITABLE, and of {@link writeFileAtomic}
 */
export async function writeQualityReport(
  workDirectory: string,
  facts: QualityFacts,
  redactor: Redactor,
): Promise<WrittenReport> {
  const document = redacted(
    {
      version: QUALITY_VERSION,
      pipeline_name: facts.pipeline,
      run_id: facts.runId,
      run_timestamp: new Date(facts.startedAt).toISOString(),
      destination: facts.destination,
      origin: facts.origin,
      reports: [...facts.reports],
    },
    redactor,
  );
  const folder = path.join(workDirectory, 'metadata');
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new IngestError(
      'WORK_DIRECTORY_NOT_WRITABLE',
      `The report cannot be written to ${folder}: ${messageOf(error)}`,
      {
        hint: 'Give it another folder with --work-dir, or free space and permissions there.',
        cause: error,
      },
    );
  });
  const base = path.join(folder, `quality_${fileNamePart(facts.pipeline)}_${facts.runId}`);
  const [json, html] = [`${base}.json`, `${base}.html`];
  await writeFileAtomic(json, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
  await writeFileAtomic(html, reportHtml(document), { mode: 0o600 });
  return { json, html, document };
}

/** A secret may be any word, `passed` too: what comes from a closed list is never changed. */
function redacted(document: QualityDocument, redactor: Redactor): QualityDocument {
  const safe = redactor.data(document, { keys: 'keep' });
  return {
    ...safe,
    run_id: document.run_id,
    run_timestamp: document.run_timestamp,
    origin: document.origin,
    reports: safe.reports.map((report, i) => ({
      ...report,
      run_timestamp: document.reports[i]!.run_timestamp,
      checks: report.checks.map((check, k) => {
        const { status, severity } = document.reports[i]!.checks[k]!;
        return { ...check, status, severity };
      }),
    })),
  };
}
