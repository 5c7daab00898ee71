import { parentPort, workerData } from 'node:worker_threads';
import { type ScanTask, scanRange } from './scan-range.ts';

// A thread of scanFile: one range, one answer.
parentPort?.postMessage(await scanRange(workerData as ScanTask, null));
