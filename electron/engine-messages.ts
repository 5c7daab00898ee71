import type { WireReply } from '../engine/contract.ts';

/** What the main process says to the engine's process. `client` names the window. */
export type ToEngine =
  | { kind: 'start'; documentsDirectory: string; sampleDirectory: string; version: string; openAtStart: string | null }
  | { kind: 'call'; client: string; id: unknown; name: unknown; input: unknown }
  | { kind: 'cancel'; client: string; id: unknown }
  | { kind: 'close-client'; client: string };

/** What the engine's process says to the main process. */
export type FromEngine =
  | { kind: 'reply'; client: string; id: unknown; reply: WireReply }
  | { kind: 'event'; name: string; data: unknown };
