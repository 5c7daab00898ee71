import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type CheckResult, type QualityDocument, qualityDocumentModel } from '../spec/metrics.ts';

/** Reports that are looked through, newest first. */
const REPORTS_READ = 50;
const AT_A_TIME = 8;
const REPORT = /^quality_.+_(\d{8}_\d{6}_[0-9a-f]{6})\.json$/;

/** One result of a check, with when and where it was found. */
export interface CheckPoint {
  /** ISO 8601, UTC. */
  at: string;
  run_id: string;
  origin: QualityDocument['origin'];
  destination: string;
  result: CheckResult;
}

/** A check's results over time, oldest first. */
export interface CheckHistory {
  /** `schema.table` */
  table: string;
  name: string;
  type: string;
  points: CheckPoint[];
}

/** Results of all checks that the reports of a work folder tell of. Reports that are not ours, or of a newer version, are passed over. */
export class QualityHistory {
  readonly #read = new Map<string, QualityDocument>();

  async list(workDirectory: string): Promise<CheckHistory[]> {
    const folder = path.join(workDirectory, 'metadata');
    const files = (await readdir(folder).catch((): string[] => []))
      .flatMap((name) => {
        const runId = REPORT.exec(name)?.[1];
        return runId === undefined ? [] : [{ file: path.join(folder, name), runId }];
      })
      .sort((a, b) => (a.runId < b.runId ? -1 : 1))
      .slice(-REPORTS_READ);
    const documents: (QualityDocument | null)[] = [];
    for (let at = 0; at < files.length; at += AT_A_TIME)
      documents.push(...(await Promise.all(files.slice(at, at + AT_A_TIME).map(({ file }) => this.#document(file)))));
    for (const file of this.#read.keys()) if (!files.some((known) => known.file === file)) this.#read.delete(file);
    // A run id tells seconds; runs of one second have an order, too.
    const ordered = documents
      .filter((document) => document !== null)
      .sort((a, b) => (a.run_timestamp < b.run_timestamp ? -1 : a.run_timestamp > b.run_timestamp ? 1 : 0));
    return historiesOf(ordered);
  }

  /** A report is written once and never changed. */
  async #document(file: string): Promise<QualityDocument | null> {
    const known = this.#read.get(file);
    if (known) return known;
    const document = await readFile(file, 'utf8')
      .then((text) => qualityDocumentModel.parse(JSON.parse(text)))
      .catch(() => null);
    if (document !== null) this.#read.set(file, document);
    return document;
  }
}

/** Pure; documents oldest first. */
export function historiesOf(documents: readonly QualityDocument[]): CheckHistory[] {
  const histories = new Map<string, CheckHistory>();
  for (const { run_timestamp: at, run_id, origin, destination, reports } of documents) {
    for (const { table_name: table, checks } of reports) {
      for (const result of checks) {
        const { check_name: name, check_type: type } = result;
        const key = JSON.stringify([table, name, type]);
        const history = histories.get(key) ?? { table, name, type, points: [] };
        history.points.push({ at, run_id, origin, destination, result });
        histories.set(key, history);
      }
    }
  }
  return [...histories.values()];
}
