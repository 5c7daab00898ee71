import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Document, isMap, isScalar } from 'yaml';
import { PACKAGE_DIRECTORY } from '../package-directory.ts';
import { jobName } from '../spec/job.ts';
import type { Project, Table } from '../spec/project.ts';
import { isTable } from './toml.ts';

export const ASSET_BUNDLE_FILE = 'databricks.yml';
export const LAUNCHER_FILE = 'deployment/run_ingest.py';

/** Projects with more enabled jobs than this are scheduled as a fan-out, a task a job. */
const FAN_OUT_ABOVE = 50;
/** Databricks takes so many characters of `for_each_task.inputs`. */
const INPUTS_LIMIT = 10_000;

const TARGETS = ['dev', 'staging', 'prod'] as const;
type Target = (typeof TARGETS)[number];

export interface AssetBundleOptions {
  /** Image of the cluster that brings Node and the runner; null: they come from a folder (`runner_path`). */
  image: string | null;
  /** Version of this runner: the one to install on the cluster. */
  version: string;
}

/** What a target's configuration says, with `config.toml` below it. */
export interface ExportedEnvironment {
  /** '' for config.toml alone. */
  name: string;
  config: Table;
}

/**
 * A Databricks Asset Bundle around an exported project: `databricks.yml` and the launcher.
 * Secrets are named, never written: each comes from the scope `secret_scope`, under the name of its environment variable, into the cluster's environment.
 *
 * @param secrets environment variables that the jobs and the destination need
 * @param environments config.toml and its overlays; the overlay named like a target is laid over there
 */
export async function assetBundle(
  project: Project,
  secrets: readonly string[],
  environments: readonly ExportedEnvironment[],
  options: AssetBundleOptions,
): Promise<{ name: string; text: string }[]> {
  const launcher = await readFile(path.join(PACKAGE_DIRECTORY, 'resources/deployment/run_ingest.py'), 'utf8');
  return [
    { name: ASSET_BUNDLE_FILE, text: databricksYaml(project, secrets, environments, options) },
    { name: LAUNCHER_FILE, text: launcher.replace('default="VERSION"', `default="${options.version}"`) },
  ];
}

/** The text of `databricks.yml`. */
export function databricksYaml(
  project: Project,
  secrets: readonly string[],
  environments: readonly ExportedEnvironment[],
  options: AssetBundleOptions,
): string {
  const enabled = project.jobs.filter((job) => job.enabled);
  const fanOut = enabled.length > FAN_OUT_ABOVE;
  const cluster = newCluster(secrets, options);
  const run = (selection: readonly string[]) => launch(selection, options);
  const document = new Document(
    {
      bundle: { name: bundleName(project.settings.name) },
      // Folders with a dot are named so that no default leaves them out.
      sync: { include: ['.dlt/**'], exclude: ['metadata/**', '.dlt/secrets.toml'] },
      variables: variables(options),
      resources: {
        jobs: {
          daily_ingestion: {
            name: jobTitle(project, 'daily ingestion'),
            description: 'Runs all enabled jobs on one machine.',
            ...schedule(project, !fanOut),
            ...common,
            tasks: [{ task_key: 'run_all_jobs', job_cluster_key: 'runner', ...run([]) }],
            job_clusters: [{ job_cluster_key: 'runner', new_cluster: cluster }],
          },
          daily_ingestion_fan_out: {
            name: jobTitle(project, 'daily ingestion, a task a job'),
            description: 'Runs each enabled job as a task of its own, on a machine of its own.',
            ...schedule(project, fanOut),
            ...common,
            tasks: forEachTasks(enabled.map(jobName), cluster, run),
          },
          single_table_ingestion: {
            name: jobTitle(project, 'single table'),
            description: 'Runs one job: set table_name to a table, source.table or tag:NAME.',
            ...common,
            // Several tables may be loaded side by side; two runs of one target exclude each other by its lock.
            max_concurrent_runs: 10,
            parameters: [{ name: 'table_name', default: enabled[0] === undefined ? '' : jobName(enabled[0]) }],
            tasks: [
              {
                task_key: 'run_single_job',
                job_cluster_key: 'runner',
                ...run(['--job', '{{job.parameters.table_name}}']),
              },
            ],
            job_clusters: [{ job_cluster_key: 'runner', new_cluster: cluster }],
          },
        },
      },
      targets: Object.fromEntries(TARGETS.map((target) => [target, targetOf(target, environments)])),
    },
    { aliasDuplicateObjects: false },
  );
  comment(document);
  return document.toString({ lineWidth: 0 });
}

const common = {
  max_concurrent_runs: 1,
  queue: { enabled: true },
  timeout_seconds: 12 * 60 * 60,
};

function schedule(project: Project, active: boolean) {
  return {
    schedule: {
      quartz_cron_expression: '0 0 6 * * ?',
      timezone_id: project.settings.timezone,
      pause_status: active ? 'UNPAUSED' : 'PAUSED',
    },
  };
}

function variables({ image }: AssetBundleOptions): Record<string, { description: string; default?: string }> {
  return {
    secret_scope: {
      description: 'Secret scope that holds the secrets, each under the name of its environment variable.',
      default: 'ingest',
    },
    service_principal: { description: 'Application id of the service principal that staging and prod run as.' },
    environment: {
      description: 'Overlay of the configuration: .dlt/config.NAME.toml, or "none".',
      default: 'none',
    },
    spark_version: { description: 'Runtime of the clusters.', default: '16.4.x-scala2.12' },
    node_type_id: { description: 'Machine of the clusters; the default is one of Azure.', default: 'Standard_D4ds_v5' },
    concurrency: { description: 'Tasks of the fan-out that run at a time.', default: '10' },
    ...(image === null
      ? {
          runner_path: {
            description: 'Folder that npm installed the runner into: in the bundle, or /Volumes/….',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is Databricks'.
            default: '${workspace.file_path}/runner',
          },
        }
      : { runner_image: { description: 'Image that brings Node and the runner.', default: image } }),
    work_dir: {
      description: 'Local folder of the machine for what a run writes.',
      default: '/local_disk0/ingest',
    },
    results_path: {
      description:
        'Folder that metrics and logs are copied to, e.g. /Volumes/main/ops/ingest; "none" leaves them on the machine.',
      default: 'none',
    },
  };
}

/** A machine of its own: the runner is one process, Spark has nothing to do. */
function newCluster(secrets: readonly string[], { image }: AssetBundleOptions) {
  return {
    spark_version: reference('spark_version'),
    node_type_id: reference('node_type_id'),
    num_workers: 0,
    data_security_mode: 'SINGLE_USER',
    spark_conf: { 'spark.databricks.cluster.profile': 'singleNode', 'spark.master': 'local[*]' },
    custom_tags: { ResourceClass: 'SingleNode' },
    ...(image === null ? {} : { docker_image: { url: reference('runner_image') } }),
    ...(secrets.length === 0
      ? {}
      : {
          spark_env_vars: Object.fromEntries(
            secrets.map((name) => [name, `{{secrets/${reference('secret_scope')}/${name}}}`]),
          ),
        }),
  };
}

/** The launcher as a task; runs are idempotent, so one that died with its machine is simply started again. */
function launch(selection: readonly string[], { image }: AssetBundleOptions) {
  return {
    max_retries: 1,
    min_retry_interval_millis: 60_000,
    spark_python_task: {
      python_file: `./${LAUNCHER_FILE}`,
      parameters: [
        '--bundle',
        reference('workspace.file_path', ''),
        ...(image === null ? ['--runner', reference('runner_path')] : []),
        '--work-dir',
        reference('work_dir'),
        '--results',
        reference('results_path'),
        '--environment',
        reference('environment'),
        'run',
        ...selection,
      ],
    },
  };
}

/** One `for_each_task`, or as many as its inputs' limit asks for. */
function forEachTasks(jobs: readonly string[], cluster: object, run: (selection: string[]) => object) {
  const groups: string[][] = [[]];
  for (const job of jobs) {
    const group = groups.at(-1) as string[];
    if (JSON.stringify([...group, job]).length > INPUTS_LIMIT) groups.push([job]);
    else group.push(job);
  }
  return groups.map((group, index) => ({
    task_key: groups.length === 1 ? 'run_each_job' : `run_each_job_${index + 1}`,
    for_each_task: {
      inputs: JSON.stringify(group),
      concurrency: reference('concurrency'),
      task: {
        task_key: groups.length === 1 ? 'run_job' : `run_job_${index + 1}`,
        new_cluster: cluster,
        ...run(['--job', '{{input}}']),
      },
    },
  }));
}

function targetOf(target: Target, environments: readonly ExportedEnvironment[]) {
  const overlay = environments.find(({ name }) => name === target);
  const base = environments.find(({ name }) => name === '');
  const host = hostOf(overlay?.config) ?? hostOf(base?.config);
  const workspace = {
    // A variable is not allowed here: the host decides where the variables are looked up.
    ...(host === null ? {} : { host }),
    ...(target === 'dev' ? {} : { root_path: rootPath }),
  };
  const values = {
    ...(target === 'dev' ? { service_principal: 'nobody' } : {}),
    ...(overlay === undefined ? {} : { environment: target }),
  };
  return {
    mode: target === 'dev' ? 'development' : 'production',
    ...(target === 'dev' ? { default: true } : {}),
    ...(Object.keys(workspace).length === 0 ? {} : { workspace }),
    ...(target === 'dev' ? {} : { run_as: { service_principal_name: reference('service_principal') } }),
    ...(Object.keys(values).length === 0 ? {} : { variables: values }),
  };
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are Databricks'.
const rootPath = '/Workspace/Shared/.bundle/${bundle.name}/${bundle.target}';

/** `https://…` of the Databricks destination that a configuration names; null where it names none. */
function hostOf(config: Table | undefined): string | null {
  const single = isTable(config?.['destination']) ? config['destination'] : {};
  const several = isTable(config?.['destinations']) ? config['destinations'] : {};
  for (const table of [single['databricks'], ...Object.values(several)]) {
    const host = isTable(table) ? table['server_hostname'] : undefined;
    if (typeof host === 'string' && host !== '')
      return `https://${host.replace(/^https?:\/\//, '').replace(/\/.*$/, '')}`;
  }
  return null;
}

/** `${var.NAME}`, which the Databricks command line replaces when it deploys. */
function reference(name: string, prefix = 'var.'): string {
  return `\${${prefix}${name}}`;
}

function jobTitle(project: Project, what: string): string {
  return `[${reference('bundle.target', '')}] ${project.settings.name}: ${what}`;
}

/** Names of bundles hold letters, digits, dashes and underscores. */
function bundleName(pipeline: string): string {
  return pipeline.replace(/[^A-Za-z0-9_-]+/g, '_');
}

const COMMENTS: Record<string, string> = {
  sync: ' What a run writes, and secrets kept in a file, never leave the computer.',
  variables: ' Give values with --var, BUNDLE_VAR_name, or in .databricks/bundle/TARGET/variable-overrides.json.',
  daily_ingestion: ` Of these two one is scheduled: up to ${FAN_OUT_ABOVE} enabled jobs one machine, beyond that a task a job.`,
  targets: ' The overlay .dlt/config.TARGET.toml, where there is one, is laid over .dlt/config.toml.',
};

function comment(document: Document): void {
  document.commentBefore = [
    ' Written by `ingest export --dab`; an export writes it anew.',
    '   databricks bundle validate -t dev',
    '   databricks bundle deploy -t dev',
    '   databricks bundle run -t dev daily_ingestion',
  ].join('\n');
  const jobs = document.getIn(['resources', 'jobs']);
  for (const map of [document.contents, jobs]) {
    if (!isMap(map)) continue;
    for (const { key } of map.items) {
      if (isScalar(key)) key.commentBefore = COMMENTS[String(key.value)] ?? null;
    }
  }
}
