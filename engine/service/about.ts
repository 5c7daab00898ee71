import type { HandlerGroup } from './handlers.ts';

export const aboutHandlers: HandlerGroup<'app.about' | 'keychain.state'> = ({ version, host, secretStore }) => ({
  'app.about': async () => ({ version, platform: process.platform, host }),
  'keychain.state': () => secretStore.state(),
});
