import { describe, expect, test } from 'vitest';
import { isAppPage } from '../../electron/app-protocol.ts';
import { assertOwnSender, denyPermissions, guardNavigation, openSignIn } from '../../electron/security.ts';

describe('a page is the application’s own', () => {
  test.each(['app://bundle/', 'app://bundle/index.html#x', 'app://bundle/a?b'])('%s is', (url) => {
    expect(isAppPage(url)).toBe(true);
  });
  test.each([
    '',
    'app://other/index.html',
    'app:bundle',
    'https://bundle/',
    'file:///bundle/index.html',
    'app://bundle.evil/',
    'app://user@evil/',
    'data:text/html,x',
  ])('%s is not', (url) => {
    expect(isAppPage(url)).toBe(false);
  });
});

describe('a call is answered only to the top frame of an own page', () => {
  const frame = (url: string, parent: unknown = null) =>
    ({ senderFrame: { url, parent } }) as Parameters<typeof assertOwnSender>[0];
  test('from there it is', () => {
    expect(() => assertOwnSender(frame('app://bundle/index.html'), isAppPage)).not.toThrow();
  });
  test.each([
    ['another page', frame('https://evil.example/')],
    ['a frame inside', frame('app://bundle/index.html', {})],
    ['a frame that is gone', { senderFrame: null }],
  ])('from %s it is refused', (_name, event) => {
    expect(() => assertOwnSender(event, isAppPage)).toThrow('does not come from a page of Ingest Studio');
  });
});

test('every permission is denied, asked for or looked up', () => {
  const handlers: ((...args: never[]) => unknown)[] = [];
  const keep = (handler: ((...args: never[]) => unknown) | null) => {
    if (handler !== null) handlers.push(handler);
  };
  denyPermissions({
    setPermissionRequestHandler: keep,
    setPermissionCheckHandler: keep,
    setDevicePermissionHandler: keep,
  });
  const [request, check, device] = handlers as unknown as [
    (contents: unknown, permission: string, answer: (granted: boolean) => void) => void,
    () => boolean,
    () => boolean,
  ];
  let granted: boolean | null = null;
  request({}, 'media', (answer) => {
    granted = answer;
  });
  expect(granted).toBe(false);
  expect(check()).toBe(false);
  expect(device()).toBe(false);
});

test('a window stays on its page, opens no other and shows only https outside', () => {
  const listeners = new Map<string, (event: unknown) => void>();
  let openHandler: (wish: { url: string }) => unknown = () => undefined;
  const opened: string[] = [];
  const contents = {
    on: (name: string, listener: (event: unknown) => void) => listeners.set(name, listener),
    setWindowOpenHandler: (handler: typeof openHandler) => {
      openHandler = handler;
    },
  };
  guardNavigation(contents as unknown as Parameters<typeof guardNavigation>[0], isAppPage, (url) => opened.push(url));
  const prevented = (name: string, url: string) => {
    let stopped = false;
    listeners.get(name)?.({
      url,
      preventDefault: () => {
        stopped = true;
      },
    });
    return stopped;
  };
  for (const name of ['will-navigate', 'will-redirect']) {
    expect(prevented(name, 'https://evil.example/')).toBe(true);
    expect(prevented(name, 'app://bundle/index.html')).toBe(false);
  }
  expect(prevented('will-attach-webview', '')).toBe(true);
  for (const url of [
    'http://a.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'nonsense',
    'https://b.example/',
  ]) {
    expect(openHandler({ url })).toEqual({ action: 'deny' });
  }
  expect(opened).toEqual(['https://b.example/']);
});

test('a sign-in opens the system’s browser, for https only', () => {
  const opened: string[] = [];
  const tell = (name: string, address: string) => openSignIn(name, { address }, (url) => opened.push(url));
  tell('sign_in.wanted', 'https://login.example/authorize?state=1');
  tell('sign_in.wanted', 'file:///etc/passwd');
  tell('sign_in.wanted', 'javascript:alert(1)');
  tell('sign_in.ended', 'https://other.example/');
  expect(opened).toEqual(['https://login.example/authorize?state=1']);
});
