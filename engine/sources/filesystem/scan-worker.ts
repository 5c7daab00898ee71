import { parentPort, workerData } from 'node:worker_threads';
import { type ScanTask, scanRange } from './scan-range.ts';

/** What a scanning worker is started with: it tells the worker that it is one. */
export interface ScanWorkerData {
  ingestScan: true;
}

/** One range, one answer. */
export async function answer(port: { postMessage(result: unknown): void }, task: ScanTask): Promise<void> {
  port.postMessage(await scanRange(task, null));
}

const port = parentPort;
const own = workerData as ScanWorkerData | null;
if (port !== null && own?.ingestScan === true) port.on('message', (task: ScanTask) => void answer(port, task));
