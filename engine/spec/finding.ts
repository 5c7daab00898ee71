export type Severity = 'error' | 'warning' | 'notice';

/**
 * One thing that validation has to say. All findings of a project are reported at once.
 * `message` is whole by itself, e.g. `SourceConfig row 7, load_type "INCREMENT": use FULL or INCREMENTAL`.
 */
export interface Finding {
  severity: Severity;
  /** Stable, SCREAMING_SNAKE_CASE, e.g. `JOB_VALUE_NOT_ALLOWED`. */
  code: string;
  /** Sheet name, or the TOML file's path inside the project. */
  sheet: string;
  /** 1-based workbook row (the header is row 1), TOML line, or null where the finding is about the whole. */
  row: number | null;
  /** Column header, or the TOML key path (`sources.shop.port`); null where it is about the whole row. */
  column: string | null;
  /** The cell's own text, or null where there is no cell. Never a secret's value. */
  value: string | null;
  message: string;
  /** The way out. */
  hint: string | null;
  /** A replacement for the cell that would settle the finding ("did you mean"), where there is one. */
  fix: string | null;
}
