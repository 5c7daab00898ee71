import { expect, test } from 'vitest';
import { BRIDGE_NAME, CHANNELS, MESSAGES } from '../../electron/channels.ts';

test('each call of the bridge has a channel of its own, named after the application', () => {
  const channels = [...Object.values(CHANNELS), ...Object.values(MESSAGES)];
  expect(new Set(channels).size).toBe(channels.length);
  for (const channel of channels) expect(channel).toMatch(/^ingest-studio:[a-z-]+$/);
  expect(BRIDGE_NAME).toBe('ingestStudio');
});
