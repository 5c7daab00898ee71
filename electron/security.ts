import type { IpcMainInvokeEvent, Session, WebContents } from 'electron';
import type { EventData } from '../engine/contract.ts';

/** Tells the application's own pages from everything else. */
export type IsOwnPage = (url: string) => boolean;

/** A page asks for nothing from the system: no camera, no location, no notifications, no devices. */
export function denyPermissions(
  session: Pick<Session, 'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'>,
): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

/** Keeps a window on the application's own page: no navigation away, no second window, no webview. Links go to the system's browser, https only. */
export function guardNavigation(
  contents: Pick<WebContents, 'on' | 'setWindowOpenHandler'>,
  isOwnPage: IsOwnPage,
  openExternal: (url: string) => void,
): void {
  contents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    if (!isOwnPage(event.url)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url, openExternal);
    return { action: 'deny' };
  });
}

/** A sign-in that the engine waits for goes to the system's browser as the page's own links do: https only. */
export function openSignIn(name: string, data: unknown, openExternal: (url: string) => void): void {
  if (name !== 'sign_in.wanted') return;
  const { address } = data as EventData<'sign_in.wanted'>;
  openOutside(address, openExternal);
}

function openOutside(url: string, openExternal: (url: string) => void): void {
  if (URL.parse(url)?.protocol === 'https:') openExternal(url);
}

/** Throws unless a call comes from the top frame of the application's own page. */
export function assertOwnSender(event: Pick<IpcMainInvokeEvent, 'senderFrame'>, isOwnPage: IsOwnPage): void {
  const frame = event.senderFrame;
  if (frame === null || frame.parent !== null || !isOwnPage(frame.url)) {
    throw new Error('This call does not come from a page of Ingest Studio.');
  }
}
