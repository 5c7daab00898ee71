/**
 * Functions that run inside the page; they reach it as source text, so each stands for itself.
 * A preload runs in a world of its own (Chromium's isolated worlds). The two worlds share only the DOM and talk by events whose
 * detail is JSON text: no object of one world ever reaches the other.
 */

/** Main world: makes the object that the preload exposed, with a function for each of its functions. */
export function exposeInMainWorld(channel: string): void {
  // Taken before the page can replace them.
  const { parse, stringify } = JSON;
  type Answer = { value?: unknown; error?: string; returned?: number };
  const waiting = new Map<number, (answer: Answer) => void>();
  const callbacks: ((...args: unknown[]) => unknown)[] = [];
  let last = 0;
  const tell = (kind: string, detail: unknown) =>
    window.dispatchEvent(new CustomEvent(`${channel}-${kind}`, { detail: stringify(detail) }));
  const listen = (kind: string, handle: (detail: any) => void) =>
    window.addEventListener(
      `${channel}-${kind}`,
      (event) => {
        event.stopImmediatePropagation();
        handle(parse((event as CustomEvent).detail));
      },
      true,
    );
  listen('expose', ({ key, functions, values }) => {
    const api: Record<string, unknown> = { ...values };
    for (const name of functions) {
      api[name] = (...given: unknown[]) => {
        // A function crosses as its number.
        const args = given.map((arg) => {
          if (typeof arg !== 'function') return { value: arg };
          callbacks.push(arg as (...args: unknown[]) => unknown);
          return { callback: callbacks.length - 1 };
        });
        last += 1;
        const id = last;
        let atOnce: Answer | undefined;
        waiting.set(id, (answer) => {
          atOnce = answer;
        });
        tell('call', { id, key, name, args });
        if (atOnce !== undefined) return settle(atOnce);
        return new Promise((resolve, reject) => {
          waiting.set(id, (answer) => {
            try {
              resolve(settle(answer));
            } catch (error) {
              reject(error);
            }
          });
        });
      };
    }
    Object.defineProperty(window, key, { value: Object.freeze(api), enumerable: true });
  });
  const settle = ({ value, error, returned }: Answer) => {
    if (error !== undefined) throw new Error(error);
    return returned === undefined ? value : () => tell('end', { returned });
  };
  listen('answer', ({ id, ...answer }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    call?.(answer);
  });
  listen('callback', ({ callback, args }) => callbacks[callback]?.(...args));
}

/** Main world: a second window never comes to be; the host is told of the wish. */
export function guardWindowOpen(channel: string): void {
  const tell = (url: string) => {
    const detail = JSON.stringify(new URL(url, document.baseURI).href);
    window.dispatchEvent(new CustomEvent(`${channel}-open`, { detail }));
    return null;
  };
  window.open = (url = 'about:blank') => tell(String(url));
  window.addEventListener('click', (event) => {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
    if (link === undefined || event.defaultPrevented || link.target !== '_blank') return;
    event.preventDefault();
    tell(link.href);
  });
}

type Preload = (require: (id: string) => unknown, module: { exports: unknown }, exports: unknown) => void;

/** Isolated world: `contextBridge`, `ipcRenderer.invoke`, and the preload between them. What is not modelled throws. */
export function runPreload(channel: string, binding: string, preload: Preload): void {
  const world = globalThis as unknown as Record<string, any>;
  const post = world[binding] as (text: string) => void;
  delete world[binding];
  const apis: Record<string, any> = {};
  const invoked = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  const tell = (kind: string, detail: unknown) =>
    window.dispatchEvent(new CustomEvent(`${channel}-${kind}`, { detail: JSON.stringify(detail) }));
  const listen = (kind: string, handle: (detail: any) => void) =>
    window.addEventListener(`${channel}-${kind}`, (event) => handle(JSON.parse((event as CustomEvent).detail)), true);
  const strict = (object: object, name: string) =>
    new Proxy(object, {
      get(target, key) {
        if (typeof key === 'string' && !(key in target)) {
          throw new Error(`electron stand-in: ${name}.${key} is not modelled in a preload`);
        }
        return Reflect.get(target, key);
      },
    });

  listen('open', (url) => post(JSON.stringify({ kind: 'open', url })));
  const returns: (() => unknown)[] = [];
  listen('call', ({ id, key, name, args }) => {
    const failed = (error: unknown) =>
      tell('answer', { id, error: error instanceof Error ? error.message : String(error) });
    const given = args.map(({ value, callback }: { value?: unknown; callback?: number }) =>
      callback === undefined ? value : (...heard: unknown[]) => tell('callback', { callback, args: heard }),
    );
    try {
      const value = apis[key][name](...given);
      if (value instanceof Promise) return void value.then((settled) => tell('answer', { id, value: settled }), failed);
      if (typeof value !== 'function') return void tell('answer', { id, value });
      returns.push(value);
      tell('answer', { id, returned: returns.length - 1 });
    } catch (error) {
      failed(error);
    }
  });
  listen('end', ({ returned }) => returns[returned]?.());
  // The main process answers through this name, which only this world has.
  world['__electronAnswer'] = ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
    const call = invoked.get(id);
    invoked.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  };

  type Listener = (event: object, ...args: unknown[]) => void;
  const listeners = new Map<Listener, string>();
  world['__electronMessage'] = ({ name, args }: { name: string; args: unknown[] }) => {
    for (const [listener, channel] of listeners) if (channel === name) listener({}, ...args);
  };

  const contextBridge = {
    exposeInMainWorld(key: string, api: Record<string, unknown>) {
      const functions = Object.keys(api).filter((name) => typeof api[name] === 'function');
      const values = Object.fromEntries(Object.entries(api).filter(([name]) => !functions.includes(name)));
      apis[key] = api;
      tell('expose', { key, functions, values });
    },
  };
  const ipcRenderer = {
    invoke: (name: string, ...args: unknown[]) =>
      new Promise((resolve, reject) => {
        last += 1;
        invoked.set(last, { resolve, reject });
        post(JSON.stringify({ kind: 'invoke', id: last, name, args }));
      }),
    on: (name: string, listener: Listener) => listeners.set(listener, name),
    removeListener: (_name: string, listener: Listener) => listeners.delete(listener),
  };
  // A browser keeps paths to itself: a test names its file by the path.
  const webUtils = { getPathForFile: ({ name }: File) => (name.includes('/') ? name : '') };
  const electron = strict(
    {
      contextBridge: strict(contextBridge, 'contextBridge'),
      ipcRenderer: strict(ipcRenderer, 'ipcRenderer'),
      webUtils: strict(webUtils, 'webUtils'),
    },
    'electron',
  );
  const module = { exports: {} };
  const require = (id: string) => {
    if (id !== 'electron') throw new Error(`module not found: ${id}`);
    return electron;
  };
  preload(require, module, module.exports);
}
