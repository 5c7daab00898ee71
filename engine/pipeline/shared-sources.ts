import { openSource } from '../connectors.ts';
import { IngestError } from '../errors.ts';
import type { OpenProject } from '../open-project.ts';
import type { Source } from '../sources/source.ts';
import { type Job, jobName } from '../spec/job.ts';

/** Sources by connection: jobs of one connection share its rate limit, its token and its name in the log. */
export class SharedSources {
  readonly #project: Pick<OpenProject, 'project' | 'directory'>;
  readonly #spoolDirectory: string;
  readonly #open = new Map<string, Promise<Source>>();

  constructor(project: Pick<OpenProject, 'project' | 'directory'>, spoolDirectory: string) {
    this.#project = project;
    this.#spoolDirectory = spoolDirectory;
  }

  async of(job: Job): Promise<Source> {
    const { connections } = this.#project.project;
    const name = job.source_name in connections ? job.source_name : job.source_type;
    const connection = connections[name];
    if (!connection) {
      throw new IngestError(
        'CONNECTION_NOT_FOUND',
        `${jobName(job)}: there is no connection ${job.source_name} in .dlt/config.toml.`,
        {
          hint: `Add [sources.${job.source_name}].`,
        },
      );
    }
    let source = this.#open.get(name);
    if (!source) {
      source = openSource(connection, {
        projectDirectory: this.#project.directory,
        jobs: this.#project.project.jobs,
        spoolDirectory: this.#spoolDirectory,
      });
      this.#open.set(name, source);
    }
    return await source;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (source) => (await source).close()));
  }
}
