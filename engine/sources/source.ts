import type { ConnectionStage } from '../connection-stages.ts';
import type { ChecksumKind } from '../duckdb/checksum.ts';
import type { Workspace } from '../duckdb/workspace.ts';
import type { Job, Lag } from '../spec/job.ts';
import type { NullWatermarks, PaginationType, TypePolicy } from '../spec/kinds.ts';

/**
 * A place that jobs read from. One implementation a kind, each in its own folder with the same file names.
 * A source knows nothing of pipelines and destinations: it yields segments, and says at the end how far it came.
 */
export interface Source {
  /** Stages of a connection test in order: DNS → TCP → TLS → login → permission → first read, each as it ends. A failed stage ends it. */
  test(signal: AbortSignal): AsyncIterable<TestStage>;
  /** Tables, views, files or resources that a job can read. */
  discover(filter: DiscoverFilter, signal: AbortSignal): Promise<DiscoveredObject[]>;
  /** What the next {@link read} will send, as a person can read it: the SQL, the request, or the files. Reads nothing but metadata. */
  explain(request: ReadRequest, signal: AbortSignal): Promise<string>;
  /**
   * Reads a job. Segments come in the order of reading, at most two are held at a time: the caller releases each before it asks for the one after the next.
   * All segments of a read have the same columns. Throws IngestError; `retryable` means that the whole read may be started again.
   */
  read(request: ReadRequest, context: ReadContext): AsyncGenerator<Segment, ReadSummary>;
  /** The first pages or rows with the request that gave them. Leaves no trace. */
  preview(request: ReadRequest, context: ReadContext, limits: PreviewLimits): Promise<Preview>;
  /**
   * Counts and measures the rows that a job reads, where they lie, to compare them with what landed. Missing where only a whole read could tell.
   * @throws IngestError MEASURE_COLUMN where a column is not there or has no such measure
   */
  measure?(request: MeasureRequest, context: ReadContext): Promise<Measured>;
  /** Frees connections. Safe to call twice. */
  close(): Promise<void>;
}

export interface MeasureRequest {
  /** Of a full read: `incremental` and `sourceState` are null. */
  read: ReadRequest;
  /** Of an incremental job: only rows that its loads can have brought, from its initial value to the watermark, both included. */
  loaded: { column: string; from: string | null; to: string; nullWatermarks: NullWatermarks } | null;
  measures: Measure[];
}

/** `column` is the name that it landed under. A checksum's kind is that of the landed values. */
export type Measure = { kind: 'sum'; column: string } | { kind: 'checksum'; column: string; of: ChecksumKind };

export interface Measured {
  rows: number;
  /** One for each measure, as text; null over no values. */
  values: (string | null)[];
}

export interface ReadRequest {
  job: Job;
  types: TypePolicy;
  /** Null for a FULL load. */
  incremental: IncrementalRead | null;
  /** What the source gave back in {@link ReadSummary.sourceState} at the last committed load; null at first. */
  sourceState: unknown;
  /** Stop after about so many rows (`--sample N`); null reads all. */
  sampleRows: number | null;
}

export interface IncrementalRead {
  /** Source column (a field path for APIs). For filesystem jobs the watermark is the source's own matter and this is empty. */
  column: string;
  /** The watermark in the source's own text: of the last committed load, else the job's `last_watermark`, else null (read all). Rows `>=` it are read. */
  from: string | null;
  /** True when `from` comes from a committed load, false when it is the job's initial value. */
  continued: boolean;
  /** Read from `from` minus this. Only where the job has a primary key. */
  lag: Lag | null;
  /** Exclusive upper bound. */
  end: string | null;
  nullWatermarks: NullWatermarks;
}

export interface ReadContext {
  /** DuckDB in which segments live. */
  workspace: Workspace;
  /** A private, existing, empty folder for temporary files of this read; the caller removes it. */
  spoolDirectory: string;
  signal: AbortSignal;
  /** Called often and cheaply; throttled by the receiver. Counts are totals of this read. */
  progress(counts: { rows: number; bytes: number; pages?: number }): void;
  /** Something worth telling that does not stop the job; each code at most once a column a run. Secrets are redacted downstream. */
  warn(warning: ReadWarning): void;
  /** Debug and info lines of the run log. */
  log(level: 'DEBUG' | 'INFO', message: string): void;
}

export interface ReadWarning {
  /** SCREAMING_SNAKE_CASE */
  code: string;
  message: string;
  hint?: string;
  column?: string;
}

/** A batch of rows that DuckDB can select from. */
export interface Segment {
  /** A FROM item, ready to be put into a statement: `"segment_7"` or `read_csv('…', …)`. Its columns are {@link columns}, by name, in order. */
  from: string;
  columns: SourceColumn[];
  /** Null where only reading it would tell. */
  rows: number | null;
  /** Bytes received from the source for it. */
  bytes: number;
  /** Drops the table or deletes the file. Safe to call twice. */
  release(): Promise<void>;
}

export interface SourceColumn {
  /** The name in the source; normalised later. */
  name: string;
  /** The source's own type text for people, e.g. `numeric(12,2)`. */
  sourceType: string;
  /** DuckDB type of the column in the segment, as DuckDB prints it, nested types included. `"NULL"` where no value was ever seen. */
  segmentType: string;
  /** DuckDB type that it lands as, after type adapters and the job's `column_types`. The pipeline casts exactly or fails; it never rounds. */
  landedType: string;
  nullable: boolean;
  /** For people: `_file_name` and the like, that the source adds. */
  added?: boolean;
}

export interface ReadSummary {
  /**
   * The greatest watermark read, in the source's own text; null when no row had one.
   * Left out (undefined): the pipeline takes `CAST(max(column) AS VARCHAR)` of what landed, which is right where the column lands exactly.
   */
  watermark?: string | null;
  /** JSON, kept with the job's state: for files, the identities that were loaded. */
  sourceState?: unknown;
  /** Why the read ended. */
  verdict: StopVerdict;
  /** Requests or statements that were sent again. */
  retries: number;
}

export interface StopVerdict {
  /** e.g. `end_of_table`, `empty_page`, `no_next_link`, `max_pages`, `sample`, `no_new_files` */
  reason: string;
  /** One sentence for people. */
  detail: string;
  records: number;
  pages?: number;
  files?: number;
  /** The record count is suspicious: one page exactly full with a paginator set, a round total, … */
  looksTruncated?: boolean;
}

export type TestStage = ConnectionStage;

export interface DiscoverFilter {
  schema?: string;
  /** Part of a name, any case. */
  search?: string;
  /** With columns and keys (slower on large catalogues). */
  withColumns: boolean;
}

export interface DiscoveredObject {
  schema: string | null;
  name: string;
  kind: 'table' | 'view' | 'materialized_view' | 'foreign_table' | 'file_group' | 'resource';
  rowEstimate: number | null;
  /** When the estimate was made, where the source says so: its own text. */
  estimatedAt?: string;
  bytes: number | null;
  comment: string | null;
  columns: DiscoveredColumn[];
  primaryKey: string[];
  /** Columns that would serve as watermark, best first, with the reason. */
  watermarkSuggestions: { column: string; reason: string }[];
  /** For resources of an API: what a job row and its options would say. */
  resource?: {
    api_endpoint: string;
    parameters: {
      name: string;
      place: 'query' | 'path' | 'header' | 'cookie' | 'body';
      required: boolean;
      description: string | null;
    }[];
    pagination_type: PaginationType;
    /** Options of `[sources.X.resources.TABLE]`. */
    options: Record<string, unknown>;
    data_selector: string | null;
    /** What speaks for the pagination. */
    evidence: string;
  };
}

export interface DiscoveredColumn {
  name: string;
  sourceType: string;
  nullable: boolean;
  comment: string | null;
}

export interface PreviewLimits {
  /** Pages of an API, or files, that are looked into. */
  pages: number;
  /** Records shown: of a table; of an API's page each. */
  rows: number;
  /** Collects the requests and responses of an API, so that they can be replayed. */
  recorder?: PreviewRecorder;
  /** Answers an API's requests from a recording; nothing is sent. */
  replay?: PreviewReplay;
}

/** A request as it is recorded: before it is signed. */
export interface RecordedRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
}

export interface RecordedResponse {
  status: number;
  /** Where it came from in the end, after redirects. */
  url: string;
  headers: Record<string, string>;
  text: string;
  bytes: number;
  durationMs: number;
}

/** Implemented by `engine/recording`. */
export interface PreviewRecorder {
  add(request: RecordedRequest, response: RecordedResponse, secrets: KnownSecrets): void;
  /** A request that had no answer that could be used: a 404 that ends a pagination, say. */
  addFailure(request: RecordedRequest, failure: RecordedFailure, secrets: KnownSecrets): void;
}

/** What a source knows of secrets, those learned on the way too. */
export interface KnownSecrets {
  /** The text without any of them. */
  hide(text: string): string;
  /** True for the name of a header, parameter or key whose value is one. */
  isSecretName(name: string): boolean;
}

export interface RecordedFailure {
  code: string;
  message: string;
  hint?: string;
}

/** Implemented by `engine/recording`. */
export interface PreviewReplay {
  /** Where the recorded API was; takes the place of the connection's `base_url`. */
  baseUrl: string;
  /** @throws IngestError what was recorded in place of an answer; RECORDING_MISSES_REQUEST */
  answer(request: RecordedRequest): RecordedResponse;
}

export type PreviewRequest =
  | { method: string; url: string; headers: Record<string, string>; body: unknown }
  | { statement: string }
  | { file: string };

export interface PreviewPage {
  request: PreviewRequest;
  response?: {
    status: number;
    headers: Record<string, string>;
    duration_ms: number;
    bytes: number;
    /** The parsed response, cut to what a window can show; left out where it is no JSON. */
    body?: CutJson;
  };
  records: unknown[];
  /** Records that the page held, shown or not. */
  record_count?: number;
  /** What a run would ask after this page, or why it would ask nothing. */
  next?: { request: PreviewRequest } | { reason: string; detail: string };
}

/** JSON from which lists and texts beyond a budget were cut. */
export interface CutJson {
  value: unknown;
  /** By JSON Pointer (RFC 6901): what is not as it was. `total` counts entries or characters; a `number` is one whose digits a double would lose. */
  cuts: Record<string, { kind: 'list' | 'object' | 'text'; total: number } | { kind: 'number' }>;
}

export type Confidence = 'certain' | 'likely' | 'guess';

/** What the responses of an API tell about one setting of its job. */
export interface Detection {
  value: string | number;
  /** Why, in words. */
  evidence: string;
  confidence: Confidence;
  /** The job says so already. */
  in_use: boolean;
  /** Where the setting is written: a column of the workbook, or an option of the resource in config.toml. */
  place: 'column' | 'option';
}

export interface Preview {
  pages: PreviewPage[];
  schema: { name: string; source_type: string; type: string; nullable: boolean }[];
  stop: { reason: string; detail: string };
  /** Of an API: {@link Detection} by setting. */
  detected: Record<string, unknown>;
  warnings: ReadWarning[];
  /** How large the whole read is; left out where nothing tells. */
  estimate?: { records: number | null; requests: number; seconds: number; detail: string };
  /** Why no more pages could be shown; the pages up to there are shown. */
  failure?: { code: string; message: string; hint?: string };
  /** It was replayed from a recording. */
  replayed?: boolean;
}
