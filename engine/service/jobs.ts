import { withScratch } from '../cli/scratch.ts';
import { openSource } from '../connectors.ts';
import type { Workspace } from '../duckdb/workspace.ts';
import { IngestError } from '../errors.ts';
import type { OpenProject } from '../open-project.ts';
import { chooseDestination, ProjectInvalidError } from '../pipeline/plan-run.ts';
import { readRequest } from '../pipeline/read-request.ts';
import { DestinationLook } from '../preflight/look-at-destination.ts';
import { knownState } from '../preflight/target-facts.ts';
import { connectionOf } from '../spec/connection.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import { type Job, jobName } from '../spec/job.ts';
import type { TypePolicy } from '../spec/kinds.ts';
import { JOBS_SHEET, type Project, type RawSheet, type Table } from '../spec/project.ts';
import { validateProject } from '../spec/validate-project.ts';
import type { JobState } from '../state/job-state.ts';
import type { HandlerGroup } from './handlers.ts';
import type { ServiceContext } from './service-context.ts';
import { readSettings } from './settings.ts';

export const jobHandlers: HandlerGroup<'job.explain'> = (service) => ({
  async 'job.explain'({ directory, env, row, destination }, { signal }) {
    const { opened, project, job } = await jobOfRow(service, directory, env, row);
    return withScratch(async ({ workspace, folder }) => {
      const known = await stateOf(service, opened, project, job, { workspace, folder, asked: destination, signal });
      const request = readRequest(job, known.state, { types: known.types, sampleRows: null });
      const source = await openSource(connectionFor(project, job), {
        projectDirectory: opened.directory,
        jobs: opened.project.jobs,
      });
      try {
        const statement = await source.explain(request, signal);
        return service.redact({ statement, watermark: request.incremental?.from ?? null });
      } finally {
        await source.close();
      }
    });
  },
});

/**
 * The job that a row of the window's stands for, saved or not. It is judged with the project's configuration, alone in its sheet.
 * @throws ProjectInvalidError with what is wrong with the row or its connection
 */
export async function jobOfRow(
  service: ServiceContext,
  directory: string,
  env: string | null,
  row: Readonly<Record<string, string>>,
  options: Table = {},
): Promise<{ opened: OpenProject; project: Project; job: Job }> {
  const opened = await service.openKept(directory, env);
  const headers = Object.keys(row);
  const jobs: RawSheet = {
    name: opened.raw.jobs?.name ?? JOBS_SHEET,
    headerRow: 1,
    headers,
    // A preview of a disabled row is as welcome as any.
    rows: [{ row: 2, cells: headers.map((header) => (isEnabledColumn(header) ? 'Y' : (row[header] ?? ''))) }],
  };
  const config = Object.keys(options).length === 0 ? opened.raw.config : withOptions(opened.raw.config, row, options);
  const { project, findings } = validateProject({ ...opened.raw, config, jobs, checks: null });
  const [job] = project.jobs;
  if (job !== undefined && connectionOf(project.connections, job) !== undefined) return { opened, project, job };
  const source = (row['source_name'] ?? '').trim();
  const blocking = findings.filter(
    ({ severity, sheet, column }) =>
      severity === 'error' && (sheet === jobs.name || (column ?? '').startsWith(`sources.${source}`)),
  );
  throw new ProjectInvalidError(
    blocking.length > 0 ? blocking : findings.filter(({ severity }) => severity === 'error'),
  );
}

/** The configuration with options laid over those of the row's resource. */
function withOptions(config: Table, row: Readonly<Record<string, string>>, options: Table): Table {
  const tableAt = (value: unknown): Table =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};
  const sources = tableAt(config['sources']);
  const named = (row['source_name'] ?? '').trim();
  const section = Object.hasOwn(sources, named) ? named : (row['source_type'] ?? '').trim().toLowerCase();
  const connection = tableAt(sources[section]);
  const resources = tableAt(connection['resources']);
  const table = (row['table_name'] ?? '').trim();
  const resource = Object.fromEntries(
    Object.entries({ ...tableAt(resources[table]), ...options }).filter(([, value]) => value !== null),
  );
  return {
    ...config,
    sources: { ...sources, [section]: { ...connection, resources: { ...resources, [table]: resource } } },
  };
}

function isEnabledColumn(header: string): boolean {
  return header.trim().toLowerCase() === 'enabled';
}

export function connectionFor(project: Project, job: Job) {
  const connection = connectionOf(project.connections, job);
  if (connection !== undefined) return connection;
  throw new IngestError('CONNECTION_NOT_FOUND', `${jobName(job)} has no valid connection "${job.source_name}".`);
}

/** Types as they would land in the project's own destination. */
export function typesOf({ destinations, destination }: Project): TypePolicy {
  return (destination === null ? 'duckdb' : (destinations[destination]?.type ?? 'duckdb')) === 'duckdb'
    ? 'native'
    : 'portable';
}

interface StateQuestion {
  workspace: Workspace;
  folder: string;
  asked: string | null;
  signal: AbortSignal;
}

/** How far the job has come in the destination; one that is not there yet is not made by asking. */
async function stateOf(
  service: ServiceContext,
  opened: OpenProject,
  project: Project,
  job: Job,
  { workspace, folder, asked, signal }: StateQuestion,
): Promise<{ state: JobState | null; types: TypePolicy }> {
  let config: DestinationConfig;
  try {
    config = chooseDestination(project, asked ?? undefined);
  } catch {
    return { state: null, types: typesOf(project) };
  }
  const baseDirectory = (await readSettings(service)).work_directory ?? opened.directory;
  const { destinations } = project;
  await using look = new DestinationLook({ config, destinations, workspace, baseDirectory, folder });
  const state = await knownState(look, job, project.settings.name, signal);
  return { state, types: (await look.about()).capabilities.types };
}
