import { z } from 'zod';
import type { JobPreflight } from './preflight/preflight-report.ts';
import type { CheckHistory } from './quality/check-history.ts';
import type { CheckSuggestion } from './quality/suggest.ts';
import type { JobResult, RunEvent } from './runs/events.ts';
import type { Origin } from './secrets/resolve.ts';
import type { SignInRequest } from './sign-in/sign-in-desk.ts';
import type { DiscoveredObject, Preview, TestStage } from './sources/source.ts';
import type { Finding } from './spec/finding.ts';
import { KEY_VAULT_SIGN_INS } from './spec/key-vault.ts';
import type { Metrics, QualityDocument } from './spec/metrics.ts';
import { NEW_SHEETS } from './spec/new-sheet.ts';
import type { RawSheet, Table } from './spec/project.ts';
import type { Difference } from './spec/project-diff.ts';

/**
 * The contract: everything that a user interface may ask of the engine, and everything that the engine may tell it.
 * Inputs come from an untrusted page and are validated; outputs are the engine's own and are typed. Secrets go in, never out.
 * The same list is served over Electron's IPC and by the web host.
 */

/** Types an output without validating it: it comes from us. */
const output = <T>() => z.custom<T>(() => true);

const text = z.string().max(100_000);
const name = z.string().min(1).max(300);
const directory = z.string().min(1).max(4096);
const jsonValue: z.ZodType<unknown> = z.json();

/** One change of a sheet; rows are those of the workbook as it was read (see `engine/bundle/workbook-edits.ts`). */
export const workbookEditModel = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('set'), sheet: name, row: z.int().min(1), column: z.int().min(0), text }),
  z.strictObject({ kind: z.literal('insert'), sheet: name, before: z.int().min(1), cells: z.array(text).max(500) }),
  z.strictObject({ kind: z.literal('append'), sheet: name, cells: z.array(text).max(500) }),
  z.strictObject({ kind: z.literal('delete'), sheet: name, row: z.int().min(1) }),
  z.strictObject({ kind: z.literal('create'), sheet: z.enum(NEW_SHEETS) }),
]);

const edits = z.array(workbookEditModel).max(200_000);

/** A change of config.toml; null removes the key. */
export const configEditModel = z.strictObject({ path: z.array(name).min(1).max(10), value: jsonValue.nullable() });

/** A row of SourceConfig as the window has it, saved or not: header → text. */
const jobRow = z.record(name, text);

/**
 * A connection or destination as the window's form has it, saved or not. `values` are keys below its section (`auth`, `port`); null removes one,
 * keys that are left out stay as they are. `secrets` go by key path with dots (`password`, `auth.token`); '' forgets one, and those that are
 * left out (or are `SECRET_PLACEHOLDER`) are looked up where they are kept.
 */
const draftConnection = z.strictObject({
  name,
  type: name,
  values: z.record(name, jsonValue),
  secrets: z.record(name, text),
});

/** `[key_vault]` as the window has it; null takes a key away. */
const draftVault = z.strictObject({
  vault_url: name,
  authentication: z.enum(KEY_VAULT_SIGN_INS).nullable(),
  tenant_id: name.nullable(),
  client_id: name.nullable(),
  client_secret: text.optional(),
});

/** What a project's files say, as the window edits it. Secret values are replaced by `SECRET_PLACEHOLDER`. */
export interface ProjectDocument {
  /** Absolute path; also the project's id in every call. */
  directory: string;
  /** The folder's name. */
  name: string;
  env: string | null;
  /** Names of `.dlt/config.NAME.toml`. */
  environments: string[];
  sheets: { SourceConfig: RawSheet | null; DataQuality: RawSheet | null; Pipeline: RawSheet | null };
  /** Environment overlay, variables and secret places laid over; each secret is `SECRET_PLACEHOLDER` (engine/spec/secret-placeholder.ts). */
  config: Table;
  secretPaths: string[];
  deferredPaths: string[];
  /** Where each value of the configuration comes from; names of places, never a value. */
  origins: Origin[];
  /** Problems of the files themselves; problems of values are found by `engine/spec` in the window. */
  fileFindings: Finding[];
  /** Why it cannot be saved (read-only folder, workbook open in Excel), or null. */
  readOnly: string | null;
  /** Stands for the workbook as it was read; `project.save` takes it back. */
  fingerprint: string;
  /** The same for config.toml and its overlay. */
  configFingerprint: string;
  /** Unsaved edits of a window that was lost. They can be applied where `fits`; else the workbook is another one by now. */
  recovery: { saved_at: string; fits: boolean; edits: z.infer<typeof workbookEditModel>[] } | null;
  /** Other windows and programs of ours that have it open, in words; null where there is none. */
  openElsewhere: string | null;
}

export interface RecentProject {
  directory: string;
  name: string;
  opened_at: string;
  jobs: number;
  exists: boolean;
}

export interface About {
  version: string;
  platform: 'win32' | 'darwin' | 'linux' | string;
  /** Which host the window runs in: dialogs and menus are the desktop's. */
  host: 'desktop' | 'web';
  /** Where settings, recovery copies and encrypted secrets of this person are. */
  userDataDirectory: string;
  /** Folder of a project to open at once, because it was named on the command line; null opens none. */
  openAtStart: string | null;
}

export interface RunSummary {
  run_id: string;
  pipeline: string;
  destination: string;
  trigger: 'window' | 'cli';
  /** INTERRUPTED: its process ended before it did (a kill, a crash, a power cut). */
  status: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'CANCELLED' | 'INTERRUPTED';
  started_at: string;
  duration_seconds: number | null;
  total_rows: number;
  jobs: { total: number; succeeded: number; failed: number };
  health_score: number | null;
  /** Of a run that only tried: rows a job. Its tables are in `<schema>_sample`. */
  sample_rows: number | null;
}

export interface RunDetail {
  summary: RunSummary;
  /** Of a finished run. */
  metrics: Metrics | null;
  /** Results of the jobs that have ended so far. */
  results: JobResult[];
  /** What happened so far, oldest first, without `log` and without progress that newer progress supersedes. */
  events: RunEvent[];
  /** Sequence number of the last event that is in here; 0 for a run of another process, which sends no events. */
  seq: number;
  /** True where this process runs it: it can be cancelled here. */
  here: boolean;
  log_path: string;
}

/** Lines of a run log after a filter. `total` counts the lines that match, `offset` is the first one's number among them. */
export interface LogPage {
  total: number;
  offset: number;
  events: RunEvent[];
  /** Each event as a line for people. */
  texts: string[];
}

export interface ResultTable {
  schema: string;
  table: string;
  /** Null for a job's own table. */
  parent: string | null;
  rows: number;
  columns: { name: string; type: string }[];
  loaded_at: string | null;
}

export interface ResultPage {
  columns: { name: string; type: string }[];
  /** Values as text; null is null. */
  rows: (string | null)[][];
  /** Rows of the table; of a query: rows in here. */
  total: number;
  /** Of a query: true where it has more rows than were asked for. */
  more?: boolean;
}

/** A column's shape: bars are equal-width bins for numbers and times, the most frequent values for text. */
export interface ColumnProfile {
  name: string;
  type: string;
  null_rate: number;
  distinct: number;
  min: string | null;
  max: string | null;
  bars: { label: string; count: number }[];
}

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  max_workers: number;
  memory_limit_mib: number;
  work_directory: string | null;
  proxy: string | null;
  ca_file: string | null;
  preview_rows: number;
}

export interface KeychainState {
  available: boolean;
  /** e.g. `GNOME Keyring (Secret Service)`, or why it cannot be used. */
  detail: string;
  hint: string | null;
}

export interface ExportPreview {
  findings: Finding[];
  files: { name: string; bytes: number; text: string | null }[];
  /** How each secret will be named where the bundle runs. */
  secrets: { path: string; environment: string }[];
  /** Against the last export into this folder, or null where there is none. */
  difference: Difference | null;
  command: string;
}

export type { SignInRequest } from './sign-in/sign-in-desk.ts';
export type { CutJson, Detection, PreviewPage, PreviewRequest } from './sources/source.ts';

/** {@link Preview} and the name by which its recording can be saved; null where it cannot. */
export interface JobPreview extends Preview {
  recording: string | null;
}

export const contract = {
  calls: {
    'app.about': { input: z.void(), output: output<About>() },
    'settings.get': { input: z.void(), output: output<Settings>() },
    'settings.set': {
      input: z
        .strictObject({
          theme: z.enum(['system', 'light', 'dark']),
          max_workers: z.int().min(1).max(20),
          memory_limit_mib: z.int().min(256).max(65_536),
          work_directory: directory.nullable(),
          proxy: text.nullable(),
          ca_file: directory.nullable(),
          preview_rows: z.int().min(10).max(10_000),
        })
        .partial(),
      output: output<Settings>(),
    },
    /** Sign-ins that wait for somebody: for a window that comes later than their event. */
    'sign_in.waiting': { input: z.void(), output: output<SignInRequest[]>() },
    /** What asked for it fails with SIGN_IN_CANCELLED; one that has ended is let be. */
    'sign_in.cancel': { input: z.strictObject({ id: name }), output: output<void>() },
    'keychain.state': { input: z.void(), output: output<KeychainState>() },

    'project.recent': { input: z.void(), output: output<RecentProject[]>() },
    'project.forget': { input: z.strictObject({ directory }), output: output<void>() },
    'project.open': {
      input: z.strictObject({ directory, env: name.nullable().default(null) }),
      output: output<ProjectDocument>(),
    },
    /** Copies the sample into the user's documents (a new folder each time) and opens it. */
    'project.open_sample': { input: z.void(), output: output<ProjectDocument>() },
    'project.create': { input: z.strictObject({ directory, name }), output: output<ProjectDocument>() },
    /** Throws WORKBOOK_CHANGED or TOML_CHANGED where a file is another one by now, and writes nothing. Gives the document as it stands then. */
    'project.save': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        fingerprint: text,
        configFingerprint: text,
        edits,
        config: z.array(configEditModel).max(10_000),
      }),
      output: output<ProjectDocument>(),
    },
    /** Writes the workbook as the window read it, with `edits`, as a project into another folder, and opens that. `config` counts where the project's own is gone. */
    'project.save_copy': {
      input: z.strictObject({
        directory,
        fingerprint: text,
        target: directory,
        edits,
        config: z.array(configEditModel).max(10_000),
      }),
      output: output<ProjectDocument>(),
    },
    /** What saving would move under other sheets' formulas and names. */
    'project.save_warnings': { input: z.strictObject({ directory, edits }), output: output<Finding[]>() },
    'project.keep_recovery': { input: z.strictObject({ directory, fingerprint: text, edits }), output: output<void>() },
    'project.drop_recovery': { input: z.strictObject({ directory }), output: output<void>() },
    'project.close': { input: z.strictObject({ directory }), output: output<void>() },
    /** Folders for the web host's own file dialog. */
    'folder.list': {
      input: z.strictObject({ directory: directory.nullable() }),
      output: output<{ directory: string; parent: string | null; folders: { name: string; is_project: boolean }[] }>(),
    },

    /** Writes `[sources.NAME]` or `[destinations.NAME]` to config.toml and its secrets to the keychain. */
    'connection.save': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        section: z.enum(['sources', 'destinations']),
        connection: draftConnection,
        previous_name: name.nullable(),
      }),
      output: output<ProjectDocument>(),
    },
    /** Its secrets are forgotten, too. */
    'connection.remove': {
      input: z.strictObject({ directory, env: name.nullable(), section: z.enum(['sources', 'destinations']), name }),
      output: output<ProjectDocument>(),
    },
    /** Works on unsaved values; a failed test is an answer, not an error. Stages come as events `test.stage` with the call's id, and all at the end. */
    'connection.test': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        section: z.enum(['sources', 'destinations']).default('sources'),
        connection: draftConnection,
        previous_name: name.nullable(),
      }),
      output: output<TestStage[]>(),
    },
    /** Writes `[key_vault]`, or takes it away. Its client secret goes to the keychain; left out it stays, '' forgets it. */
    'vault.save': {
      input: z.strictObject({ directory, env: name.nullable(), vault: draftVault.nullable() }),
      output: output<ProjectDocument>(),
    },
    /** As `connection.test`, on unsaved values; the last stage says which of the project's secrets the vault has. */
    'vault.test': {
      input: z.strictObject({ directory, env: name.nullable(), vault: draftVault }),
      output: output<TestStage[]>(),
    },
    'connection.discover': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        name,
        schema: name.optional(),
        search: text.optional(),
        columns: z.boolean().default(false),
      }),
      output: output<DiscoveredObject[]>(),
    },

    /** "Next run will read …" for a row as the window has it. */
    'job.explain': {
      input: z.strictObject({ directory, env: name.nullable(), row: jobRow, destination: name.nullable() }),
      output: output<{ statement: string; watermark: string | null }>(),
    },
    /** What a run of a row as the window has it would do now: what it reads, how its columns land, what stands in its way. Writes nothing. */
    'job.preflight': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        row: jobRow,
        destination: name.nullable(),
        /** How far below the watermark late rows are looked for, as `lag` is written; null for a day, or 100,000 of a number. */
        look_back: name.nullable().default(null),
      }),
      output: output<JobPreflight & { destination: string; location: string }>(),
    },
    /**
     * The first pages of a row as the window has it. `options` are laid over those of its `[sources.X.resources.TABLE]` (null takes one away);
     * `replay` names a recording that answers instead of the API. What comes back is cut to what a window can hold, and says so.
     */
    'job.preview': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        row: jobRow,
        options: z.record(name, jsonValue).default({}),
        replay: directory.nullable().default(null),
        pages: z.int().min(1).max(20).default(5),
        rows: z.int().min(1).max(1000).default(100),
      }),
      output: output<JobPreview>(),
    },
    /** Keeps the requests and responses of a preview in a file, without secrets. The engine remembers the last few previews. */
    'preview.save_recording': {
      input: z.strictObject({ preview: name, file: directory }),
      output: output<{ file: string; requests: number }>(),
    },

    /** Starts a run of the project as it is saved; its events follow as `run.event`. */
    'run.start': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        rows: z.array(z.int().min(1)).max(100_000).nullable(),
        destination: name.nullable(),
        sample_rows: z.int().min(1).nullable().default(null),
        full_refresh: z.boolean().default(false),
      }),
      output: output<{ run_id: string }>(),
    },
    'run.cancel': { input: z.strictObject({ directory, run_id: name }), output: output<void>() },
    'run.list': { input: z.strictObject({ directory }), output: output<RunSummary[]>() },
    'run.get': { input: z.strictObject({ directory, run_id: name }), output: output<RunDetail>() },
    'run.log': {
      input: z.strictObject({
        directory,
        run_id: name,
        offset: z.int().min(0),
        limit: z.int().min(1).max(5000),
        levels: z.array(z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR'])),
        job: name.nullable(),
        text: text.nullable(),
      }),
      output: output<LogPage>(),
    },

    'result.tables': {
      input: z.strictObject({ directory, env: name.nullable(), destination: name }),
      output: output<ResultTable[]>(),
    },
    'result.page': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        destination: name,
        schema: name,
        table: name,
        offset: z.int().min(0),
        limit: z.int().min(1).max(1000),
        order_by: name.nullable(),
        descending: z.boolean().default(false),
      }),
      output: output<ResultPage>(),
    },
    'result.profile': {
      input: z.strictObject({ directory, env: name.nullable(), destination: name, schema: name, table: name }),
      output: output<ColumnProfile[]>(),
    },
    /** Read-only; at most `limit` rows. */
    'result.query': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        destination: name,
        sql: text,
        limit: z.int().min(1).max(10_000).default(1000),
      }),
      output: output<ResultPage>(),
    },
    'result.export': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        destination: name,
        schema: name,
        table: name,
        format: z.enum(['csv', 'parquet']),
        file: directory,
      }),
      output: output<{ rows: number; bytes: number }>(),
    },

    /** Runs data quality checks on what is loaded, as the project is saved, and writes their report. `rows` of sheet DataQuality; null: all enabled ones. */
    'quality.run': {
      input: z.strictObject({
        directory,
        env: name.nullable(),
        rows: z.array(z.int().min(1)).max(100_000).nullable(),
        destination: name.nullable(),
      }),
      output: output<{ document: QualityDocument; report_path: string }>(),
    },
    /** What checks have found so far, in runs and on demand. */
    'quality.history': { input: z.strictObject({ directory }), output: output<CheckHistory[]>() },
    /** Checks that what is loaded would pass, each with what was seen. */
    'quality.suggest': {
      input: z.strictObject({ directory, env: name.nullable(), destination: name.nullable() }),
      output: output<CheckSuggestion[]>(),
    },

    'export.preview': {
      input: z.strictObject({ directory, env: name.nullable(), target: directory.nullable() }),
      output: output<ExportPreview>(),
    },
    /** What differs from another folder, a bundle, or a git revision of the project (`HEAD~1`), as the project is saved. */
    'export.compare': {
      input: z.strictObject({ directory, env: name.nullable(), against: text.trim().min(1) }),
      output: output<Difference>(),
    },
    'export.write': {
      input: z.strictObject({ directory, env: name.nullable(), target: directory }),
      output: output<{ directory: string; files: string[] }>(),
    },
  },
  events: {
    /** The engine's process ended and was started again; runs that were going on are lost, their packages are not. */
    'engine.restarted': output<{ reason: string }>(),
    /**
     * A file is another one now, whoever wrote it; `file` is relative to the project. A window that has these fingerprints already wrote it itself.
     * Null fingerprints: the folder or the workbook is gone.
     */
    'project.changed_on_disk': output<{
      directory: string;
      file: string;
      fingerprint: string | null;
      configFingerprint: string | null;
    }>(),
    /** Another window or program has opened (or closed: null) a project that is open here. */
    'project.opened_elsewhere': output<{ directory: string; by: string | null }>(),
    /** Somebody has to open `address` in a browser; every window may show it. */
    'sign_in.wanted': output<SignInRequest>(),
    /** It has ended, one way or the other. */
    'sign_in.ended': output<{ id: string }>(),
    'test.stage': output<{ call: string; stage: TestStage }>(),
    /** `seq` grows by one a run; a window that missed some asks `run.get`. */
    'run.event': output<{ directory: string; run_id: string; seq: number; event: RunEvent }>(),
  },
} as const;

type Calls = typeof contract.calls;
type Events = typeof contract.events;
export type CallName = keyof Calls;
export type EventName = keyof Events;
export type Input<Name extends CallName> = z.input<Calls[Name]['input']>;
export type ParsedInput<Name extends CallName> = z.output<Calls[Name]['input']>;
export type Output<Name extends CallName> = z.output<Calls[Name]['output']>;
export type EventData<Name extends EventName> = z.output<Events[Name]>;

/** A failure as the window shows it: what happened, why, what to do. */
export interface WireError {
  code: string;
  message: string;
  hint: string | null;
  /** Whole, for copying; redacted. */
  detail: string | null;
  findings: Finding[];
}

export type WireReply = { ok: true; value: unknown } | { ok: false; error: WireError };

/** Commands of the desktop's own menu; the window runs the action of the same id. */
export type MenuAction =
  | 'project.new'
  | 'project.open'
  | 'project.open_sample'
  | 'project.save'
  | 'project.save_copy'
  | 'project.reload'
  | 'project.show_folder'
  | 'project.close'
  /** The window was asked to close and the answer was "Save": save, then {@link Bridge.closeWindow}. */
  | 'project.save_and_close'
  | 'edit.undo'
  | 'edit.redo'
  | 'edit.find'
  | 'edit.replace'
  | 'view.issues'
  | 'run.selected'
  | 'run.sample'
  | 'run.all'
  | 'run.cancel'
  | 'issue.validate'
  | 'issue.next'
  | 'issue.previous'
  | 'app.palette'
  | 'app.settings'
  | 'app.shortcuts';

/** What a host gives the page: named functions only. The first three are the contract's; the others are the host's own. */
export interface Bridge {
  /** Never rejects. `id` is the caller's own, unique, and names the call for {@link cancel}. */
  call(id: string, name: string, input: unknown): Promise<WireReply>;
  cancel(id: string): void;
  /** Gives back the function that ends listening. */
  on(listener: (name: string, data: unknown) => void): () => void;
  /** Commands of the menu. Never heard from the web host. */
  onMenu(listener: (action: string) => void): () => void;
  /** The path of a folder or file that was dropped onto the window or opened in the system. Never heard from the web host: browsers keep paths to themselves. */
  onOpen(listener: (path: string) => void): () => void;
  /** Null where cancelled, undefined where the host has no dialogs (the web host: show a dialog on `folder.list`). */
  pickFolder(title: string): Promise<string | null | undefined>;
  /** `extensions` without dot, e.g. `['xlsx']`. */
  pickFile(title: string, extensions: string[]): Promise<string | null | undefined>;
  pickSaveFile(title: string, defaultName: string): Promise<string | null | undefined>;
  /** Opens a folder in the system's file manager; the web host does nothing. */
  showFolder(directory: string): void;
  /** Tells the host whether closing the window would lose edits. */
  setUnsaved(unsaved: boolean): void;
  /** Closes the window without asking again. */
  closeWindow(): void;
}
