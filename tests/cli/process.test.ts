import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copySample } from '../../resources/sample/demo.ts';
import { cli, startCli } from './cli-process.ts';
import { tempFolder, writeProject } from './cli-project.ts';

let root: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder: root, remove } = await tempFolder());
});
afterAll(() => remove());

/** An API of five pages whose third hangs while `hanging` is on. */
class SlowApi {
  hanging = true;
  readonly #server: Server;
  readonly #waiting: Promise<void>;

  constructor() {
    let reached: () => void;
    this.#waiting = new Promise((resolve) => {
      reached = resolve;
    });
    this.#server = createServer((request, response) => {
      const page = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('page') ?? 1);
      if (page === 3 && this.hanging) return reached();
      const records = Array.from({ length: 10 }, (_, index) => ({
        id: (page - 1) * 10 + index,
        seen: `2026-01-0${page}T00:00:00Z`,
      }));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ records: page <= 5 ? records : [], total_pages: 5 }));
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when a run is in the middle of its read. */
  inTheMiddle(): Promise<void> {
    return this.#waiting;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function slowProject(name: string): Promise<{ folder: string; api: SlowApi }> {
  const api = new SlowApi();
  const url = await api.start();
  const folder = path.join(root, name);
  await writeProject(folder, {
    jobs: [
      {
        source_type: 'api',
        source_name: 'slow',
        table_name: 'things',
        load_type: 'INCREMENTAL',
        watermark_column: 'seen',
        primary_key: 'id',
        pagination_type: 'page_number',
        data_selector: 'records',
      },
    ],
    settings: { name: 'slow_pipeline' },
    config: `[sources.slow]\nbase_url = "${url}"\n[sources.slow.resources.things]\ntotal_pages_path = "total_pages"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n`,
  });
  return { folder, api };
}

async function idsIn(database: string): Promise<number[]> {
  const instance = await DuckDBInstance.create(database, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll('SELECT CAST(id AS INTEGER) FROM raw.things ORDER BY id');
    return reader.getRows().map(([id]) => id as number);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe('cancellation', () => {
  test('Ctrl+C ends with 130, loads nothing, leaves state untouched and no temporary files; the next run loads everything once', async () => {
    const { folder, api } = await slowProject('cancelled');
    try {
      const running = startCli(['-c', folder, '--json']);
      await api.inTheMiddle();
      running.child.kill('SIGINT');
      const { code, stdout, stderr } = await running.result;
      expect(stderr).toContain('Cancelling');
      expect(code).toBe(130);
      expect(JSON.parse(stdout).jobs).toEqual([expect.objectContaining({ status: 'CANCELLED', rows_processed: 0 })]);
      expect((await cli(['-c', folder, 'state', 'show', '--json'])).stdout.trim()).toBe('[]');
      expect(JSON.parse((await cli(['-c', folder, 'clean', '--dry-run', '--json'])).stdout)).toMatchObject({
        removed: [],
        kept: 0,
      });

      api.hanging = false;
      expect((await startCli(['-c', folder]).result).code).toBe(0);
      expect(await idsIn(path.join(folder, 'out.duckdb'))).toEqual(Array.from({ length: 50 }, (_, index) => index));
    } finally {
      api.close();
    }
  });

  test('the same signal twice at once (npm passes it on) still ends in order; a scheduler’s SIGTERM too', async () => {
    const { folder, api } = await slowProject('twice');
    try {
      const running = startCli(['-c', folder, 'run', '--json']);
      await api.inTheMiddle();
      running.child.kill('SIGTERM');
      running.child.kill('SIGINT');
      const { code, stdout } = await running.result;
      expect(code).toBe(130);
      expect(JSON.parse(stdout).jobs[0].status).toBe('CANCELLED');
    } finally {
      api.close();
    }
  });
});

test('a second Ctrl+C ends at once what does not end in order', async () => {
  const entry = path.join(import.meta.dirname, 'never-ending.ts');
  const { child, result } = startCli([], { entry });
  const told = (text: string) =>
    new Promise<void>((resolve) => {
      let heard = '';
      child.stderr?.on('data', (chunk: string) => {
        heard += chunk;
        if (heard.includes(text)) resolve();
      });
    });
  const [ready, cancelling] = [told('ready'), told('Cancelling')];
  await ready;
  child.kill('SIGINT');
  await cancelling;
  child.kill('SIGINT');
  const later = setInterval(() => child.kill('SIGINT'), 100);
  expect((await result).code).toBe(130);
  clearInterval(later);
});

describe('as a process', () => {
  test('npm’s bin runs from any folder, in the flag form', async () => {
    const folder = path.join(root, 'bin');
    await copySample(folder);
    const entry = path.join(import.meta.dirname, '..', '..', 'bin', 'ingest.mjs');
    const { code, stdout, stderr } = await startCli(['--job', 'stores', '--json'], { cwd: folder, entry }).result;
    expect(stderr).not.toContain('✖');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).summary).toMatchObject({ total_jobs: 1, total_rows: 30 });
    expect((await startCli(['--validate'], { cwd: folder, entry }).result).code).toBe(0);
    expect((await startCli(['--valdate'], { cwd: folder, entry }).result).code).toBe(2);
  });

  test('npm run ingest means the folder that one stands in', async () => {
    const folder = path.join(root, 'stood-in');
    await copySample(folder);
    const env = { npm_lifecycle_event: 'ingest', INIT_CWD: folder };
    const { code, stdout } = await startCli(['list', '--json'], { env }).result;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(13);
  });

  test('a reader that goes away is no error', async () => {
    const folder = path.join(root, 'pipe');
    await copySample(folder);
    const running = startCli(['-c', folder, 'list', '--json']);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.result;
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('--help loads no database engine', async () => {
    const { stdout } = await startCli(['--help'], {
      env: {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent("process.on('exit',()=>console.log('loaded',process.report.getReport().sharedObjects.filter((file)=>/duckdb/.test(file)).length))")}`,
      },
    }).result;
    expect(stdout).toContain('Commands:');
    expect(stdout).toContain('loaded 0');
  });
});
