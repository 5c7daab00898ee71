import { parentPort } from 'node:worker_threads';
import { serveRows } from '../database/serve-rows.ts';
import { mssqlDialect } from './driver-session.ts';

if (parentPort !== null) serveRows(parentPort, mssqlDialect);
