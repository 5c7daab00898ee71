import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { locateProject } from '../bundle/read-project-files.ts';
import type { OpenProject } from '../open-project.ts';

/** As many as anybody works on at a time. */
const MOST = 3;

/**
 * Projects as they were opened last, for questions that come with every row a person looks at: a large workbook takes seconds to read.
 * One whose files have another size or time by now is opened anew.
 */
export class KeptProjects {
  readonly #open: (directory: string, env: string | null) => Promise<OpenProject>;
  readonly #userDataDirectory: string;
  readonly #kept = new Map<string, { state: string; opened: Promise<OpenProject> }>();

  constructor(open: (directory: string, env: string | null) => Promise<OpenProject>, userDataDirectory: string) {
    this.#open = open;
    this.#userDataDirectory = userDataDirectory;
  }

  /** The one that is kept, where no file has changed since. */
  async get(directory: string, env: string | null): Promise<OpenProject> {
    const state = await this.#stateOf(directory);
    const kept = this.#kept.get(keyOf(directory, env));
    return kept?.state === state ? kept.opened : this.#read(directory, env, state);
  }

  /** Read anew, whatever is kept. */
  async fresh(directory: string, env: string | null): Promise<OpenProject> {
    return this.#read(directory, env, await this.#stateOf(directory));
  }

  #read(directory: string, env: string | null, state: string): Promise<OpenProject> {
    const key = keyOf(directory, env);
    const opened = this.#open(directory, env);
    this.#kept.delete(key);
    this.#kept.set(key, { state, opened });
    for (const old of [...this.#kept.keys()].slice(0, -MOST)) this.#kept.delete(old);
    opened.catch(() => this.#kept.delete(key));
    return opened;
  }

  /** Size and time of every file that a project is made of, the encrypted secrets included. */
  async #stateOf(directory: string): Promise<string> {
    const { workbookPath, settingsDirectory } = await locateProject(directory);
    const settings = path.join(settingsDirectory, '.dlt');
    const names = await readdir(settings).catch((): string[] => []);
    const files = [
      workbookPath,
      ...names.filter((name) => name.endsWith('.toml')).map((name) => path.join(settings, name)),
      path.join(this.#userDataDirectory, 'secrets.json'),
    ];
    const states = await Promise.all(
      files.map((file) =>
        stat(file).then(
          ({ size, mtimeMs, ino }) => `${file} ${size} ${mtimeMs} ${ino}`,
          () => file,
        ),
      ),
    );
    return states.join('\n');
  }
}

function keyOf(directory: string, env: string | null): string {
  return `${env ?? ''}\n${path.resolve(directory)}`;
}
