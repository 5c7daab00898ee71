import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { DevTools, DevToolsSession } from './devtools.ts';
import { exposeInMainWorld, guardWindowOpen, runPreload } from './page.ts';
import { onPage, ownScheme, realUrl } from './schemes.ts';
import { strict } from './strict.ts';

const WORLD = 'Electron Isolated Context';
const BINDING = '__electronPost';

export type InvokeHandler = (event: { senderFrame: unknown; sender: unknown }, ...args: unknown[]) => unknown;

let lastId = 0;

export interface Host {
  devtools: DevTools;
  invokeHandlers: Map<string, InvokeHandler>;
}

/** `webContents` of a window: a page of the browser, its preload, its calls, its requests. */
export class WebContents extends EventEmitter<Record<string, unknown[]>> {
  readonly ready: Promise<void>;
  readonly id: number;
  targetId = '';
  readonly #host: Host;
  readonly #preload: string | undefined;
  readonly #preferences: Record<string, unknown>;
  readonly #face = strict(this, 'webContents');
  #page!: DevToolsSession;
  #isolated: number | undefined;
  #url = '';
  #expected = '';
  #destroyed = false;
  #onOpen: (wish: { url: string }) => { action: string } = () => ({ action: 'allow' });

  constructor(
    host: Host,
    preload: string | undefined,
    size: { width: number; height: number },
    preferences: Record<string, unknown>,
  ) {
    super();
    lastId += 1;
    this.id = lastId;
    this.#host = host;
    this.#preload = preload;
    this.#preferences = preferences;
    this.ready = this.#create(size);
    this.ready.catch((error: unknown) => console.error('electron stand-in:', error));
  }

  /** Throws for what is not modelled. */
  get face(): this {
    return this.#face;
  }

  get mainFrame() {
    return { url: this.#url, parent: null };
  }

  getLastWebPreferences(): Record<string, unknown> {
    return this.#preferences;
  }

  getURL(): string {
    return this.#url;
  }

  isDestroyed(): boolean {
    return this.#destroyed;
  }

  setWindowOpenHandler(handler: (wish: { url: string }) => { action: string }): void {
    this.#onOpen = handler;
  }

  /** A message to the preload of the top frame. */
  send(name: string, ...args: unknown[]): void {
    if (this.#isolated === undefined) return;
    void this.#page
      .send('Runtime.callFunctionOn', {
        functionDeclaration: 'function (message) { __electronMessage(message); }',
        arguments: [{ value: { name, args } }],
        executionContextId: this.#isolated,
      })
      .catch(() => undefined);
  }

  async loadURL(url: string): Promise<void> {
    await this.ready;
    this.#expected = new URL(url).href;
    const loaded = new Promise((resolve) => this.once('did-finish-load', resolve));
    const { errorText } = await this.#page.send('Page.navigate', { url: onPage(url) });
    if (errorText !== undefined) throw new Error(`${errorText} loading '${url}'`);
    await loaded;
  }

  close(): void {
    this.emit('close-wanted');
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    const { root } = this.#host.devtools;
    void this.ready.then(() => root.send('Target.closeTarget', { targetId: this.targetId })).catch(() => undefined);
    this.emit('destroyed');
  }

  async #create({ width, height }: { width: number; height: number }): Promise<void> {
    const { devtools } = this.#host;
    const target = { url: 'about:blank', width, height, newWindow: true };
    this.targetId = (await devtools.root.send('Target.createTarget', target)).targetId;
    const attach = { targetId: this.targetId, flatten: true };
    this.#page = devtools.session((await devtools.root.send('Target.attachToTarget', attach)).sessionId);
    this.#listen();
    const channel = `electron-${randomBytes(12).toString('hex')}`;
    const inTopFrame = (source: string) =>
      `if (window === window.top && location.href !== 'about:blank') { ${source} }`;
    const main = `(${exposeInMainWorld})('${channel}'); (${guardWindowOpen})('${channel}');`;
    const preload = this.#preload === undefined ? '' : readFileSync(this.#preload, 'utf8');
    const isolated = `(${runPreload})('${channel}', '${BINDING}', function (require, module, exports) { ${preload}\n });`;
    await Promise.all([
      this.#page.send('Page.enable'),
      this.#page.send('Runtime.enable'),
      this.#page.send('Runtime.addBinding', { name: BINDING, executionContextName: WORLD }),
      this.#page.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }),
      // In this order: the main world listens before the preload speaks.
      this.#page.send('Page.addScriptToEvaluateOnNewDocument', { source: inTopFrame(main) }),
      this.#page.send('Page.addScriptToEvaluateOnNewDocument', { source: inTopFrame(isolated), worldName: WORLD }),
    ]);
  }

  #listen(): void {
    this.#page.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.name === WORLD && context.auxData.frameId === this.targetId) this.#isolated = context.id;
    });
    this.#page.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
      if (name === BINDING) void this.#hear(JSON.parse(payload), executionContextId);
    });
    this.#page.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId === undefined) this.#url = realUrl(frame.url);
    });
    this.#page.on('Page.loadEventFired', () => {
      if (this.#url !== 'about:blank') this.emit('did-finish-load');
    });
    this.#page.on('Fetch.requestPaused', (paused) => this.#answer(paused).catch(() => undefined));
  }

  async #hear(message: any, context: number): Promise<void> {
    if (message.kind === 'open') {
      const { action } = this.#onOpen({ url: message.url });
      // No second window comes to be here; in Electron it would.
      if (action !== 'deny') this.emit('did-create-window', {}, { url: message.url });
      return;
    }
    // A preload runs in the top frame only; a call from elsewhere has no frame that could be trusted.
    const senderFrame = context === this.#isolated ? this.mainFrame : null;
    const answer: { id: number; value?: unknown; error?: string } = { id: message.id };
    try {
      const handler = this.#host.invokeHandlers.get(message.name);
      if (handler === undefined) throw new Error(`No handler registered for '${message.name}'`);
      answer.value = await handler({ senderFrame, sender: this.#face }, ...message.args);
    } catch (error) {
      answer.error = `Error invoking remote method '${message.name}': ${error}`;
    }
    await this.#page
      .send('Runtime.callFunctionOn', {
        functionDeclaration: 'function (answer) { __electronAnswer(answer); }',
        arguments: [{ value: answer }],
        executionContextId: context,
      })
      .catch(() => undefined);
  }

  async #answer({ requestId, request, resourceType, frameId }: any): Promise<void> {
    const url = realUrl(request.url);
    if (resourceType === 'Document' && frameId === this.targetId && url !== this.#expected) {
      const event = {
        url,
        defaultPrevented: false,
        preventDefault() {
          event.defaultPrevented = true;
        },
      };
      this.emit('will-navigate', event);
      if (event.defaultPrevented) return this.#page.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' });
    }
    if (resourceType === 'Document' && frameId === this.targetId) {
      this.emit('did-start-navigation', { url, isMainFrame: true, isSameDocument: false });
    }
    const handler = ownScheme(url);
    if (handler === undefined) {
      // Only the application's own scheme, data and electron-vite's development server are modelled; nothing reaches the network.
      const development = process.env['ELECTRON_RENDERER_URL'];
      const inline = /^(data|blob|about):/.test(url) || (development !== undefined && url.startsWith(development));
      const method = inline ? 'Fetch.continueRequest' : 'Fetch.failRequest';
      return this.#page.send(method, inline ? { requestId } : { requestId, errorReason: 'BlockedByClient' });
    }
    const response = await handler(new Request(url, { method: request.method, headers: request.headers }));
    await this.#page.send('Fetch.fulfillRequest', {
      requestId,
      responseCode: response.status,
      responseHeaders: [...response.headers].map(([name, value]) => ({ name, value })),
      body: Buffer.from(await response.arrayBuffer()).toString('base64'),
    });
  }
}
