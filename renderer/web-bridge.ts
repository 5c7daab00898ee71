import type { Bridge, WireError, WireReply } from '../engine/contract.ts';

/** Pauses before the next attempt to reach the host, in milliseconds. */
const PAUSES = [200, 500, 1_000, 2_000, 5_000];

/** The browser's bridge to `ingest ui`: one socket that is opened again when it breaks. The host has no dialogs and no menu. */
export function connectWebHost(): Bridge {
  const waiting = new Map<string, (reply: WireReply) => void>();
  const unsent = new Map<string, string>();
  const listeners = new Set<(name: string, data: unknown) => void>();
  let socket: WebSocket | null = null;
  let failures = 0;
  let lost = false;

  function connect(): void {
    const opened = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/engine`);
    opened.onopen = () => {
      socket = opened;
      failures = 0;
      for (const text of unsent.values()) opened.send(text);
      unsent.clear();
      if (lost) tell('engine.restarted', { reason: 'The connection to Ingest Studio was lost and is back.' });
      lost = false;
    };
    opened.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as { id: string; reply: WireReply } | { event: string; data: unknown };
      if ('event' in message) tell(message.event, message.data);
      else answer(message.id, message.reply);
    };
    opened.onclose = () => {
      if (socket === opened) {
        lost = true;
        socket = null;
      }
      for (const id of [...waiting.keys()]) {
        if (unsent.has(id) && failures < PAUSES.length) continue;
        unsent.delete(id);
        answer(id, stopped());
      }
      setTimeout(connect, PAUSES[Math.min(failures, PAUSES.length - 1)]);
      failures += 1;
    };
  }

  function tell(name: string, data: unknown): void {
    for (const listener of listeners) listener(name, data);
  }

  function answer(id: string, reply: WireReply): void {
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve?.(reply);
  }

  let guarded = false;
  const guard = (event: BeforeUnloadEvent) => event.preventDefault();
  connect();
  return {
    call(id, name, input) {
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        const text = JSON.stringify({ id, name, input });
        if (socket === null) unsent.set(id, text);
        else socket.send(text);
      });
    },
    cancel(id) {
      if (unsent.delete(id)) answer(id, failed('CANCELLED', 'Cancelled.', null));
      else socket?.send(JSON.stringify({ cancel: id }));
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onMenu: () => () => undefined,
    onOpen: () => () => undefined,
    pickFolder: async () => undefined,
    pickFile: async () => undefined,
    pickSaveFile: async () => undefined,
    showFolder: () => undefined,
    setUnsaved(unsaved) {
      if (unsaved === guarded) return;
      guarded = unsaved;
      if (unsaved) addEventListener('beforeunload', guard);
      else removeEventListener('beforeunload', guard);
    },
    closeWindow() {
      removeEventListener('beforeunload', guard);
      close();
    },
  };
}

function stopped(): WireReply {
  return failed(
    'ENGINE_STOPPED',
    'Ingest Studio cannot be reached.',
    'Is `ingest ui` still running? Start it again and open the link that it prints.',
  );
}

function failed(code: string, message: string, hint: string | null): WireReply {
  const error: WireError = { code, message, hint, detail: null, findings: [] };
  return { ok: false, error };
}
