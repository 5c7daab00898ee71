import { beforeAll, expect, test, vi } from 'vitest';
import type { ProjectDocument, WireReply } from '../../engine/contract.ts';
import { projectDocument } from './project-document.ts';

/** The engine as a window hears it: an answer comes when the test gives it. */
const asked: { name: string; input: unknown; answer(value: unknown): void }[] = [];
let createApp: typeof import('../../renderer/app.ts').createApp;

beforeAll(async () => {
  const call = (_id: string, name: string, input: unknown) =>
    new Promise<WireReply>((resolve) =>
      asked.push({ name, input, answer: (value) => resolve({ ok: true, value } as WireReply) }),
    );
  vi.stubGlobal('window', { ingestStudio: { call, cancel: () => undefined, on: () => () => undefined } });
  ({ createApp } = await import('../../renderer/app.ts'));
});

const documentIn = (directory: string): ProjectDocument => ({ ...projectDocument(), directory, name: directory });
const opening = (directory: string) =>
  asked.find(({ name, input }) => name === 'project.open' && (input as { directory: string }).directory === directory);
const shown = (app: ReturnType<typeof createApp>) => app.project.getState().document?.directory;

test('of two projects the one that was asked for last is shown, though the first takes longer', async () => {
  const app = createApp();
  const [first, last] = [app.commands.open('slow'), app.commands.open('quick')];
  await expect.poll(() => opening('quick')).toBeDefined();
  opening('quick')?.answer(documentIn('quick'));
  expect(await last).toBe(true);
  opening('slow')?.answer(documentIn('slow'));
  expect(await first).toBe(false);
  expect(shown(app)).toBe('quick');
  // The engine need not watch what nobody sees.
  expect(asked.filter(({ name }) => name === 'project.close').map(({ input }) => input)).toEqual([
    { directory: 'slow' },
  ]);
});

test('what a person opens while the window starts is not replaced by the project of the start', async () => {
  const app = createApp();
  asked.length = 0;
  void app.commands.readSettings();
  const chosen = app.commands.open('chosen');
  await expect.poll(() => opening('chosen')).toBeDefined();
  asked.find(({ name }) => name === 'settings.get')?.answer({});
  asked.find(({ name }) => name === 'app.about')?.answer({ openAtStart: 'before' });
  await expect.poll(() => app.settings.getState().about).not.toBeNull();
  opening('chosen')?.answer(documentIn('chosen'));
  expect(await chosen).toBe(true);
  expect(opening('before')).toBeUndefined();
  expect(shown(app)).toBe('chosen');
});
