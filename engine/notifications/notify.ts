import { request } from 'undici';
import { messageOf } from '../errors.ts';
import { openDispatcher } from '../network/dispatcher.ts';
import type { Environment } from '../network/environment.ts';
import type { Redactor } from '../secrets/redaction.ts';
import type { Notifications } from '../spec/notifications.ts';
import { type EndedRun, isWorthTelling, webhookBody } from './message.ts';

/** A run waits for its message so long at most, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Tells a run's end to a webhook, through the proxy and with the authorities of every other client. Data and state are committed by then, and nothing that goes
 * wrong here is more than a warning. Redirects are not followed: the address itself is the credential.
 * @returns null where it was told or need not be, else why it could not be, without the address
 */
export async function notify(
  notifications: Notifications,
  run: EndedRun,
  options: { redactor: Redactor; environment: Environment; patience?: number },
): Promise<string | null> {
  if (!isWorthTelling(notifications, run)) return null;
  const url = new URL(notifications.webhook_url.trim());
  const format = notifications.format === 'auto' ? formatOf(url) : notifications.format;
  const body = options.redactor.data(webhookBody(run, format), { keys: 'keep' });
  const signal = AbortSignal.timeout(options.patience ?? PATIENCE);
  const dispatcher = openDispatcher(options.environment, PATIENCE);
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      dispatcher,
      signal,
    });
    await answer.body.dump({ limit: 64 * 1024, signal });
    if (answer.statusCode >= 200 && answer.statusCode < 300) return null;
    return `${url.host} answered with status ${answer.statusCode}`;
  } catch (error) {
    return signal.aborted
      ? `${url.host} did not answer in time`
      : options.redactor.text(messageOf(error).replaceAll(url.href, url.host).slice(0, 500));
  } finally {
    await dispatcher.destroy();
  }
}

function formatOf(url: URL): 'teams' | 'slack' {
  return url.hostname === 'hooks.slack.com' || url.hostname === 'hooks.slack-gov.com' ? 'slack' : 'teams';
}
