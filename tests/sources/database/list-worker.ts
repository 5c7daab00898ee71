import { parentPort } from 'node:worker_threads';
import { serveRows } from '../../../engine/sources/database/serve-rows.ts';
import { listDialect } from './list-dialect.ts';

if (parentPort) serveRows(parentPort, listDialect);
