import type { ProjectDocument } from '../../engine/contract.ts';
import { call } from '../client.ts';
import type { AppStores } from '../stores/app-stores.ts';
import type { Batch } from '../stores/batch.ts';
import { type ConfigStep, reverseStep, valueChanges } from '../stores/config-step.ts';
import { connectionKey } from '../stores/connection-store.ts';

export type History = ReturnType<typeof createHistory>;

/** Undo and redo of everything in the project: steps of the sheets at once, those that wrote config.toml by writing it again. */
export function createHistory(
  { project, connections, window }: AppStores,
  fail: (title: string, error: unknown) => void,
) {
  let queue: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  /** Strokes come one after the other, also where one of them waits for the engine. */
  async function step(back: boolean): Promise<void> {
    const next = top(back);
    if (waiting === 0 && next?.config == null) {
      move(back);
      return;
    }
    waiting += 1;
    const done = queue.then(() => take(back));
    queue = done;
    await done.finally(() => {
      waiting -= 1;
    });
  }

  const top = (back: boolean): Batch | undefined => project.getState()[back ? 'undo' : 'redo'].at(-1);
  const move = (back: boolean): void => (back ? project.undo() : project.redo());

  async function take(back: boolean): Promise<void> {
    const batch = top(back);
    if (batch?.config == null) {
      move(back);
      return;
    }
    const config = back ? reverseStep(batch.config) : batch.config;
    try {
      await write(config);
    } catch (error) {
      fail(back ? 'The step could not be taken back' : 'The step could not be repeated', error);
      return;
    }
    // What was edited meanwhile stands above it: then what was written is a step of its own.
    if (top(back) === batch) move(back);
    else project.recordConfig(`${back ? 'Undo' : 'Redo'} ${batch.label}`, config);
    window.toast({
      tone: 'info',
      title: `${back ? 'Undone' : 'Done again'}: ${batch.label}`,
      ...(back ? secretsNote(config) : {}),
    });
  }

  /** What a step back leaves as it is. */
  function secretsNote({ forgotten, entered }: ConfigStep): { text?: string } {
    if (forgotten !== null) {
      return { text: `The secrets of ${forgotten} were forgotten with it: enter them again in Connections.` };
    }
    if (entered === null) return {};
    return {
      text: `The secrets of ${entered} stay as you entered them: undo changes nothing in the keychain. Replace them in Connections where the old ones are right.`,
    };
  }

  async function write({ changes, renamed }: ConfigStep): Promise<void> {
    const { document } = project.getState();
    if (document === null) return;
    const place = { directory: document.directory, env: document.env };
    let saved: ProjectDocument;
    if (renamed === null) {
      saved = await call('project.save', {
        ...place,
        fingerprint: document.fingerprint,
        configFingerprint: document.configFingerprint,
        edits: [],
        config: changes.map(({ path, after }) => ({ path: [...path], value: after ?? null })),
      });
    } else {
      const { section, type, from, to, before, after } = renamed;
      saved = await call('connection.save', {
        ...place,
        section,
        connection: { name: to, type, values: valueChanges(before, after) as Record<string, never>, secrets: {} },
        previous_name: from,
      });
      connections.rename(connectionKey(section, from), connectionKey(section, to));
      const { screen, subject } = window.getState();
      if (screen === 'connections' && subject === connectionKey(section, from)) {
        window.go('connections', connectionKey(section, to));
      }
    }
    if (!project.adopt(saved)) window.setState({ changedOnDisk: { file: 'the workbook', gone: false } });
  }

  return {
    undo: (): Promise<void> => step(true),
    redo: (): Promise<void> => step(false),

    /** Takes a step back that may not be the last one by now: then `otherwise` does. */
    undoStep(batch: Batch | undefined, otherwise: () => void): void {
      if (batch !== undefined && top(true) === batch) void step(true);
      else otherwise();
    },
  };
}
