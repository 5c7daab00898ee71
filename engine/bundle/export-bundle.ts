import { readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { OpenProject } from '../open-project.ts';
import { vaultSecrets } from '../secrets/azure-key-vault.ts';
import { variableName } from '../secrets/environment.ts';
import { setAt } from '../secrets/table.ts';
import { destinationPath } from '../secrets/vault-paths.ts';
import { connectionOf } from '../spec/connection.ts';
import type { Finding } from '../spec/finding.ts';
import type { CiSystem } from '../spec/kinds.ts';
import { destinationSecrets, neededSecrets } from '../spec/needed-secrets.ts';
import type { Project, Table } from '../spec/project.ts';
import { validateProject } from '../spec/validate-project.ts';
import { assetBundle } from './asset-bundle.ts';
import { BUNDLE_FILE, BUNDLE_FORMAT, BUNDLE_VERSION, type BundleDocument, bundleHashes } from './bundle-document.ts';
import { ciPipeline } from './ci-pipeline.ts';
import { exportedToml, finding, strayedSecrets } from './export-config.ts';
import { CONFIG_FILE, SECRETS_FILE, WORKBOOK_FILE } from './read-project-files.ts';
import { formatToml, parseToml } from './toml.ts';

/** Version of the runner that this form of bundles needs at least. */
const MINIMUM_RUNNER = '0.1.0';
export const EXAMPLE_FILE = `${SECRETS_FILE}.example`;

export interface BundleFile {
  /** Inside the bundle, with slashes. */
  name: string;
  bytes: Buffer;
  /** Null for the workbook. */
  text: string | null;
}

/** A bundle before it is written. */
export interface Bundle {
  /** Errors block it. */
  findings: Finding[];
  /** `bundle.json` last. */
  files: BundleFile[];
  secrets: BundleDocument['secrets'];
}

export interface BuildOptions {
  app: { name: string; version: string };
  now: Date;
  /** Adds a Databricks Asset Bundle; its clusters take this image, or null: the runner comes from a folder. */
  databricks?: { image: string | null };
  /** Adds the pipeline of a CI system. */
  ci?: CiSystem;
}

/**
 * What exporting a project gives: workbook, configuration and overlays without secrets, names of the secrets, `bundle.json`.
 * Never a secret's value, no state, no metadata. Writes nothing.
 */
export async function buildBundle(opened: OpenProject, options: BuildOptions): Promise<Bundle> {
  const { app, now } = options;
  const { project, findings: judged } = validateProject(opened.raw, { secrets: false });
  const findings = [...opened.fileFindings, ...judged];
  const workbook = await readFile(opened.files.workbookPath).catch(() => null);
  const configs = await exportedConfigs(opened);
  const sheets = [opened.files.jobs, opened.files.checks, opened.files.settings];
  findings.push(
    ...configs.flatMap((config) => config.findings),
    ...strayedSecrets(configs, sheets, opened.secrets),
    ...localPaths(project),
    ...(options.databricks === undefined ? [] : localDestination(project)),
  );
  const secrets = secretNames(opened, project);
  const files: BundleFile[] = [
    ...(workbook === null ? [] : [{ name: WORKBOOK_FILE, bytes: workbook, text: null }]),
    ...configs.map(({ name, text }) => textFile(name, text)),
    ...(secrets.length === 0 ? [] : [textFile(EXAMPLE_FILE, exampleOf(secrets))]),
    // What a vault gives need not be in the scope or the CI system, which refuse to start without what they are asked for.
    ...(await deploymentFiles(
      project,
      secrets.filter(({ key_vault }) => key_vault === undefined),
      configs,
      options,
    )),
  ];
  const count = (severity: Finding['severity']) => findings.filter((found) => found.severity === severity).length;
  const document: BundleDocument = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    app,
    minimum_runner_version: MINIMUM_RUNNER,
    created_at: now.toISOString(),
    project: project.settings.name,
    validation: {
      errors: count('error'),
      warnings: count('warning'),
      jobs: project.jobs.length,
      enabled_jobs: project.jobs.filter(({ enabled }) => enabled).length,
      checks: project.checks.length,
    },
    files: files.map(({ name, bytes }) => ({
      path: name,
      bytes: bytes.length,
      sha256: bundleHashes(name, bytes)[0] as string,
    })),
    secrets: secrets.map(({ keys: _, ...named }) => named),
  };
  files.push(textFile(BUNDLE_FILE, `${JSON.stringify(document, null, 2)}\n`));
  return { findings, files, secrets: document.secrets };
}

/** What deploys and runs the bundle, where it is asked for. */
async function deploymentFiles(
  project: Project,
  secrets: readonly { environment: string }[],
  configs: readonly ExportedConfig[],
  { app: { version }, databricks, ci }: BuildOptions,
): Promise<BundleFile[]> {
  const names = secrets.map(({ environment }) => environment);
  const environments = configs.map(({ name, table }) => ({
    name: /config\.([\w-]+)\.toml$/.exec(name)?.[1] ?? '',
    config: table,
  }));
  const files = [
    ...(databricks === undefined
      ? []
      : await assetBundle(project, names, environments, { image: databricks.image, version })),
    ...(ci === undefined ? [] : [ciPipeline(ci, project, names, { deploys: databricks !== undefined, version })]),
  ];
  return files.map(({ name, text }) => textFile(name, text));
}

interface ExportedConfig {
  name: string;
  text: string;
  table: Table;
  findings: Finding[];
}

/** `config.toml` and every overlay, as they may leave. */
async function exportedConfigs(opened: OpenProject): Promise<ExportedConfig[]> {
  const folder = join(opened.files.settingsDirectory, '.dlt');
  const overlays = (await readdir(folder).catch((): string[] => [])).filter((name) =>
    /^config\.[\w-]+\.toml$/.test(name),
  );
  const configs: ExportedConfig[] = [];
  for (const name of [CONFIG_FILE, ...overlays.sort().map((overlay) => `.dlt/${overlay}`)]) {
    const source = await readFile(join(opened.files.settingsDirectory, ...name.split('/')), 'utf8').catch(() => '');
    if (source === '' && name !== CONFIG_FILE) continue;
    const unreadable = parseToml(source, name).findings.filter(({ severity }) => severity === 'error');
    if (unreadable.length > 0) {
      configs.push({ name, text: source, table: {}, findings: unreadable });
      continue;
    }
    const { text, findings } = exportedToml(source, name, name === CONFIG_FILE ? opened.files.secrets : {});
    configs.push({ name, text, table: parseToml(text, name).table, findings });
  }
  return configs;
}

function textFile(name: string, text: string): BundleFile {
  return { name, bytes: Buffer.from(text, 'utf8'), text };
}

/** Secrets that enabled jobs and the destination need, and those that are set for them. */
function secretNames(opened: OpenProject, project: Project): (Bundle['secrets'][number] & { keys: string[] })[] {
  const destination = project.destination === null ? undefined : project.destinations[project.destination];
  const base = destination === undefined ? [] : destinationPath(opened.raw.config, destination);
  const enabled = project.jobs.filter((job) => job.enabled);
  const used = new Set(enabled.flatMap((job) => connectionOf(project.connections, job)?.name ?? []));
  const paths = [
    ...neededSecrets(project.jobs, project.connections).map(({ path }) => path),
    ...(destination === undefined ? [] : destinationSecrets(destination, base).map(({ path }) => path)),
    ...opened.origins
      .filter(({ secret }) => secret)
      .map(({ path }) => path.split('.'))
      .filter(
        ([section, name]) =>
          (section === 'sources' && used.has(name ?? '')) || (section === base[0] && name === base[1]),
      ),
  ];
  const { keyVault } = opened;
  if (keyVault?.authentication === 'service_principal') paths.push(['key_vault', 'client_secret']);
  const unique = new Map(paths.map((keys) => [keys.join('.'), keys]));
  const inVault = new Map(
    keyVault === null
      ? []
      : vaultSecrets(keyVault, { wanted: paths, all: paths }).secrets.map(({ path, name }) => [path.join('.'), name]),
  );
  return [...unique].sort().map(([path, keys]) => {
    const secret = keys[0] === 'key_vault' ? undefined : inVault.get(path);
    return {
      path,
      keys,
      environment: variableName(keys),
      ...(keyVault === null || secret === undefined ? {} : { key_vault: { vault: keyVault.name, secret } }),
    };
  });
}

function exampleOf(secrets: readonly (BundleDocument['secrets'][number] & { keys: string[] })[]): string {
  const table: Table = {};
  for (const { keys } of secrets) setAt(table, keys, '');
  return [
    '# Secrets that this bundle needs. Give them as environment variables:',
    ...secrets.map(
      ({ environment, key_vault: inVault }) =>
        `#   ${environment}${inVault === undefined ? '' : ` (or secret ${inVault.secret} of Azure Key Vault ${inVault.vault})`}`,
    ),
    '# or copy this file to secrets.toml beside it, fill it in, and keep it out of git.',
    '',
    formatToml(table).trimEnd(),
    '',
  ].join('\n');
}

/** Files that jobs read lie beside the workbook or on this computer: the bundle does not carry them. */
function localPaths(project: Project): Finding[] {
  const read = new Set(
    project.jobs.filter((job) => job.enabled).map((job) => connectionOf(project.connections, job)?.name),
  );
  return Object.values(project.connections).flatMap((connection) => {
    if (connection.type !== 'filesystem' || !read.has(connection.name)) return [];
    const url = connection.bucket_url;
    if (!isLocalPlace(url)) return [];
    const where =
      isAbsolute(url) || url.startsWith('file:') ? 'a place of this computer' : 'a folder beside the workbook';
    const variable = variableName(['sources', connection.name, 'bucket_url']);
    return [
      finding(
        'warning',
        'EXPORT_LOCAL_PATH',
        CONFIG_FILE,
        `sources.${connection.name}.bucket_url`,
        `Connection ${connection.name} reads ${url}, ${where}. Its files are not part of the bundle.`,
        `Put them there where the bundle runs, or name another place with ${variable}.`,
      ),
    ];
  });
}

/** A cluster's disk ends with the cluster: what is loaded there is lost, its state too. */
function localDestination(project: Project): Finding[] {
  const destination = project.destination === null ? undefined : project.destinations[project.destination];
  if (destination === undefined || destination.type === 'databricks') return [];
  if (destination.type === 'filesystem' && !isLocalPlace(destination.bucket_url)) return [];
  return [
    finding(
      'warning',
      'EXPORT_LOCAL_DESTINATION',
      CONFIG_FILE,
      `destination.${destination.name}`,
      `Destination ${destination.name} lies on the disk of the machine that runs the jobs; a cluster loses it at its end.`,
      'Let the Pipeline sheet, or .dlt/config.prod.toml, name a databricks destination or one in a bucket.',
    ),
  ];
}

/** A path or `file://`; a Windows drive letter is no scheme. */
function isLocalPlace(url: string): boolean {
  return !/^(?!file:)[a-z][a-z0-9+.-]+:\/\//i.test(url);
}
