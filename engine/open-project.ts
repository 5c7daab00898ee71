import { CONFIG_FILE, type ProjectFiles, readProjectFiles, SECRETS_FILE } from './bundle/read-project-files.ts';
import { verifyBundle } from './bundle/verify-bundle.ts';
import { VERSION } from './cli/version.ts';
import { type Environment, environmentProvider } from './secrets/environment.ts';
import type { SecretProvider } from './secrets/provider.ts';
import { Redactor, SHORTEST_REDACTABLE } from './secrets/redaction.ts';
import { type Origin, resolveConfig } from './secrets/resolve.ts';
import { createSecretStore, KEYCHAIN_PLACE, keychainProvider, type SecretStore } from './secrets/secret-store.ts';
import { leafPaths } from './secrets/table.ts';
import { tableProvider } from './secrets/table-provider.ts';
import type { Finding } from './spec/finding.ts';
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
 * Opens the project in a folder: files → environment over secrets.toml over keychain over config.toml → validation.
 * What is wrong with it is in `findings`.
 * @throws IngestError where the folder itself cannot be read
 */
export async function openProject(directory: string, options: OpenProjectOptions = {}): Promise<OpenProject> {
  const files = await readProjectFiles(directory, options.env === undefined ? {} : { env: options.env });
  const resolved = await resolveConfig({
    providers: providersOf(files, options),
    secretPlaces: new Set([SECRETS_FILE, KEYCHAIN_PLACE]),
  });
  const redactor = new Redactor(resolved.secrets);
  const raw: RawProject = {
    jobs: files.jobs,
    checks: files.checks,
    settings: files.settings,
    config: resolved.config,
    secretPaths: resolved.secretPaths,
    deferredPaths: resolved.deferredPaths,
  };
  const { project, findings, invalidJobs } = validateProject(raw, {
    secrets: options.secrets ?? true,
    destination: options.destination ?? null,
  });
  const bundle = await verifyBundle(files.directory, {
    runner: VERSION,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const fileFindings = [...files.findings, ...bundle, ...resolved.findings, ...redactor.unredactable.map(tooShort)];
  return {
    directory: files.directory,
    files,
    raw,
    fileFindings,
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
