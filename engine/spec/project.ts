import type { Check, UnknownCheck } from './check.ts';
import type { Connection } from './connection.ts';
import type { DestinationConfig } from './destination.ts';
import type { Finding } from './finding.ts';
import type { HistoryLimits } from './history.ts';
import type { Job } from './job.ts';
import type { Notifications } from './notifications.ts';
import type { PipelineSettings } from './settings.ts';
import type { TelemetryConfig } from './telemetry.ts';

/** Sheets of the workbook. */
export const JOBS_SHEET = 'SourceConfig';
export const CHECKS_SHEET = 'DataQuality';
export const SETTINGS_SHEET = 'Pipeline';

/** A sheet as `engine/bundle` reads it: every cell as the text that a person meant. */
export interface RawSheet {
  name: string;
  /** 1-based workbook row of the header. */
  headerRow: number;
  /** Header texts by position; blank where a column has none. */
  headers: string[];
  /** Rows with at least one filled cell. `cells[i]` stands under `headers[i]`; blank cells are ''. */
  rows: { row: number; cells: string[] }[];
}

/** A TOML table. */
export type Table = { [key: string]: unknown };

/** What the files say, before validation. Environment overlay, environment variables and secrets are laid over `config` already. */
export interface RawProject {
  jobs: RawSheet | null;
  checks: RawSheet | null;
  settings: RawSheet | null;
  config: Table;
  /** Key paths (`sources.shop.password`) whose values are secrets or came from a secret provider; their values never appear in a finding. */
  secretPaths: ReadonlySet<string>;
  /** Secret key paths that cannot be looked up offline (Key Vault); reported as deferred, not missing. */
  deferredPaths: ReadonlySet<string>;
}

/** A validated project: only what is valid is in it; `findings` say what is not. */
export interface Project {
  settings: PipelineSettings;
  /** Valid rows, disabled ones too, in workbook order. */
  jobs: Job[];
  checks: Check[];
  /** Enabled checks of a type that this version does not know. */
  unknownChecks: UnknownCheck[];
  /** Who is told of a run's end; null: nobody. */
  notifications: Notifications | null;
  /** Where traces and metrics go, as far as the project says; null: nowhere. */
  telemetry: TelemetryConfig | null;
  /** How long runs are remembered. */
  history: HistoryLimits;
  connections: Record<string, Connection>;
  destinations: Record<string, DestinationConfig>;
  /**
   * Name of the destination that a run uses: the one asked for, then the Pipeline sheet's, then `[destination].type`, then the only one there is.
   * Null where none could be told; findings say why.
   */
  destination: string | null;
}

export interface Validation {
  project: Project;
  findings: Finding[];
  /** SourceConfig rows with an error. `source_name`, `table_name` as typed, so that selectors can find them. */
  invalidJobs: { row: number; source_name: string; table_name: string; tags: string[]; enabled: boolean }[];
}
