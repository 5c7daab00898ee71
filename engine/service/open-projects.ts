import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { projectKey } from '../user-data/user-data.ts';
import { isAlive } from '../user-data/user-file.ts';
import {
  configFiles,
  type ProjectFingerprints,
  type ProjectPlaces,
  projectFingerprints,
} from './project-fingerprint.ts';
import type { EngineServiceOptions } from './service-context.ts';

/** How often files are looked at, in milliseconds. By their state, not by the system's notices: those are lost on network drives. */
const LOOK_EVERY = 1_000;

interface Session {
  directory: string;
  places: ProjectPlaces;
  clients: Set<string>;
  /** Says to other processes that it is open here. */
  presence: string | null;
  /** State of each file by its path, cheap to ask. */
  seen: Map<string, string>;
  told: ProjectFingerprints;
  by: string | null;
}

type Options = Pick<EngineServiceOptions, 'emit' | 'userDataDirectory' | 'host'>;

/** The projects that windows have open: watches their files, tells windows of each other, and lets one write at a time. */
export class OpenProjects {
  readonly #options: Options;
  readonly #sessions = new Map<string, Session>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  /** From now on the window is told of changes. Gives who else has it open, or null. */
  async open(
    client: string,
    directory: string,
    places: ProjectPlaces,
    now: ProjectFingerprints,
  ): Promise<string | null> {
    const [key, seen] = await Promise.all([projectKey(directory), fileStates(places)]);
    // Nothing is awaited from here until the session is known: two windows that open at once share it.
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = {
        directory,
        places,
        clients: new Set(),
        presence: null,
        seen,
        told: now,
        by: null,
      };
      this.#sessions.set(key, session);
      session.presence = await this.#announce(key).catch(() => null);
    }
    session.clients.add(client);
    // What a window has read it need not be told.
    if (session.clients.size === 1) session.told = now;
    this.#timer ??= setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, LOOK_EVERY).unref();
    const by = await this.#others(key, session);
    // The first to have it hears of the second; a window that opens it learns it from the answer.
    if (by !== session.by && session.clients.size > 1) {
      this.#options.emit('project.opened_elsewhere', { directory: session.directory, by });
    }
    session.by = by;
    return by;
  }

  async leave(client: string, directory: string): Promise<void> {
    const key = await projectKey(directory);
    await this.#leave(client, key);
  }

  async closeClient(client: string): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((key) => this.#leave(client, key)));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    for (const session of this.#sessions.values()) await removePresence(session);
    this.#sessions.clear();
  }

  /** Changes of one project's files come one after the other. */
  async exclusive<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
    const key = await projectKey(directory);
    const done = (this.#queues.get(key) ?? Promise.resolve()).then(work);
    const settled = done.catch(() => undefined);
    this.#queues.set(key, settled);
    try {
      return await done;
    } finally {
      if (this.#queues.get(key) === settled) this.#queues.delete(key);
    }
  }

  async #leave(client: string, key: string): Promise<void> {
    const session = this.#sessions.get(key);
    if (session === undefined || !session.clients.delete(client) || session.clients.size > 0) return;
    this.#sessions.delete(key);
    await removePresence(session);
    if (this.#sessions.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  async #look(): Promise<void> {
    for (const [key, session] of this.#sessions) {
      await this.#lookAtFiles(session).catch(() => undefined);
      const by = await this.#others(key, session).catch(() => session.by);
      if (by === session.by) continue;
      session.by = by;
      this.#options.emit('project.opened_elsewhere', { directory: session.directory, by });
    }
  }

  async #lookAtFiles(session: Session): Promise<void> {
    const states = await fileStates(session.places);
    const changed = [...new Set([...states.keys(), ...session.seen.keys()])].filter(
      (file) => states.get(file) !== session.seen.get(file),
    );
    session.seen = states;
    if (changed.length === 0) return;
    const now = await projectFingerprints(session.places);
    const gone = !states.has(session.places.workbookPath);
    const { told } = session;
    if (now.fingerprint === told.fingerprint && now.configFingerprint === told.configFingerprint) return;
    session.told = now;
    this.#options.emit('project.changed_on_disk', {
      directory: session.directory,
      file: relativeTo(session, now.fingerprint === told.fingerprint ? changed : [session.places.workbookPath]),
      fingerprint: gone ? null : now.fingerprint,
      configFingerprint: gone ? null : now.configFingerprint,
    });
  }

  /** Who else has the project open, in words. */
  async #others(key: string, session: Session): Promise<string | null> {
    if (session.clients.size > 1) return 'another window';
    const folder = this.#presenceFolder();
    const names = await readdir(folder).catch((): string[] => []);
    for (const name of names) {
      const file = path.join(folder, name);
      if (!name.startsWith(presenceName(key)) || file === session.presence) continue;
      const pid = Number(name.split('-')[1]);
      if (!isAlive(pid)) {
        await rm(file, { force: true });
        continue;
      }
      const host = await readFile(file, 'utf8').catch(() => '');
      return host === 'web' ? 'a browser (ingest ui)' : 'another Ingest Studio window';
    }
    return null;
  }

  async #announce(key: string): Promise<string> {
    const folder = this.#presenceFolder();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, `${presenceName(key)}-${process.pid}-${randomBytes(4).toString('hex')}`);
    await writeFile(file, this.#options.host, { mode: 0o600 });
    return file;
  }

  #presenceFolder(): string {
    return path.join(this.#options.userDataDirectory, 'open');
  }
}

function presenceName(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 24);
}

async function removePresence({ presence }: Session): Promise<void> {
  if (presence !== null) await rm(presence, { force: true }).catch(() => undefined);
}

/** Size and time of each file that is there. */
async function fileStates({ workbookPath, settingsDirectory }: ProjectPlaces): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (const file of [workbookPath, ...(await configFiles(settingsDirectory).catch(() => []))]) {
    const found = await stat(file).catch(() => null);
    if (found !== null) states.set(file, `${found.size} ${found.mtimeMs} ${found.ino}`);
  }
  return states;
}

function relativeTo({ directory }: Session, [file = '']: string[]): string {
  return path.relative(directory, file).split(path.sep).join('/');
}
