import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Workspace, type WorkspaceConnection } from '../../engine/duckdb/workspace.ts';
import type { CheckRunner, LoadScope } from '../../engine/quality/check-runner.ts';
import { createDuckDbRunner } from '../../engine/quality/duckdb-runner.ts';
import { runCheck } from '../../engine/quality/run-check.ts';
import { type Check, checkModel, DEFAULT_CHECK_SEVERITY } from '../../engine/spec/check.ts';
import type { CheckResult } from '../../engine/spec/metrics.ts';

/** Of every type, what it does not need left out. */
type CheckValues = { type: Check['type'] } & Record<string, unknown>;

export function makeCheck(values: CheckValues): Check {
  return checkModel.parse({
    row: 2,
    name: `${values.type}_t`,
    table: 't',
    target_schema: null,
    target_table: 't',
    severity: DEFAULT_CHECK_SEVERITY[values.type],
    enabled: true,
    scope: 'table',
    hold_back: false,
    min_rows: 0,
    max_rows: null,
    max_null_rate: 0.05,
    max_age_hours: 24,
    sql_databricks: null,
    expected_value: null,
    compare: 'count',
    columns: [],
    ...values,
  });
}

/** A DuckDB with a schema `raw`, over which checks run as in a run. */
export class CheckBench implements AsyncDisposable {
  readonly folder: string;
  readonly workspace: Workspace;
  readonly connection: WorkspaceConnection;
  now = Date.parse('2026-02-01T12:00:00Z');

  private constructor(folder: string, workspace: Workspace, connection: WorkspaceConnection) {
    this.folder = folder;
    this.workspace = workspace;
    this.connection = connection;
  }

  /** A run looks at a table that does not change; these tests change theirs. */
  runner(): CheckRunner {
    return createDuckDbRunner({
      connection: this.connection,
      find: async ({ schema, table }) => {
        const found = await this.connection.rows(
          `SELECT 1 FROM duckdb_tables() WHERE schema_name = '${schema}' AND table_name = '${table.replaceAll("'", "''")}'`,
        );
        return found.length === 0 ? null : `memory."${schema}"."${table.replaceAll('"', '""')}"`;
      },
    });
  }

  static async open(): Promise<CheckBench> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'ingest-checks-'));
    const workspace = await Workspace.open({
      memoryLimitMiB: 512,
      threads: 2,
      tempDirectory: path.join(folder, 'tmp'),
    });
    const connection = await workspace.connect();
    await connection.run('CREATE SCHEMA raw');
    return new CheckBench(folder, workspace, connection);
  }

  /** Replaces table `raw.t` by what a query gives. */
  async table(select: string, name = 't'): Promise<void> {
    await this.connection.run(`CREATE OR REPLACE TABLE raw."${name.replaceAll('"', '""')}" AS ${select}`);
  }

  async check(
    values: CheckValues,
    load: LoadScope | null = null,
    signal = new AbortController().signal,
  ): Promise<CheckResult> {
    return await runCheck(makeCheck(values), {
      runner: this.runner(),
      defaultSchema: 'raw',
      load,
      now: () => this.now,
      signal,
      reconcile: null,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close();
    this.workspace.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
