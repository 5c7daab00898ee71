import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { CallName, EventData, EventName, Input, Output, WireError } from '../../engine/contract.ts';
import type { Keychain } from '../../engine/secrets/keychain.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { createEngineService } from '../../engine/service/engine-service.ts';
import type { EngineServiceOptions } from '../../engine/service/service-context.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

export const SAMPLE = path.resolve(import.meta.dirname, '../../resources/sample');

/** A keychain in memory; the real one has a test of its own. */
export function memoryKeychain(): Keychain & { value: string | null } {
  return {
    name: 'memory',
    value: null,
    async get() {
      return this.value;
    },
    async set(value) {
      this.value = value;
    },
  };
}

export class CallFailed extends Error {
  readonly error: WireError;
  constructor(error: WireError) {
    super(`${error.code}: ${error.message}`);
    this.error = error;
  }
}

/** A service with folders of its own. `said` is everything that ever left it, as text. */
export async function startService(
  options: {
    keychain?: Keychain;
    environment?: Record<string, string>;
    openAtStart?: string;
    vault?: EngineServiceOptions['vault'];
  } = {},
) {
  const folder = await temporaryFolder();
  const events: { name: EventName; data: unknown }[] = [];
  const said: string[] = [];
  const userDataDirectory = path.join(folder.path, 'user');
  const make = () =>
    createEngineService({
      emit: (name, data) => {
        events.push({ name, data });
        said.push(JSON.stringify(data));
      },
      userDataDirectory,
      documentsDirectory: path.join(folder.path, 'Documents'),
      sampleDirectory: SAMPLE,
      secretStore: createSecretStore({ directory: userDataDirectory, keychain: options.keychain ?? memoryKeychain() }),
      version: '1.2.3',
      host: 'web',
      environment: options.environment ?? {},
      openAtStart: options.openAtStart ?? null,
      ...(options.vault === undefined ? {} : { vault: options.vault }),
    });
  const service = make();
  let last = 0;

  async function call<Name extends CallName>(name: Name, input: Input<Name>, client = 'window'): Promise<Output<Name>> {
    last += 1;
    const reply = await service.dispatch(`call-${last}`, name, input, client);
    said.push(JSON.stringify(reply));
    if (!reply.ok) throw new CallFailed(reply.error);
    return reply.value as Output<Name>;
  }

  return {
    service,
    folder: folder.path,
    userDataDirectory,
    events,
    said,
    call,
    /** The error of a call that must fail. */
    async failure<Name extends CallName>(name: Name, input: Input<Name>, client = 'window'): Promise<WireError> {
      try {
        await call(name, input, client);
      } catch (error) {
        if (error instanceof CallFailed) return error.error;
        throw error;
      }
      throw new Error(`${name} was expected to fail`);
    },
    /** Data of the events of a name so far. */
    heard<Name extends EventName>(name: Name): EventData<Name>[] {
      return events.filter((event) => event.name === name).map(({ data }) => data as EventData<Name>);
    },
    /** A copy of the sample project. */
    async project(name = 'project'): Promise<string> {
      const directory = path.join(folder.path, name);
      await mkdir(directory);
      await cp(SAMPLE, directory, { recursive: true, filter: (file) => !file.endsWith('.ts') });
      return directory;
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
