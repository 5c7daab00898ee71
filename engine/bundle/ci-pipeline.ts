import { stringify } from 'yaml';
import type { CiSystem } from '../spec/kinds.ts';
import type { Project } from '../spec/project.ts';
import { ASSET_BUNDLE_FILE } from './asset-bundle.ts';

export interface CiOptions {
  /** The export holds a Databricks Asset Bundle to deploy. */
  deploys: boolean;
  /** Version of this runner. */
  version: string;
}

interface Step {
  name: string;
  run: string;
  /** Needs the secrets of the project. */
  secrets?: true;
  /** Writes into `WORK_DIRECTORY`. */
  writes?: true;
}

/**
 * The pipeline of a CI system around an exported project: validate → connection tests → dry run → deploy.
 * Secrets are the CI system's own, each under the name of its environment variable.
 */
export function ciPipeline(
  system: CiSystem,
  project: Project,
  secrets: readonly string[],
  options: CiOptions,
): { name: string; text: string } {
  const trial = trialDestination(project);
  const steps: Step[] = [
    { name: 'Install the runner', run: 'npm install --global "$RUNNER_PACKAGE"' },
    { name: 'Validate', run: 'ingest validate', secrets: true },
    { name: 'Test the connections', run: 'ingest test', secrets: true },
    {
      name: 'Dry run',
      run: `ingest run --sample 100${trial === null ? '' : ` --destination ${trial}`} --work-dir "$WORK_DIRECTORY"`,
      secrets: true,
      writes: true,
    },
  ];
  return system === 'github' ? githubWorkflow(steps, secrets, options) : azurePipeline(steps, secrets, options);
}

/** Where a dry run loads into: a DuckDB file where the project has one, else the run's own destination, in its `_sample` schema. */
function trialDestination(project: Project): string | null {
  return Object.values(project.destinations).find(({ type }) => type === 'duckdb')?.name ?? null;
}

const DEPLOY = 'databricks bundle deploy -t "$TARGET"';

function githubWorkflow(steps: readonly Step[], secrets: readonly string[], { deploys, version }: CiOptions) {
  const expression = (text: string) => `\${{ ${text} }}`;
  const env = Object.fromEntries(secrets.map((name) => [name, expression(`secrets.${name}`)]));
  // The context `runner` is known to steps only.
  const work = { WORK_DIRECTORY: expression('runner.temp') };
  const setup = [{ uses: 'actions/checkout@v4' }, { uses: 'actions/setup-node@v4', with: { 'node-version': '24' } }];
  const workflow = {
    name: 'ingest',
    on: { push: { branches: ['main'] }, pull_request: {}, workflow_dispatch: {} },
    permissions: { contents: 'read' },
    env: { RUNNER_PACKAGE: expression(`vars.INGEST_PACKAGE || 'ingest-studio@${version}'`) },
    jobs: {
      check: {
        'runs-on': 'ubuntu-latest',
        'timeout-minutes': 30,
        steps: [
          ...setup,
          ...steps.map((step) => ({
            name: step.name,
            run: step.run,
            ...environmentOf({ ...(step.secrets ? env : {}), ...(step.writes ? work : {}) }),
          })),
        ],
      },
      ...(deploys
        ? {
            deploy: {
              needs: 'check',
              if: "github.ref == 'refs/heads/main' && github.event_name != 'pull_request'",
              'runs-on': 'ubuntu-latest',
              environment: 'production',
              steps: [
                { uses: 'actions/checkout@v4' },
                { uses: 'databricks/setup-cli@main' },
                {
                  name: 'Deploy',
                  run: DEPLOY,
                  env: {
                    TARGET: expression("vars.TARGET || 'prod'"),
                    BUNDLE_VAR_service_principal: expression('vars.SERVICE_PRINCIPAL'),
                    DATABRICKS_CLIENT_ID: expression('secrets.DATABRICKS_CLIENT_ID'),
                    DATABRICKS_CLIENT_SECRET: expression('secrets.DATABRICKS_CLIENT_SECRET'),
                  },
                },
              ],
            },
          }
        : {}),
    },
  };
  return {
    name: '.github/workflows/ingest.yml',
    text: head('GitHub Actions') + stringify(workflow, { lineWidth: 0, aliasDuplicateObjects: false }),
  };
}

function azurePipeline(steps: readonly Step[], secrets: readonly string[], { deploys, version }: CiOptions) {
  // Secret variables reach a step only where it names them.
  const env = Object.fromEntries(secrets.map((name) => [name, `$(${name})`]));
  const pipeline = {
    trigger: { branches: { include: ['main'] } },
    pool: { vmImage: 'ubuntu-latest' },
    variables: [
      { group: 'ingest' },
      { name: 'RUNNER_PACKAGE', value: `ingest-studio@${version}` },
      { name: 'WORK_DIRECTORY', value: '$(Agent.TempDirectory)' },
      ...(deploys ? [{ name: 'TARGET', value: 'prod' }] : []),
    ],
    stages: [
      {
        stage: 'check',
        jobs: [
          {
            job: 'check',
            timeoutInMinutes: 30,
            steps: [
              { task: 'UseNode@1', inputs: { version: '24.x' } },
              ...steps.map((step) => ({
                script: step.run,
                displayName: step.name,
                ...environmentOf(step.secrets ? env : {}),
              })),
            ],
          },
        ],
      },
      ...(deploys
        ? [
            {
              stage: 'deploy',
              dependsOn: 'check',
              condition: "and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))",
              jobs: [
                {
                  deployment: 'deploy',
                  environment: 'production',
                  strategy: {
                    runOnce: {
                      deploy: {
                        steps: [
                          { checkout: 'self' },
                          {
                            script:
                              'curl -fsSL https://raw.githubusercontent.com/databricks/setup-cli/main/install.sh | sh',
                            displayName: 'Install the Databricks command line',
                          },
                          {
                            script: DEPLOY,
                            displayName: 'Deploy',
                            env: {
                              BUNDLE_VAR_service_principal: '$(SERVICE_PRINCIPAL)',
                              DATABRICKS_CLIENT_ID: '$(DATABRICKS_CLIENT_ID)',
                              DATABRICKS_CLIENT_SECRET: '$(DATABRICKS_CLIENT_SECRET)',
                            },
                          },
                        ],
                      },
                    },
                  },
                },
              ],
            },
          ]
        : []),
    ],
  };
  return {
    name: 'azure-pipelines.yml',
    text: head('Azure DevOps') + stringify(pipeline, { lineWidth: 0, aliasDuplicateObjects: false }),
  };
}

/** A step's `env`, where it has one. */
function environmentOf(env: Record<string, string>): { env?: Record<string, string> } {
  return Object.keys(env).length === 0 ? {} : { env };
}

function head(system: string): string {
  return [
    '# Written by `ingest export --ci`; an export writes it anew.',
    `# ${system}: validate, test the connections, try it with 100 rows a job, deploy ${ASSET_BUNDLE_FILE} where there is one.`,
    '# RUNNER_PACKAGE is what npm installs: a version of your registry, a URL, or the path of ingest-studio-VERSION.tgz in this repository.',
    '',
  ].join('\n');
}
