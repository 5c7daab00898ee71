import path from 'node:path';
import { BrowserWindow, Notification } from 'electron';

/** What the system's notification says of an event of the engine's; null for all that is no run's failure. */
export function failureText(name: string, data: unknown): { title: string; body: string } | null {
  if (name !== 'run.event') return null;
  const { directory, event } = data as { directory?: unknown; event?: { type?: unknown; status?: unknown } };
  if (typeof directory !== 'string' || event?.type !== 'run_finished' || event.status !== 'FAILED') return null;
  return { title: 'Run failed', body: `A run of ${path.basename(directory)} has failed. The window says why.` };
}

/** Tells of a run that failed while nobody looks at the window. A system that shows no notifications is no matter. */
export function tellFailure(name: string, data: unknown): void {
  const text = failureText(name, data);
  if (text === null || BrowserWindow.getFocusedWindow() !== null || !Notification.isSupported()) return;
  const notification = new Notification(text);
  notification.on('click', () => {
    const [window] = BrowserWindow.getAllWindows();
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  notification.show();
}
