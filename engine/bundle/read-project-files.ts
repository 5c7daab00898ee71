import type { Finding } from '../spec/finding.ts';
import type { RawSheet, Table } from '../spec/project.ts';

/** What the files of a project say, before secrets and validation. */
export interface ProjectFiles {
  /** Absolute path of the folder that holds the workbook. */
  directory: string;
  /** Absolute path of `ingestion_config.xlsx`, there or not. */
  workbookPath: string;
  jobs: RawSheet | null;
  checks: RawSheet | null;
  settings: RawSheet | null;
  /** `.dlt/config.toml` with `.dlt/config.ENV.toml` laid over it; dates are their TOML text. */
  config: Table;
  /** `.dlt/secrets.toml`; in the plan's flat form it holds the connections, too. */
  secrets: Table;
  /** Problems of the files themselves; their messages never hold a TOML value. */
  findings: Finding[];
}

export interface ReadProjectOptions {
  /** Lays `.dlt/config.ENV.toml` over `config.toml`. */
  env?: string;
}

/**
 * Reads the files of the project in `directory` (or in its `config` sub-folder).
 * Problems of single files are findings; an IngestError is thrown where the folder itself cannot be read
 * (`PROJECT_NOT_FOUND`, `PROJECT_NOT_READABLE`).
 */
export async function readProjectFiles(directory: string, options: ReadProjectOptions = {}): Promise<ProjectFiles> {
  void options;
  return {
    directory, workbookPath: `${directory}/ingestion_config.xlsx`,
    jobs: null, checks: null, settings: null, config: {}, secrets: {}, findings: [],
  };
}
