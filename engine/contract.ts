/**
 * What a user interface may ask of its host: the desktop's main process or the web host.
 * One list, so that a host cannot forget a call and a page cannot invent one.
 */
export interface Bridge {
  about(): Promise<About>;
}

/** The application and the machine that it runs on. */
export interface About {
  /** Version of the application, e.g. `0.1.0`. */
  version: string;
  platform: 'win32' | 'darwin' | 'linux' | 'web';
}

/** The name under which a page finds its {@link Bridge}: `window.ingestStudio`. */
export const BRIDGE_NAME = 'ingestStudio';

/** The channel of each call between preload and main process. */
export const CHANNELS = { about: 'ingest-studio:about' } as const satisfies Record<keyof Bridge, string>;
