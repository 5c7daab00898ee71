import type { EventData, EventName } from '../contract.ts';
import type { OpenProject, VaultAccess } from '../open-project.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { VaultScope } from '../secrets/vault-paths.ts';
import type { OpenProjects } from './open-projects.ts';
import type { SignIns } from './sign-ins.ts';
import type { WorkbookMemory } from './workbook-memory.ts';

export type Emit = <Name extends EventName>(name: Name, data: EventData<Name>) => void;

export interface EngineServiceOptions {
  /** Tells every window; what it gets holds no secret. */
  emit: Emit;
  /** Settings, recent projects, recovery copies (engine/user-data). */
  userDataDirectory: string;
  /** Copies of the sample project go here. */
  documentsDirectory: string;
  /** The sample project as it is shipped. */
  sampleDirectory: string;
  secretStore: SecretStore;
  /** Version of the application. */
  version: string;
  host: 'desktop' | 'web';
  /** A folder that was named at the start; the window opens it if it is a project. */
  openAtStart?: string | null;
  /** How key vaults are asked, where that is not as Azure's own are (tests). */
  vault?: Pick<VaultAccess, 'patience' | 'client'>;
  /** Variables that overrule a project's files. Default: `process.env`. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** What the handlers share. */
export interface ServiceContext extends Omit<EngineServiceOptions, 'environment'> {
  environment: Readonly<Record<string, string | undefined>>;
  projects: OpenProjects;
  signIns: SignIns;
  workbooks: WorkbookMemory;
  /** Opens a project afresh; from then on its secrets are kept out of every reply, error and event. What its key vault holds is deferred. */
  open(directory: string, env: string | null): Promise<OpenProject>;
  /** The same, or the one that was opened last where no file has changed since, with the secrets of its key vault: for reading only. */
  openKept(directory: string, env: string | null): Promise<OpenProject>;
  /** An opened project with the secrets of its key vault, as it answers now. */
  askVault(opened: OpenProject, env: string | null, scope: VaultScope, signal: AbortSignal): Promise<OpenProject>;
  /** Keeps a secret that came in with a call out of every reply, error and event. */
  learnSecret(path: string, value: string): void;
  /** A copy of plain data without any secret that is known. */
  redact<Value>(value: Value): Value;
  /** Aborted when the service closes: for work that outlives its call. */
  closing: AbortSignal;
  /** Work that outlives its call: the service closes when it has ended. */
  background(work: Promise<unknown>): void;
}
