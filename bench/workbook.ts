import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import ExcelJS from 'exceljs';
import { readProjectFiles } from '../engine/bundle/read-project-files.ts';
import type { RawProject } from '../engine/spec/project.ts';
import { validateProject } from '../engine/spec/validate-project.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const READ_TARGET_MS = 3000;
const VALIDATE_TARGET_MS = 300;

/** A workbook of 10,000 jobs: how long reading it takes, and how long validating what was read. */
export async function bench({ rows = 10_000, rounds = 7 }: BenchOptions): Promise<Measurement[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-workbook-'));
  try {
    await writeProject(folder, rows);
    const { size } = await stat(path.join(folder, 'ingestion_config.xlsx'));
    const reads: number[] = [];
    const validations: number[] = [];
    let valid = 0;
    for (let round = 0; round < rounds; round += 1) {
      let raw: RawProject | undefined;
      reads.push(
        await timed(async () => {
          const { jobs, checks, settings, config } = await readProjectFiles(folder);
          raw = { jobs, checks, settings, config, secretPaths: new Set(), deferredPaths: new Set() };
        }),
      );
      validations.push(
        await timed(() => {
          valid = validateProject(raw as RawProject).project.jobs.length;
        }),
      );
    }
    if (valid !== rows) throw new Error(`${valid} of ${rows} jobs are valid: the benchmark's own workbook is wrong.`);
    const scale = Math.max(1, rows / 10_000);
    return [
      { what: `workbook of ${rows.toLocaleString('en-US')} jobs`, value: size / 1000, unit: 'kB' },
      measurement('read from xlsx, median', median(reads), READ_TARGET_MS * scale),
      measurement('validate, median', median(validations), VALIDATE_TARGET_MS * scale),
      { what: 'validate, first (cold)', value: validations[0] as number, unit: 'ms' },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function measurement(what: string, value: number, target: number): Measurement {
  return { what, value, unit: 'ms', target: `at most ${target} ms`, met: value <= target };
}

async function writeProject(folder: string, rows: number): Promise<void> {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('SourceConfig');
  sheet.columns = [
    'source_type',
    'source_name',
    'table_name',
    'load_type',
    'enabled',
    'schema_name',
    'watermark_column',
    'chunk_size',
    'source_object',
    'target_table',
    'primary_key',
    'write_disposition',
    'columns',
    'column_types',
    'filter',
    'lag',
    'schema_contract',
    'tags',
    'description',
  ].map((header) => ({ header, key: header }));
  for (let index = 0; index < rows; index += 1) {
    const incremental = index % 2 === 0;
    sheet.addRow({
      source_type: 'postgresql',
      source_name: `shop_${index % 20}`,
      table_name: `table_${index}`,
      load_type: incremental ? 'INCREMENTAL' : 'full',
      enabled: index % 10 === 0 ? 'N' : 'Y',
      schema_name: 'public',
      watermark_column: incremental ? 'updated_at' : null,
      chunk_size: 100_000,
      source_object: `Table ${index}`,
      target_table: `target_${index}`,
      primary_key: 'id, region',
      write_disposition: incremental ? 'merge' : null,
      columns: 'id, region, name, amount, updated_at',
      column_types: 'amount:decimal(18,2)',
      filter: index % 3 === 0 ? "status <> 'deleted'" : null,
      lag: incremental ? '2h' : null,
      schema_contract: 'evolve',
      tags: 'daily, finance',
      description: `Job number ${index} of a large project`,
    });
  }
  await workbook.xlsx.writeFile(path.join(folder, 'ingestion_config.xlsx'));
  await mkdir(path.join(folder, '.dlt'));
  const connections = Array.from(
    { length: 20 },
    (_, index) =>
      `[sources.shop_${index}]\nhost = "db"\ndatabase = "shop"\nusername = "ingest"\npassword = "not-a-secret"\n`,
  );
  await writeFile(
    path.join(folder, '.dlt', 'config.toml'),
    `${connections.join('\n')}\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "bench.duckdb"\n`,
  );
}
