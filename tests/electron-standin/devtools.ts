import { EventEmitter } from 'node:events';

type Params = Record<string, unknown>;

/** One target of a browser over the Chrome DevTools Protocol. Events come by the method's name. */
export class DevToolsSession extends EventEmitter<Record<string, [params: any]>> {
  readonly #send: (method: string, params: Params) => Promise<any>;

  constructor(send: (method: string, params: Params) => Promise<any>) {
    super();
    this.setMaxListeners(0);
    this.#send = send;
  }

  send(method: string, params: Params = {}): Promise<any> {
    return this.#send(method, params);
  }
}

/** A connection to a browser: one socket, a session a target. */
export class DevTools {
  readonly root: DevToolsSession;
  readonly #socket: WebSocket;
  readonly #sessions = new Map<string, DevToolsSession>();
  readonly #waiting = new Map<number, { method: string; resolve(value: any): void; reject(error: Error): void }>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.root = this.session('');
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)));
    socket.onclose = () => {
      for (const { method, reject } of this.#waiting.values()) reject(new Error(`${method}: the browser is gone`));
      this.#waiting.clear();
    };
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error(`no DevTools at ${url}`));
    });
    return new DevTools(socket);
  }

  session(id: string): DevToolsSession {
    const session = new DevToolsSession((method, params) => this.#request(id, method, params));
    this.#sessions.set(id, session);
    return session;
  }

  #request(sessionId: string, method: string, params: Params): Promise<any> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error(`${method}: the browser is gone`));
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { method, resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId === '' ? {} : { sessionId }) }));
    });
  }

  #receive(message: any): void {
    if (message.id === undefined) {
      this.#sessions.get(message.sessionId ?? '')?.emit(message.method, message.params);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.result);
    else waiting?.reject(new Error(`${waiting.method}: ${message.error.message}`));
  }
}
