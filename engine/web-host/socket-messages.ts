import type { WireReply } from '../contract.ts';

/** Where the page's socket is. */
export const SOCKET_PATH = '/engine';

/** What a page says over its socket, as JSON. Nothing of it is taken for granted. */
export type FromPage = { id: unknown; name?: unknown; input?: unknown } | { cancel: unknown };

/** What the host says, as JSON. */
export type ToPage = { id: unknown; reply: WireReply } | { event: string; data: unknown };
