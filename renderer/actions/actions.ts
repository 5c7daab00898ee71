import type { AppStores } from '../stores/app-stores.ts';
import type { Action } from './action.ts';
import { appActions } from './app-actions.ts';
import { createAtHand } from './at-hand.ts';
import { editActions } from './edit-actions.ts';
import { fileActions } from './file-actions.ts';
import type { ProjectCommands } from './project-commands.ts';
import { runActions } from './run-actions.ts';
import type { RunCommands } from './run-commands.ts';
import { viewActions } from './view-actions.ts';

/** Every command of the window, in the order of the menus. */
export function createActions(stores: AppStores, commands: ProjectCommands, running: RunCommands): readonly Action[] {
  const atHand = createAtHand(stores);
  return [
    ...fileActions(stores, atHand, commands),
    ...editActions(stores, atHand, commands),
    ...viewActions(stores, atHand, commands),
    ...runActions(stores, atHand, running),
    ...appActions(stores),
  ];
}

/** Runs an action where it may run; anything that goes wrong is told by the action itself. */
export function runAction(actions: readonly Action[], id: string): void {
  const found = actions.find((candidate) => candidate.id === id);
  if (found?.enabled() === true) void found.run();
}
