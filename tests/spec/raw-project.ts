import type { RawProject, RawSheet, Table } from '../../engine/spec/project.ts';

/** A sheet from rows as objects; headers are the keys in order of appearance. */
export function sheet(name: string, rows: Record<string, string>[], extraHeaders: string[] = []): RawSheet {
  const headers = [...new Set([...extraHeaders, ...rows.flatMap((row) => Object.keys(row))])];
  return {
    name,
    headerRow: 1,
    headers,
    rows: rows.map((row, i) => ({ row: i + 2, cells: headers.map((header) => row[header] ?? '') })),
  };
}

/** A good job row; blank a cell with ''. */
export function jobRow(cells: Record<string, string> = {}): Record<string, string> {
  return {
    source_type: 'postgresql',
    source_name: 'shop',
    table_name: 'orders',
    load_type: 'FULL',
    enabled: 'Y',
    ...cells,
  };
}

export const SHOP: Table = { host: 'db', database: 'shop', username: 'reader', password: 'pw-of-the-shop' };
export const API: Table = { base_url: 'https://api.example.com' };
export const FILES: Table = { bucket_url: 'data' };

/** A project of job rows over connections `shop` (PostgreSQL), `api`, `files`, `ora`, `ms`, `az`, landing in one DuckDB file. */
export function rawProject(jobs: Record<string, string>[], over: Partial<RawProject> = {}): RawProject {
  return {
    jobs: sheet('SourceConfig', jobs, ['source_type', 'source_name', 'table_name', 'load_type', 'enabled']),
    checks: null,
    settings: null,
    config: {
      sources: {
        shop: SHOP,
        api: API,
        files: FILES,
        ora: { host: 'o', service_name: 'XE', username: 'u', password: 'pw-of-oracle' },
        ms: { host: 'm', database: 'd', username: 'u', password: 'pw-of-mssql' },
        az: { host: 'a', database: 'd', username: 'u', password: 'pw-of-azure' },
      },
      destination: { duckdb: { path: 'out.duckdb' } },
    },
    secretPaths: new Set(),
    deferredPaths: new Set(),
    ...over,
  };
}
