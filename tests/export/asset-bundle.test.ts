import { readFile, writeFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildBundle } from '../../engine/bundle/export-bundle.ts';
import { openProject } from '../../engine/open-project.ts';
import type { CiSystem } from '../../engine/spec/kinds.ts';
import { type ProjectTexts, writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const CONFIG = `
[sources.shop]
base_url = "https://shop.example/api"

[destination]
type = "databricks"

[destination.databricks]
server_hostname = "adb-1.azuredatabricks.net"
http_path = "/sql/1.0/warehouses/abc"
access_token = "set by the environment"

[destination.filesystem]
bucket_url = "abfss://staging@lake.dfs.core.windows.net/ingest"
`;

function jobs(count: number): ProjectTexts['jobs'] {
  return Array.from({ length: count }, (_, index) => ({
    source_type: 'api',
    source_name: 'shop',
    table_name: `a_table_with_a_rather_long_name_${index + 1}`,
    load_type: 'FULL',
    auth_type: 'bearer',
    enabled: 'Y',
  }));
}

async function exported(
  count: number,
  options: { image?: string; overlays?: Record<string, string>; ci?: CiSystem } = {},
): Promise<Record<string, string>> {
  await using folder = await temporaryFolder();
  await writeProject(folder.path, { jobs: jobs(count), config: CONFIG, settings: { name: 'lake.house' } });
  for (const [name, text] of Object.entries(options.overlays ?? {})) {
    await writeFile(`${folder.path}/.dlt/config.${name}.toml`, text);
  }
  const opened = await openProject(folder.path, { environment: {} });
  const bundle = await buildBundle(opened, {
    app: { name: 'ingest', version: '1.2.3' },
    now: new Date(0),
    databricks: { image: options.image ?? null },
    ...(options.ci === undefined ? {} : { ci: options.ci }),
  });
  expect(bundle.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return Object.fromEntries(bundle.files.map(({ name, text }) => [name, text ?? '']));
}

const overlays = {
  prod: '[destination.databricks]\nserver_hostname = "https://adb-2.azuredatabricks.net/"\n',
};

const reference = (name: string) => `$\{var.${name}}`;

// biome-ignore lint/suspicious/noExplicitAny: whatever the YAML holds is looked at below.
type Yaml = any;

test('the asset bundle is valid by the published schema', async (context) => {
  const file = process.env['DATABRICKS_BUNDLE_SCHEMA'];
  if (file === undefined) {
    return context.skip('not run: DATABRICKS_BUNDLE_SCHEMA names no file (databricks bundle schema > FILE makes one)');
  }
  const validate = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(await readFile(file, 'utf8')));
  for (const files of [
    await exported(2),
    await exported(800, { overlays }),
    await exported(2, { image: 'registry.example/ingest:1', overlays }),
  ]) {
    validate(parse(files['databricks.yml'] as string));
    expect(validate.errors ?? []).toEqual([]);
  }
  const wrong = parse((await exported(2))['databricks.yml'] as string);
  wrong.resources.jobs.daily_ingestion.tasks[0].spark_python_task.python = 'x';
  expect(validate(wrong)).toBe(false);
});

test('what the schema lets pass: modes, hosts, variables', async () => {
  const text = (await exported(3, { overlays }))['databricks.yml'] as string;
  const bundle: Yaml = parse(text);
  expect(bundle.bundle.name).toBe('lake_house');
  expect(Object.keys(bundle.targets)).toEqual(['dev', 'staging', 'prod']);
  expect(Object.values<Yaml>(bundle.targets).map(({ mode }) => mode)).toEqual([
    'development',
    'production',
    'production',
  ]);
  expect(bundle.targets.dev.default).toBe(true);
  expect(Object.values<Yaml>(bundle.targets).map(({ workspace }) => workspace.host)).toEqual([
    'https://adb-1.azuredatabricks.net',
    'https://adb-1.azuredatabricks.net',
    'https://adb-2.azuredatabricks.net',
  ]);
  expect(bundle.targets.prod.run_as.service_principal_name).toBe(reference('service_principal'));
  expect(bundle.targets.prod.variables).toEqual({ environment: 'prod' });
  const used = new Set([...text.matchAll(/\$\{var\.(\w+)\}/g)].map(([, name]) => name));
  expect([...used].sort()).toEqual(Object.keys(bundle.variables).sort());
  // A variable without a default must have a value in every target, or be given when it is deployed there.
  const open = Object.entries<Yaml>(bundle.variables).filter(([, { default: value }]) => value === undefined);
  expect(open.map(([name]) => name)).toEqual(['service_principal']);
  expect(bundle.targets.dev.variables.service_principal).toBeDefined();
});

test('secrets come from the scope, under the names of their variables, and no value is written', async () => {
  const files = await exported(1);
  const bundle: Yaml = parse(files['databricks.yml'] as string);
  for (const cluster of [
    bundle.resources.jobs.daily_ingestion.job_clusters[0].new_cluster,
    bundle.resources.jobs.daily_ingestion_fan_out.tasks[0].for_each_task.task.new_cluster,
    bundle.resources.jobs.single_table_ingestion.job_clusters[0].new_cluster,
  ]) {
    expect(cluster.spark_env_vars['SOURCES__SHOP__TOKEN']).toBe(
      `{{secrets/${reference('secret_scope')}/SOURCES__SHOP__TOKEN}}`,
    );
    expect(Object.keys(cluster.spark_env_vars)).toContain('DESTINATION__DATABRICKS__ACCESS_TOKEN');
  }
  expect(Object.values(files).join('\n')).not.toContain('set by the environment');
});

test('a small project runs on one machine at six, a large one as a task a job', async () => {
  const small: Yaml = parse((await exported(50))['databricks.yml'] as string);
  const large: Yaml = parse((await exported(800))['databricks.yml'] as string);
  const status = ({ resources }: Yaml) =>
    ['daily_ingestion', 'daily_ingestion_fan_out'].map((name) => resources.jobs[name].schedule.pause_status);
  expect(status(small)).toEqual(['UNPAUSED', 'PAUSED']);
  expect(status(large)).toEqual(['PAUSED', 'UNPAUSED']);
  expect(small.resources.jobs.daily_ingestion.schedule).toMatchObject({
    quartz_cron_expression: '0 0 6 * * ?',
    timezone_id: 'UTC',
  });
  const inputs = large.resources.jobs.daily_ingestion_fan_out.tasks.map((task: Yaml) => task.for_each_task.inputs);
  for (const text of inputs) expect(text.length).toBeLessThanOrEqual(10_000);
  const names = inputs.flatMap((text: string) => JSON.parse(text));
  expect(names).toHaveLength(800);
  expect(new Set(names).size).toBe(800);
  const single = small.resources.jobs.single_table_ingestion;
  expect(single.parameters[0].name).toBe('table_name');
  expect(single.tasks[0].spark_python_task.parameters.slice(-3)).toEqual([
    'run',
    '--job',
    '{{job.parameters.table_name}}',
  ]);
});

test('with an image the clusters take it, and no folder is asked for', async () => {
  const files = await exported(1, { image: 'registry.example/ingest:1' });
  const bundle: Yaml = parse(files['databricks.yml'] as string);
  const { new_cluster: cluster } = bundle.resources.jobs.daily_ingestion.job_clusters[0];
  expect(cluster.docker_image.url).toBe(reference('runner_image'));
  expect(bundle.variables.runner_image.default).toBe('registry.example/ingest:1');
  expect(files['databricks.yml']).not.toContain('runner_path');
});

test.each(['github', 'azure-devops'] as const)('the %s pipeline validates, tests, tries and deploys', async (ci) => {
  const files = await exported(1, { ci });
  const name = ci === 'github' ? '.github/workflows/ingest.yml' : 'azure-pipelines.yml';
  const pipeline: Yaml = parse(files[name] as string);
  const check = ci === 'github' ? pipeline.jobs.check.steps : pipeline.stages[0].jobs[0].steps;
  const commands = check.map((step: Yaml) => step.run ?? step.script).filter(Boolean);
  expect(commands).toEqual([
    'npm install --global "$RUNNER_PACKAGE"',
    'ingest validate',
    'ingest test',
    'ingest run --sample 100 --work-dir "$WORK_DIRECTORY"',
  ]);
  const secret = check.find((step: Yaml) => (step.run ?? step.script) === 'ingest validate').env[
    'SOURCES__SHOP__TOKEN'
  ];
  expect(secret).toBe(ci === 'github' ? `$${'{{'} secrets.SOURCES__SHOP__TOKEN }}` : '$(SOURCES__SHOP__TOKEN)');
  expect(files[name]).toContain('databricks bundle deploy -t "$TARGET"');
  expect(files[name]).toContain('ingest-studio@1.2.3');
});
