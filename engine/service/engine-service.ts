import { z } from 'zod';
import { type CallName, contract, type WireError, type WireReply } from '../contract.ts';
import { cancelled, IngestError } from '../errors.ts';
import { askVault, type OpenProject, openProject } from '../open-project.ts';
import { Redactor } from '../secrets/redaction.ts';
import type { VaultScope } from '../secrets/vault-paths.ts';
import { withSignInDesk } from '../sign-in/sign-in-desk.ts';
import { aboutHandlers } from './about.ts';
import { connectionHandlers } from './connections.ts';
import { describeFailure } from './describe-failure.ts';
import { discoveryHandlers } from './discovery.ts';
import { exportHandlers } from './exports.ts';
import { folderHandlers } from './folders.ts';
import type { CallContext, Handlers } from './handlers.ts';
import { jobHandlers } from './jobs.ts';
import { KeptProjects } from './kept-projects.ts';
import { KeptVaultAnswers } from './kept-vault-answers.ts';
import { keyVaultHandlers } from './key-vault.ts';
import { OpenProjects } from './open-projects.ts';
import { checkPayload } from './payload.ts';
import { preflightHandlers } from './preflight.ts';
import { previewHandlers } from './previews.ts';
import { projectHandlers } from './projects.ts';
import { qualityHandlers } from './quality.ts';
import { recoveryHandlers } from './recovery.ts';
import { resultHandlers } from './results.ts';
import { runHandlers } from './runs.ts';
import type { EngineServiceOptions, ServiceContext } from './service-context.ts';
import { settingsHandlers } from './settings.ts';
import { SignIns, signInHandlers } from './sign-ins.ts';
import { WorkbookMemory } from './workbook-memory.ts';

/** Answers the calls of the contract, for whatever host carries them. */
export interface EngineService {
  /** Never throws: what goes wrong is a described error without a secret. `client` names the window that asks. */
  dispatch(id: unknown, name: unknown, input: unknown, client?: string): Promise<WireReply>;
  /** Aborts a call; it then answers with code `CANCELLED`. */
  cancel(id: unknown, client?: string): void;
  /** A window is gone: its calls are aborted, its projects are its no longer. Runs go on. */
  closeClient(client: string): Promise<void>;
  /** Aborts everything and waits until it has ended. */
  close(): Promise<void>;
}

const ONE_WINDOW = 'window';

/** Makes the service; its first call is answered at once, whatever files it will read later. */
export function createEngineService(options: EngineServiceOptions): EngineService {
  const redactor = new Redactor();
  const closing = new AbortController();
  const background = new Set<Promise<unknown>>();
  const emit: ServiceContext['emit'] = (name, data) => {
    if (!closing.signal.aborted) options.emit(name, redactor.data(data, { keys: 'keep' }));
  };
  const signIns = new SignIns(options.secretStore, emit);
  signIns.sessions.tell(redactor);
  const environment = options.environment ?? process.env;
  const projects = new OpenProjects({ ...options, emit });
  const optionsOf = (env: string | null) => ({
    environment,
    secretStore: options.secretStore,
    ...(env === null ? {} : { env }),
  });
  const learn = (opened: OpenProject) => {
    for (const { path, value } of opened.secrets) redactor.add(path, value);
    return opened;
  };
  const open = async (directory: string, env: string | null) => learn(await openProject(directory, optionsOf(env)));
  const kept = new KeptProjects(open, options.userDataDirectory);
  const ask = async (opened: OpenProject, env: string | null, scope: VaultScope, signal: AbortSignal) =>
    learn(await askVault(opened, { ...optionsOf(env), vault: { ...options.vault, scope, signal } }));
  const vaults = new KeptVaultAnswers((opened, env) => ask(opened, env, 'everything', closing.signal));
  const service: ServiceContext = {
    ...options,
    environment,
    emit,
    projects,
    signIns,
    workbooks: new WorkbookMemory(),
    open: (directory, env) => kept.fresh(directory, env),
    openKept: async (directory, env) => vaults.get(await kept.get(directory, env), env),
    askVault: ask,
    learnSecret: (path, value) => redactor.add(path, value),
    redact: (value) => redactor.data(value, { keys: 'keep' }),
    closing: closing.signal,
    background(work) {
      const entry = work.catch(() => undefined).finally(() => background.delete(entry));
      background.add(entry);
    },
  };
  const handlers: Handlers = {
    ...aboutHandlers(service),
    ...settingsHandlers(service),
    ...signInHandlers(service),
    ...projectHandlers(service),
    ...recoveryHandlers(service),
    ...folderHandlers(service),
    ...connectionHandlers(service),
    ...keyVaultHandlers(service),
    ...discoveryHandlers(service),
    ...jobHandlers(service),
    ...preflightHandlers(service),
    ...previewHandlers(service),
    ...runHandlers(service),
    ...resultHandlers(service),
    ...exportHandlers(service),
    ...qualityHandlers(service),
  };

  const running = new Map<string, { client: string; controller: AbortController; ended: Promise<unknown> }>();
  const keyOf = (id: string, client: string) => `${client}\n${id}`;

  async function answer(name: CallName, input: unknown, call: CallContext): Promise<WireReply> {
    try {
      checkPayload(input);
      const parsed = contract.calls[name].input.safeParse(input ?? undefined);
      if (!parsed.success) {
        throw new IngestError('CALL_INPUT_INVALID', `${name} was asked with values that it does not take.`, {
          cause: new Error(z.prettifyError(parsed.error).slice(0, 2000)),
        });
      }
      const handle = handlers[name] as (input: unknown, call: CallContext) => Promise<unknown>;
      const { directory } = (parsed.data ?? {}) as { directory?: string };
      const work = () => handle(parsed.data, call);
      const value = await (directory === undefined ? work() : withSignInDesk(signIns.desk(directory), work));
      if (call.signal.aborted) throw cancelled(call.signal);
      return { ok: true, value };
    } catch (error) {
      return { ok: false, error: failure(call.signal.aborted ? cancelled(call.signal) : error) };
    }
  }

  function failure(error: unknown): WireError {
    return redactor.data(describeFailure(error), { keys: 'keep' });
  }

  const abort = async (calls: { controller: AbortController; ended: Promise<unknown> }[]) => {
    for (const { controller } of calls) controller.abort();
    await Promise.allSettled(calls.map(({ ended }) => ended));
  };

  return {
    async dispatch(id, name, input, client = ONE_WINDOW) {
      if (closing.signal.aborted) return refused('ENGINE_CLOSING', 'The engine is being closed.');
      if (typeof id !== 'string' || id === '' || id.length > 100)
        return refused('CALL_ID_INVALID', 'A call has no usable id.');
      if (typeof name !== 'string' || !Object.hasOwn(contract.calls, name)) {
        return refused('CALL_UNKNOWN', `There is no call "${String(name).slice(0, 80)}".`);
      }
      const key = keyOf(id, client);
      if (running.has(key)) return refused('CALL_ID_INVALID', 'Two calls have the same id.');
      const controller = new AbortController();
      const ended = answer(name as CallName, input, { id, client, signal: controller.signal });
      running.set(key, { client, controller, ended });
      try {
        return await ended;
      } finally {
        running.delete(key);
      }
    },
    cancel(id, client = ONE_WINDOW) {
      if (typeof id === 'string') running.get(keyOf(id, client))?.controller.abort();
    },
    async closeClient(client) {
      // Both begin at once: a page that was loaded anew goes by the same name, and its calls and projects may come while the old ones end.
      const old = [...running.values()].filter((call) => call.client === client);
      await Promise.all([projects.closeClient(client), abort(old)]);
    },
    async close() {
      closing.abort();
      await abort([...running.values()]);
      await Promise.all(background);
      await projects.close();
    },
  };

  function refused(code: string, message: string): WireReply {
    return {
      ok: false,
      error: failure(new IngestError(code, message, { hint: 'This is a mistake of the window: reload it.' })),
    };
  }
}
