import { z } from 'zod';
import { sectionEntries } from './config-section.ts';
import type { RawProject } from './project.ts';
import { parseEntries, remark, type TomlContext } from './toml-table.ts';

/** Which service a webhook's message is written for; `auto` tells it by the address. */
export const WEBHOOK_FORMATS = ['auto', 'teams', 'slack'] as const;
export const NOTIFY_ON = ['failure', 'always'] as const;

/** `[notifications]` of config.toml: who is told of a run's end. */
export const notificationsModel = z.object({
  /** Whoever knows it can write to the channel: a secret, `NOTIFICATIONS__WEBHOOK_URL` in the environment. */
  webhook_url: z.string().min(1),
  /** `failure`: runs that failed, a critical check among the reasons. `always`: every run. */
  on: z.enum(NOTIFY_ON).default('failure'),
  format: z.enum(WEBHOOK_FORMATS).default('auto'),
});
export type Notifications = z.infer<typeof notificationsModel>;

/** Null where nobody is to be told, or where the table has errors. */
export function readNotifications(
  context: TomlContext,
  raw: Pick<RawProject, 'config' | 'deferredPaths'>,
): Notifications | null {
  const path = ['notifications'];
  const known = Object.keys(notificationsModel.shape);
  const entries = sectionEntries(context, raw.config, 'notifications', known, { url: 'webhook_url' });
  if (entries === null || entries === 'wrong') return null;
  // A vault gives it when a run asks.
  if (raw.deferredPaths.has('notifications.webhook_url') && !entries.has('webhook_url')) return null;
  const parsed = parseEntries(context, notificationsModel, entries, {}, path);
  const url = entries.get('webhook_url');
  if (parsed === null || url === undefined || isWebhookAddress(parsed.webhook_url)) return parsed;
  remark(context, url, 'CONFIG_VALUE_NOT_ALLOWED', 'must be an https address', {
    hint: 'Copy the address of an incoming webhook. http is taken for this computer only.',
  });
  return null;
}

/** What a webhook's address gives away must not be read on the way. */
function isWebhookAddress(text: string): boolean {
  const [, scheme, host] = /^(https?):\/\/(?:[^/?#@]*@)?(\[[^\]]+\]|[^/?#:]+)/i.exec(text.trim()) ?? [];
  if (scheme === undefined || host === undefined) return false;
  return scheme.toLowerCase() === 'https' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(host);
}
