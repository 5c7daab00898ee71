import type { ProjectDocument } from '../../engine/contract.ts';
import { JOB_COLUMN_NAMES } from '../../engine/spec/job-columns.ts';

/** A job without fault. */
export const JOB: Readonly<Record<string, string>> = {
  source_type: 'postgresql',
  source_name: 'shop',
  table_name: 'orders',
  load_type: 'INCREMENTAL',
  enabled: 'Y',
  watermark_column: 'updated_at',
  primary_key: 'id',
};

export interface DocumentOptions {
  headers?: readonly string[];
  rows?: readonly Readonly<Record<string, string>>[];
  /** Laid over the first row. */
  first?: Readonly<Record<string, string>>;
}

/** Three jobs of one connection, or others. */
export function projectDocument({
  headers = JOB_COLUMN_NAMES,
  rows,
  first = {},
}: DocumentOptions = {}): ProjectDocument {
  const jobs = rows ?? [
    { ...JOB, ...first },
    { ...JOB, table_name: 'customers' },
    { ...JOB, table_name: 'events' },
  ];
  return {
    directory: '/project',
    name: 'project',
    env: null,
    environments: [],
    sheets: {
      SourceConfig: {
        name: 'SourceConfig',
        headerRow: 1,
        headers: [...headers],
        rows: jobs.map((job, index) => ({ row: index + 2, cells: headers.map((header) => job[header] ?? '') })),
      },
      DataQuality: null,
      Pipeline: null,
    },
    config: {
      sources: { shop: { type: 'postgresql', host: 'db', database: 'shop', username: 'reader', password: '••••••••' } },
      destinations: { local: { type: 'duckdb', path: 'out.duckdb' } },
    },
    origins: [],
    secretPaths: ['sources.shop.password'],
    deferredPaths: [],
    fileFindings: [],
    readOnly: null,
    fingerprint: 'as-read',
    configFingerprint: 'as-read',
    recovery: null,
    openElsewhere: null,
  };
}
