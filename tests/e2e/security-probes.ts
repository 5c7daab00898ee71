import type { ElectronApplication, Page } from 'playwright-core';
import type { Bridge } from '../../engine/contract.ts';

declare global {
  interface Window {
    readonly ingestStudio: Bridge;
  }
}

/** One point of the security baseline, tried on the running application. Gives what is wrong; nothing where it holds. */
export type Probe = (app: ElectronApplication, page: Page) => Promise<string[]>;

const complain = (when: boolean, text: string): string[] => (when ? [text] : []);

/** In this order: the last one leaves the application's page. */
export const PROBES = {
  async 'the page has the bridge and nothing else of ours'(_app, page) {
    const names = await page.evaluate(() => {
      const frame = document.createElement('iframe');
      document.body.append(frame);
      const usual = new Set(Object.getOwnPropertyNames(frame.contentWindow));
      frame.remove();
      return Object.getOwnPropertyNames(window).filter(
        (name) => !usual.has(name) && !/^\d+$|^__playwright|^__zod_/.test(name),
      );
    });
    const ours = names.filter((name) => name !== 'ingestStudio');
    return complain(ours.length > 0, `the page has ${ours.join(', ')}`);
  },

  async 'the content security policy stops inline scripts and other origins'(_app, page) {
    return page.evaluate(async () => {
      const stopped = new Set<string>();
      document.addEventListener('securitypolicyviolation', (event) => stopped.add(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.pwned = 1';
      document.head.append(script);
      await fetch('https://example.com/').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [
        ...('pwned' in window ? ['an inline script ran'] : []),
        ...(stopped.has('connect-src') ? [] : ['another origin may be asked']),
      ];
    });
  },

  async 'the protocol serves its folder only'(_app, page) {
    const found = await page.evaluate(async () => {
      const paths = ['/..%2f..%2fpackage.json', '/%2e%2e%2f%2e%2e%2fpackage.json', '/..%2fmain%2findex.js'];
      const answers = await Promise.all(paths.map(async (path) => [path, (await fetch(path)).status] as const));
      return answers.filter(([, status]) => status !== 404).map(([path]) => path);
    });
    return found.map((path) => `${path} is served`);
  },

  async 'no second window, and only https goes to the system'(app, page) {
    await app.evaluate(({ shell, BrowserWindow }) => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      shell.openExternal = async (url: string) => void seen.push(url);
      BrowserWindow.getAllWindows()[0]!.webContents.on('did-create-window', () => seen.push('a second window'));
    });
    await page.evaluate(() => {
      for (const url of ['http://plain.example/', 'file:///etc/passwd', 'ms-settings:x', 'https://help.example/'])
        window.open(url);
    });
    let seen: string[] = [];
    // In order: when the last one was seen, the others were, too.
    for (let tries = 0; tries < 200 && !seen.includes('https://help.example/'); tries += 1) {
      seen = await app.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    }
    return seen.filter((one) => one !== 'https://help.example/').map((one) => `window.open led to ${one}`);
  },

  async 'the window stays on its page, and takes no webview'(app) {
    const events = [
      ['will-navigate', 'https://evil.example/'],
      ['will-redirect', 'https://evil.example/'],
      ['will-attach-webview', ''],
    ];
    const stopped = await app.evaluate(({ BrowserWindow }, names) => {
      const { webContents } = BrowserWindow.getAllWindows()[0]!;
      return names.map(([name, url]) => {
        let prevented = false;
        const preventDefault = () => {
          prevented = true;
        };
        webContents.emit(name as never, { url, preventDefault }, url);
        return prevented;
      });
    }, events);
    return events.flatMap(([name], index) => complain(!stopped[index], `${name} is not stopped`));
  },

  async 'every permission is denied'(app) {
    const granted = await app.evaluate(({ session }) => {
      const { permissions } = session.defaultSession as unknown as {
        permissions: Record<string, ((...args: unknown[]) => unknown) | undefined>;
      };
      let asked: unknown = permissions['request'] === undefined;
      permissions['request']?.({}, 'media', (answer: unknown) => {
        asked = answer;
      });
      return { asked, check: permissions['check']?.() ?? true, device: permissions['device']?.() ?? true };
    });
    return Object.entries(granted).flatMap(([kind, value]) => complain(value !== false, `${kind}: granted`));
  },

  async 'every page is sandboxed'(app) {
    const sandboxed = await app.evaluate((electron) => (electron.app as unknown as { sandboxed: boolean }).sandboxed);
    return complain(!sandboxed, 'app.enableSandbox() was not called');
  },

  async 'the window’s preferences are the safe ones'(app) {
    const given = await app.evaluate(({ BrowserWindow }) => {
      const { webContents } = BrowserWindow.getAllWindows()[0]!;
      // Electron has it; its types do not.
      return (webContents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences();
    });
    const safe = { contextIsolation: true, sandbox: true, nodeIntegration: false, webSecurity: true };
    return Object.entries(safe).flatMap(([name, value]) => complain(given[name] !== value, `${name}: ${given[name]}`));
  },

  async 'a call from a page that is not ours is refused'(app, page) {
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.loadURL('data:text/html,elsewhere'));
    await page.waitForURL('data:text/html,elsewhere');
    const answers = await page.evaluate(async () => {
      const { call, pickFolder } = window.ingestStudio;
      const outcome = (work: Promise<unknown>) =>
        work.then(
          () => 'answered',
          (error: Error) => error.message,
        );
      return Promise.all([outcome(call('1', 'app.about', undefined)), outcome(pickFolder('x'))]);
    });
    return answers.flatMap((text) =>
      complain(!text.includes('does not come from a page of Ingest Studio'), `a foreign page was ${text}`),
    );
  },
} satisfies Record<string, Probe>;
