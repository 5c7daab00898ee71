import { parentPort, workerData } from 'node:worker_threads';
import { type ScanTask, scanRange } from './scan-range.ts';

/** What a scanning worker is started with. */
export interface ScanWorkerData {
  ingestScan: ScanTask;
}

/** One range, one answer. */
export async function answer(port: { postMessage(result: unknown): void }, task: ScanTask): Promise<void> {
  port.postMessage(await scanRange(task, null));
}

const own = workerData as ScanWorkerData | null;
if (parentPort !== null && own?.ingestScan !== undefined) await answer(parentPort, own.ingestScan);
