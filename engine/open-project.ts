import { CONFIG_FILE, type ProjectFiles, readProjectFiles, SECRETS_FILE } from './bundle/read-project-files.ts';
import { verifyBundle } from './bundle/verify-bundle.ts';
import { VERSION } from './cli/version.ts';
import { throwIfCancelled } from './errors.ts';
import {
  askKeyVault,
  deferringVault,
  type KeyVaultOptions,
  type KeyVaultProvider,
  vaultPlace,
} from './secrets/azure-key-vault.ts';
import { ENVIRONMENT_PLACE, type Environment, environmentProvider } from './secrets/environment.ts';
import { systemKeychain } from './secrets/keychain.ts';
import { pathText, type SecretProvider } from './secrets/provider.ts';
import { Redactor, SHORTEST_REDACTABLE } from './secrets/redaction.ts';
import { type Origin, type ResolvedConfig, resolveConfig } from './secrets/resolve.ts';
import { createSecretStore, KEYCHAIN_PLACE, keychainProvider, type SecretStore } from './secrets/secret-store.ts';
import { leafPaths } from './secrets/table.ts';
import { tableProvider } from './secrets/table-provider.ts';
import { type VaultScope, vaultPaths } from './secrets/vault-paths.ts';
import { currentSignInDesk } from './sign-in/sign-in-desk.ts';
import type { Finding } from './spec/finding.ts';
import { type KeyVaultConfig, keyVaultOf } from './spec/key-vault.ts';
import type { Project, RawProject, RawSheet, Validation } from './spec/project.ts';
import { validateProject } from './spec/validate-project.ts';

export interface OpenProjectOptions {
  /** Lays `.dlt/config.ENV.toml` over `config.toml` (`--env`). */
  env?: string;
  /** Variables that overrule the files. Default: `process.env`. */
  environment?: Environment;
  /** False leaves missing secrets out of the findings (`--no-secrets`). Default true. */
  secrets?: boolean;
  /** Where this person's secrets are kept on this computer. Default: the one that window and command line share. */
  secretStore?: SecretStore;
  /** Name of a destination, over what the project says (`--destination`). */
  destination?: string;
  /** Asks the project's key vault. Default: nobody is asked, and what it may hold is deferred. */
  vault?: VaultAccess;
}

export interface VaultAccess extends Partial<Pick<KeyVaultOptions, 'patience' | 'client'>> {
  /** Whose secrets are wanted. */
  scope: VaultScope;
  signal: AbortSignal;
}

/** A project that was read, completed with its secrets, and validated. */
export interface OpenProject {
  /** Absolute path of the folder that holds the workbook. */
  directory: string;
  files: ProjectFiles;
  /** What the files, variables and secret places say, laid over each other; secrets are in it. */
  raw: RawProject;
  /** Findings of files and secrets alone. */
  fileFindings: Finding[];
  /** Findings of an exported bundle, which are among the others. */
  bundleFindings: Finding[];
  /** Null where the project has none. */
  keyVault: KeyVaultConfig | null;
  /** What is valid. */
  project: Project;
  /** What is not, of files, secrets and values; no secret is in them. */
  findings: Finding[];
  invalidJobs: Validation['invalidJobs'];
  /** Knows every secret of the project. */
  redactor: Redactor;
  /** Every secret's value with the path that names it; for other redactors, never for people. */
  secrets: { path: string; value: string }[];
  /** Where each value of the configuration comes from; never a value. */
  origins: Origin[];
}

/**
 * Opens the project in a folder: files → environment over key vault over secrets.toml over keychain over config.toml → validation.
 * What is wrong with it is in `findings`.
 * @throws IngestError where the folder itself cannot be read, and CANCELLED
 */
export async function openProject(directory: string, options: OpenProjectOptions = {}): Promise<OpenProject> {
  const files = await readProjectFiles(directory, options.env === undefined ? {} : { env: options.env });
  const bundle = await verifyBundle(files.directory, {
    runner: VERSION,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  return await assemble(files, bundle, options);
}

/**
 * The same project with the secrets of its key vault, without reading its files again; the project itself where it has none.
 * @param options those that it was opened with
 * @throws IngestError CANCELLED; what else is wrong is in the findings
 */
export async function askVault(
  opened: OpenProject,
  options: OpenProjectOptions & { vault: VaultAccess },
): Promise<OpenProject> {
  return opened.keyVault === null ? opened : await assemble(opened.files, opened.bundleFindings, options);
}

async function assemble(
  files: ProjectFiles,
  bundleFindings: Finding[],
  options: OpenProjectOptions,
): Promise<OpenProject> {
  const places = providersOf(files, options);
  const secretPlaces = new Set([SECRETS_FILE, KEYCHAIN_PLACE]);
  let resolved = await resolveConfig({ providers: places, secretPlaces });
  const keyVault = keyVaultOf(resolved);
  let vaultFindings: Finding[] = [];
  if (keyVault !== null && options.secrets !== false) {
    const vault = await openVault(keyVault, files, resolved, options);
    const [environment, ...others] = places;
    resolved = await resolveConfig({
      providers: [environment as SecretProvider, vault.provider, ...others],
      secretPlaces: secretPlaces.add(vaultPlace(keyVault)),
      askFor: vault.paths,
    });
    vaultFindings = vault.provider.findings;
  }
  const redactor = new Redactor(resolved.secrets);
  currentSignInDesk()?.sessions.tell(redactor);
  const raw = rawProject(files, resolved);
  const { project, findings, invalidJobs } = validateProject(raw, {
    secrets: options.secrets ?? true,
    keychain: options.secretStore?.atHand ?? systemKeychain().atHand ?? true,
    destination: options.destination ?? null,
  });
  const fileFindings = [
    ...files.findings,
    ...bundleFindings,
    ...resolved.findings,
    ...vaultFindings,
    ...redactor.unredactable.map(tooShort),
  ];
  return {
    directory: files.directory,
    files,
    raw,
    fileFindings,
    bundleFindings,
    keyVault,
    project,
    findings: [
      ...fileFindings,
      ...findings.filter((finding) => !isSaid(finding, files)).map((finding) => withLine(finding, files)),
    ],
    invalidJobs,
    redactor,
    secrets: resolved.secrets,
    origins: resolved.origins,
  };
}

/** The vault, asked or not, with the key paths that it may have a say in. */
async function openVault(
  keyVault: KeyVaultConfig,
  files: ProjectFiles,
  resolved: ResolvedConfig,
  options: OpenProjectOptions,
): Promise<{ provider: KeyVaultProvider; paths: string[][] }> {
  const { vault } = options;
  const scope = vault?.scope ?? { selectors: [] };
  const { project, invalidJobs } = validateProject(rawProject(files, resolved), {
    secrets: false,
    destination: options.destination ?? (scope === 'everything' ? null : (scope.destination ?? null)),
  });
  const known = { project, invalidJobs, config: resolved.config, origins: resolved.origins };
  const settled = new Set(
    resolved.origins.filter(({ origin }) => origin === ENVIRONMENT_PLACE).map(({ path }) => path),
  );
  const wanted = vaultPaths(keyVault, known, scope).filter((path) => !settled.has(pathText(path)));
  const paths = { wanted, all: vaultPaths(keyVault, known, 'everything') };
  if (vault === undefined) return { provider: deferringVault(keyVault, paths), paths: wanted };
  throwIfCancelled(vault.signal);
  const provider = await askKeyVault(keyVault, paths, {
    ...vault,
    baseDirectory: files.directory,
    environment: options.environment ?? process.env,
  });
  return { provider, paths: wanted };
}

function rawProject(files: ProjectFiles, resolved: ResolvedConfig): RawProject {
  return {
    jobs: files.jobs,
    checks: files.checks,
    settings: files.settings,
    config: resolved.config,
    secretPaths: resolved.secretPaths,
    deferredPaths: resolved.deferredPaths,
  };
}

/** What the key vault said of itself and of single secrets; empty where nobody asked it. */
export function vaultWarnings({ keyVault, findings }: Pick<OpenProject, 'keyVault' | 'findings'>): Finding[] {
  return keyVault === null ? [] : findings.filter(({ sheet }) => sheet === vaultPlace(keyVault));
}

/** A sheet that could not be read is missing for validation, too; the file's own finding says more. */
function isSaid(finding: Finding, files: ProjectFiles): boolean {
  return finding.code === 'SHEET_MISSING' && files.findings.some(({ code }) => /^(WORKBOOK_|SHEET_)/.test(code));
}

/** Findings about TOML know the key; the files know its line. */
function withLine(finding: Finding, files: ProjectFiles): Finding {
  const place = finding.row === null && finding.column !== null ? files.lines.get(finding.column) : undefined;
  return place?.file === finding.sheet ? { ...finding, row: place.line } : finding;
}

function providersOf(files: ProjectFiles, options: OpenProjectOptions): SecretProvider[] {
  const known = [...leafPaths(files.config), ...leafPaths(files.secrets), ...jobPaths(files.jobs)];
  return [
    environmentProvider(options.environment ?? process.env, known),
    tableProvider(SECRETS_FILE, files.secrets),
    keychainProvider(options.secretStore ?? createSecretStore(), files.directory),
    tableProvider(CONFIG_FILE, files.config),
  ];
}

/** The sections that jobs name, so that a connection that stands only in the environment keeps the workbook's spelling. */
function jobPaths(jobs: RawSheet | null): string[][] {
  if (jobs === null) return [];
  const column = (name: string) => jobs.headers.findIndex((header) => header.trim().toLowerCase() === name);
  const [source, table] = [column('source_name'), column('table_name')];
  return jobs.rows.flatMap(({ cells }) => {
    const name = cells[source]?.trim() ?? '';
    if (name === '') return [];
    const resource = cells[table]?.trim() ?? '';
    return [['sources', name], ...(resource === '' ? [] : [['sources', name, 'resources', resource]])];
  });
}

function tooShort(path: string): Finding {
  return {
    severity: 'warning',
    code: 'SECRET_TOO_SHORT',
    sheet: SECRETS_FILE,
    row: null,
    column: path,
    value: null,
    message: `${path} has fewer than ${SHORTEST_REDACTABLE} characters: it cannot be kept out of logs by its value.`,
    hint: 'Use a longer secret.',
    fix: null,
  };
}
