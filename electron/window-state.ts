import { readFileSync, writeFileSync } from 'node:fs';
import type { Rectangle } from 'electron';

export interface WindowState extends Rectangle {
  maximized: boolean;
}

const VERSION = 1;

/** Where the window was when it was closed; null where nobody knows, or where no screen shows that place any more. */
export function readWindowState(file: string, screens: readonly Rectangle[]): WindowState | null {
  try {
    const { version, x, y, width, height, maximized } = JSON.parse(readFileSync(file, 'utf8')) as Record<
      string,
      unknown
    >;
    const numbers = [x, y, width, height].every((value) => Number.isInteger(value));
    if (version !== VERSION || !numbers) return null;
    const state = { x, y, width, height, maximized: maximized === true } as WindowState;
    // Its title bar must be within reach.
    const reachable = screens.some(
      (screen) =>
        state.x + state.width > screen.x + 80 &&
        state.x < screen.x + screen.width - 80 &&
        state.y >= screen.y - 8 &&
        state.y < screen.y + screen.height - 40,
    );
    return reachable ? state : null;
  } catch {
    return null;
  }
}

/** A state that cannot be kept is no reason not to close. */
export function writeWindowState(file: string, state: WindowState): void {
  try {
    writeFileSync(file, JSON.stringify({ version: VERSION, ...state }));
  } catch {
    // The window opens in its usual place next time.
  }
}
